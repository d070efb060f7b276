import operator
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.dialplan.expressions import MAX_LENGTH, ExpressionError, evaluate


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("  ", ""),
        ("007", "007"),  # what is not computed stays as written
        ('"a b"', '"a b"'),
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 3 - 2", "5"),
        ("2 - -3", "5"),
        ("-2 * 3", "-6"),
        ("7 / 2", "3.5"),
        ("1 / 3", "0.333333333333333333"),
        ("0.1 + 0.2", "0.3"),
        ("7 % 3", "1"),
        ("-7 % 3", "-1"),
        ("1.50 + 0", "1.5"),
        ("1000000 * 1000000", "1000000000000"),
        ("999999999 * 999999999 * 10", "9.99999998000000001e+18"),
        ("1 / 100000", "1e-05"),
        ("1 / 0", "2147483647"),
        ("1 % 0", "0"),
        ("a + 1", "1"),
        ("1 + a", "1"),
        ("a + b", "0"),
        ("a - 1", "-1"),
        ("1 - a", "1"),
        ("a - b", "0"),
        ("a * 2", "0"),
        ("a / 2", "0"),
        ("2 / a", "2147483647"),
        ("-a", "0"),
        ("1 = 1.0", "1"),
        ("1 == 1", "1"),
        ('"1" = 1', "0"),  # quotes make text of a number
        ('"1" = "1"', "1"),
        ("abc = abc", "1"),
        ("abc != abd", "1"),
        ("9 < 10", "1"),
        ('"9" < "10"', "0"),
        ("a9 < a10", "0"),
        ("2 >= 2", "1"),
        ("2 <= 1", "0"),
        ("2 > 1", "1"),
        ("1 + 1 = 2", "1"),
        ("1 = 1 & 2 = 2", "1"),
        ("0 | a", "a"),
        ("b | a", "b"),
        ("0 || 0", "0"),
        ("a & b", "a"),
        ("a && 0", "0"),
        ("1 | 0 & 0", "1"),
        ("!0", "1"),
        ("!1", "0"),
        ("!abc", "1"),
        ("!12abc", "0"),
        ("!1 = 0", "1"),  # ! binds tighter than =
        ("!(1 = 0)", "1"),
        ("!!5", "1"),
        ("1 ? yes :: no", "yes"),
        ("0 ? yes :: no", "no"),
        ('"" ? yes :: no', "no"),
        ("a ? b ? c :: d :: e", "c"),
        ("1 ? 0 :: 1 ? x :: y", "y"),  # groups to the left
        ("2 > 1 ? 1 + 1 :: 5", "2"),
        ("abc =~ b", "1"),
        ("abc : b", "0"),
        ('"abcd" : "ab"', "2"),
        ('"5551234" : "555([0-9]+)"', "1234"),
        ('"5551234" =~ "([a-z])"', ""),
        ('"5551234" =~ "x"', "0"),
        ('"a12" =~ "([0-9]+)" + 1', "13"),  # a number again; and =~ binds tighter than +
        ("-abc : a", "-1"),
        ("!abc =~ x", "1"),
        ('"a b" ~~ c', "a bc"),
        ("1 ~~ 2 + 1", "13"),
        ("a.b_c#1@x", "a.b_c#1@x"),
        ("SIP/100 = DAHDI/7", "1"),  # unquoted, / divides: a known trap
        ("é = é", "1"),
        ("(((1)))", "1"),
    ],
)
def test_expressions(text: str, result: str) -> None:
    assert evaluate(text) == result


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("> 3", "missing before >"),
        ("1 +", "missing at the end"),
        ("1 2", "missing before 2"),
        ("1 !2", "missing before !"),
        ("1 (2)", r"missing before \("),
        ("(1", r"\( without its \)"),
        ("1)", r"\) without its \("),
        ("()", "missing before"),
        ("1 ? 2", r"\? without its ::"),
        ("1 :: 2", ":: without its"),
        ("(1 ? 2) :: 3", "without its"),
        ("(1 :: 2)", "without its"),
        ("a, b", "','"),
        ('"open', "no meaning here: quote it"),
        ("[1]", "no meaning"),
        ("${X}", "no meaning"),
        ("a : [", "no meaning"),
        ('a : "["', "regular expression"),
        ("9" * 5000, "too large a number"),
        ("9e = " + "9" * 3000 + " * " + "9" * 3000, "too large"),
        ("1" * 30 + " % 3", "too large"),
        ("1" * (MAX_LENGTH + 1), "longer than"),
    ],
)
def test_malformed_expressions_say_why(text: str, complaint: str) -> None:
    with pytest.raises(ExpressionError, match=complaint):
        evaluate(text)


def test_depth_costs_no_recursion() -> None:
    deep = 4000
    assert evaluate("(" * deep + "1" + ")" * deep) == "1"
    assert evaluate("!" * deep + "1") == "1"
    assert evaluate("1" + "+1" * deep) == str(deep + 1)
    assert evaluate("1?" * 1000 + "1" + "::0" * 1000) == "1"


# Whole numbers and Python's own precedence as the oracle; the operators' order is the same there.
def rendered(tokens: list[tuple[int, str]]) -> str:
    return " ".join(f"{number} {sign}" for number, sign in tokens) + " 1"


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("+-*")), max_size=8))
@settings(max_examples=300, deadline=None)
def test_arithmetic_is_pythons(tokens: list[tuple[int, str]]) -> None:
    text = rendered(tokens)
    assert Fraction(evaluate(text)) == eval(text)


COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt,
    ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip


@given(st.integers(0, 99), st.sampled_from(sorted(COMPARISONS)), st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_numbers_compare_as_numbers_and_quoted_ones_as_text(a: int, sign: str, b: int) -> None:
    assert evaluate(f"{a} {sign} {b}") == str(int(COMPARISONS[sign](a, b)))
    order = (str(a) > str(b)) - (str(a) < str(b))
    assert evaluate(f'"{a}" {sign} "{b}"') == str(int(COMPARISONS[sign](order, 0)))


PIECES = st.sampled_from([
    "1", "0", "007", "2.5", "a", '"b c"', '""', "(", ")", "|", "&", "=", "!=", "<", "<=", ">", "+",
    "-", "*", "/", "%", "!", ":", "=~", "~~", "?", "::", '"(a*)*"', '"["', " ", ",", "$", "${", "{",
    "9" * 30, "\u0663", "\x00", "\\", '"',
])  # fmt: skip


def check(text: str) -> None:
    try:
        result = evaluate(text)
    except ExpressionError:
        return
    assert len(result) <= len(text) + 40


@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_computed_or_refused(text: str) -> None:
    check(text)


@pytest.mark.slow
@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=150_000, deadline=None, database=None)
def test_very_many_texts_are_computed_or_refused(text: str) -> None:
    check(text)
