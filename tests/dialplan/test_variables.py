import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.dialplan.variables import (
    MAX_DEPTH,
    MAX_LENGTH,
    SubstitutionError,
    substitute,
    unclosed,
)

VALUES = {"X": "hello", "NAME": "X", "N": "3", "EMPTY": "", "EVIL": "${X}", "EXTEN": "app-demo"}


def function(name: str, arguments: str) -> str | None:
    return None if name == "NOTHING" else f"<{name}|{arguments}>"


def replaced(text: str) -> str:
    warnings: list[str] = []
    result = substitute(text, VALUES.get, function, warnings.append)
    assert warnings == []
    return result


def warned(text: str) -> tuple[str, str]:
    warnings: list[str] = []
    result = substitute(text, VALUES.get, function, warnings.append)
    (warning,) = warnings
    return result, warning


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("plain {x} [y] $ $$ $5", "plain {x} [y] $ $$ $5"),
        ("${X}", "hello"),
        ("a${X}b${N}c", "ahellob3c"),
        ("$${X}", "$hello"),
        ("${MISSING}", ""),
        ("${EMPTY}", ""),
        ("${x}", ""),  # names are case sensitive
        ("${EVIL}", "${X}"),  # a value is not looked at again
        ("${X:1}", "ello"),
        ("${X:1:3}", "ell"),
        ("${X:-3}", "llo"),
        ("${X:-3:2}", "ll"),
        ("${X:0:-1}", "hell"),
        ("${X:1:-1}", "ell"),
        ("${X:2:-9}", ""),
        ("${X:-99}", "hello"),
        ("${X:99}", ""),
        ("${X:0:0}", ""),
        ("${X:1:}", "ello"),
        ("${X:junk}", "hello"),
        ("${X:${N}}", "lo"),
        ("${X:$[${N} - 1]:1}", "l"),
        ("${EXTEN:4}", "demo"),
        ("${${NAME}}", "hello"),
        ("${N${EMPTY}AME}", "X"),
        ("${LEN(${X})}", "<LEN|hello>"),
        ("${CALLERID(num):1:3}", "CAL"),
        ("${F()}", "<F|>"),
        ("${F(a(b)c)}", "<F|a(b)c>"),
        ("${F(a:b)}", "<F|a:b>"),
        ("${NOTHING(x)}", ""),
        ("$[1 + 1]", "2"),
        ("$[${N} * 2]", "6"),
        ("$[$[1 + 1] + $[2]]", "4"),
        ('$["${X}" =~ "[a-z]+"]', "5"),
        ('$["${X}" = "hello"]x', "1x"),
        ("${F({a})}", "<F|{a}>"),
    ],
)
def test_substitution(text: str, result: str) -> None:
    assert replaced(text) == result


def test_mistakes_are_warned_of_and_do_not_end_the_call() -> None:
    assert warned("$[${MISSING} > 3]")[0] == "0"
    assert "$[ > 3] is taken as 0" in warned("$[${MISSING} > 3]")[1]
    assert warned("a${X") == ("ahello", "${ has no } in: a${X")
    assert warned("${F(a")[0] == "<F|a>"
    assert warned("${A${X}")[0] == ""
    assert warned("a$[1 + 1") == ("a2", "$[ has no ] in: a$[1 + 1")


@pytest.mark.parametrize(
    ("text", "opener"),
    [
        ("", None),
        ("${X} $[1] { [ $", None),
        ("${X", "${"),
        ("$[1", "$["),
        ("${A$[1}", "$["),
        ("${A{}", "${"),
        ("$[ [ ]", "$["),
    ],
)
def test_what_is_never_closed_can_be_found_before_the_call(text: str, opener: str | None) -> None:
    assert unclosed(text) == opener


def test_depth_and_length_are_bounded() -> None:
    deepest = "${" * MAX_DEPTH + "X" + "}" * MAX_DEPTH
    assert replaced(deepest) == ""
    with pytest.raises(SubstitutionError, match="nested"):
        replaced("${" + deepest + "}")
    with pytest.raises(SubstitutionError, match="nested"):
        replaced("$[" * 100_000)
    long = {"L": "x" * (MAX_LENGTH // 2)}
    assert len(substitute("${L}${L}", long.get, function, print)) == MAX_LENGTH
    with pytest.raises(SubstitutionError, match="longer"):
        substitute("${L}${L}y", long.get, function, print)
    assert unclosed("${" * 100_000) == "${"


# Templates with the value they must have, built together.
PLAIN = st.text(alphabet="ab 1:()$,", max_size=5).filter(lambda text: not text.endswith("$"))
LEAVES = st.one_of(
    PLAIN.map(lambda text: (text, text)),
    st.just(("${X}", "hello")),
    st.just(("${EVIL}", "${X}")),
    st.just(("${${NAME}}", "hello")),
    st.just(("${MISSING}", "")),
)
Built = tuple[str, str]


def wrapped(inner: st.SearchStrategy[Built]) -> st.SearchStrategy[Built]:
    def called(built: Built) -> Built:
        # Parentheses would move the end of the arguments: that is another test's business.
        return "${F(" + built[0] + ")}", "<F|" + built[1] + ">"

    balanced = inner.filter(lambda built: not set("()") & set(built[1]))
    return st.one_of(
        balanced.map(called),
        st.lists(inner, max_size=4).map(lambda many: ("".join(t for t, _ in many),
                                                      "".join(v for _, v in many))),
        st.integers(0, 99).map(lambda n: (f"$[{n} + ${{N}}]", str(n + 3))),
    )  # fmt: skip


@given(st.recursive(LEAVES, wrapped, max_leaves=12))
@settings(max_examples=300, deadline=None)
def test_templates_have_the_value_they_were_built_with(built: Built) -> None:
    text, value = built
    if unclosed(text) is None:
        assert replaced(text) == value


PIECES = st.sampled_from([
    "${", "$[", "}", "]", "{", "[", "(", ")", ":", "X", "NAME", "N", "F(", "-1", "1", " ", "+", '"',
    "$", ",", "=~", "99999999999", "\u0663", "\0",
])  # fmt: skip


def check(text: str) -> None:
    warnings: list[str] = []
    try:
        result = substitute(text, VALUES.get, function, warnings.append)
    except SubstitutionError:
        return
    assert len(result) <= MAX_LENGTH
    assert (unclosed(text) is None) or warnings


@given(st.lists(PIECES, max_size=50).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_substituted_or_refused(text: str) -> None:
    check(text)


@pytest.mark.slow
@given(st.lists(PIECES, max_size=50).map("".join))
@settings(max_examples=150_000, deadline=None, database=None)
def test_very_many_texts_are_substituted_or_refused(text: str) -> None:
    check(text)
