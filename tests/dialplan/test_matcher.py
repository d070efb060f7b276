"""The matcher against a naive one, that walks characters and compares pairs of patterns."""

from functools import cmp_to_key

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.dialplan.matcher import Found, Matcher, in_order
from stasisd.dialplan.parser import parse
from stasisd.dialplan.patterns import PatternError, compile_pattern, without_dashes
from stasisd.dialplan.plan import Context, Dialplan, Extension, Step


def matcher(text: str) -> Matcher:
    return Matcher(parse(text, "extensions.conf"))


def name_of(found: Found | None) -> str | None:
    return found.extension.name if found else None


@pytest.mark.parametrize(
    ("pattern", "matched", "unmatched"),
    [
        ("100", ["100", "1-00", "-100-"], ["10", "1000", "", "x100"]),
        ("5-55", ["555", "55-5"], ["5-5"]),
        ("s", ["s"], ["S", ""]),
        ("s-BUSY", ["s-BUSY", "sBUSY"], ["s-busy"]),
        ("_X", ["0", "9"], ["a", "10", "", "٣"]),
        ("_NXX", ["200", "9-99"], ["100", "20"]),
        ("_nxz", ["201"], ["200"]),
        ("_Z", ["1", "9"], ["0"]),
        ("_[1-5a]X", ["10", "a0", "59"], ["60", "b0", "-0"]),
        ("_[a-]1", ["a1"], ["-1", "1"]),
        ("_1.", ["12", "1abc", "1é", "1\n2"], ["1", "1-", "2"]),
        ("_1!", ["1", "12", "1-"], ["", "2"]),
        ("_.", ["1", "anything"], ["", "-"]),
        ("_!", ["", "-", "x"], []),
        ("_app-.", ["app-x", "appx", "app-x-y"], ["app-", "app", "ap"]),
        ("_1-2-3", ["123", "12-3"], ["12"]),
        ("_a_b", ["a_b"], ["ab"]),
    ],
)
def test_what_a_name_matches(pattern: str, matched: list[str], unmatched: list[str]) -> None:
    compiled = compile_pattern(pattern)
    for dialled in matched:
        assert compiled.matches(without_dashes(dialled)), dialled
    for dialled in unmatched:
        assert not compiled.matches(without_dashes(dialled)), dialled


def test_the_order_in_which_extensions_are_tried() -> None:
    expected = [
        "100", "s",  # names before patterns
        "_10X", "_1[2-5]X",  # a single character before a set
        "_1[12345678]", "_1N",  # of equal size: the one with the lower first character
        "_1Z", "_1X.", "_1X!", "_1X",  # then ., !, and the end
        "_1.", "_1!",
        "_[13]", "_[14]", "_[23]",  # compared character by character
        "_X", "_.", "_!",
    ]  # fmt: skip
    extensions = [Extension(name, None, ()) for name in reversed(expected)]
    assert [extension.name for extension in in_order(extensions)] == expected


def test_a_more_specific_extension_wins() -> None:
    plan = matcher("[a]\nexten => _X.,1,NoOp()\nexten => _1XX,1,NoOp()\nexten => 100,1,NoOp()")
    assert name_of(plan.find("a", "100")) == "100"
    assert name_of(plan.find("a", "101")) == "_1XX"
    assert name_of(plan.find("a", "1001")) == "_X."
    assert plan.find("a", "s") is None
    assert plan.find("b", "100") is None


def test_a_pattern_may_continue_what_a_name_began() -> None:
    plan = matcher("[a]\nexten => 100,1,NoOp()\nexten => _1XX,2(x),NoOp()\n"
                   "[b]\nexten => 100,3,NoOp()\n[a](+)\ninclude => b")  # fmt: skip
    assert name_of(plan.find("a", "100", 1)) == "100"
    assert name_of(plan.find("a", "100", 2)) == "_1XX"
    assert name_of(plan.find("a", "100", "x")) == "_1XX"
    found = plan.find("a", "100", 3)
    assert found is not None
    assert (found.context, found.step.priority) == ("b", 3)
    assert plan.find("a", "100", "y") is None


def test_includes_come_after_the_context_depth_first_and_each_once() -> None:
    plan = matcher("[a]\ninclude => b\ninclude => c\nexten => _X.,1,NoOp()\n"
                   "[b]\ninclude => d\n[c]\nexten => 22,1,NoOp()\nexten => c,1,NoOp()\n"
                   "[d]\ninclude => a\nexten => c,1,NoOp()")  # fmt: skip
    assert name_of(plan.find("a", "22")) == "_X."
    found = plan.find("a", "c")
    assert found is not None
    assert found.context == "d"
    assert plan.find("a", "missing") is None


def test_callers_choose_among_extensions_of_a_name() -> None:
    plan = matcher("[a]\nexten => 1,1,NoOp()\nexten => 1/200,1,NoOp()\nexten => 1/_2X.,1,NoOp()\n"
                   "exten => 1/,1,NoOp()\nexten => _X/300,1,NoOp()\n"
                   "exten => 7/_!,1,NoOp()")  # fmt: skip

    def chosen(dialled: str, number: str) -> str | None:
        found = plan.find("a", dialled, caller_id=number)
        return found.extension.caller_id if found else "none"

    assert chosen("1", "200") == "200"
    assert chosen("1", "2-00") == "200"
    assert chosen("1", "2001") == "_2X."
    assert chosen("1", "300") is None
    assert chosen("1", "") == ""
    assert chosen("2", "300") == "300"
    assert chosen("2", "") == "none"
    assert chosen("7", "1") == "_!"
    assert chosen("7", "") == "none"


def test_hints_are_found_by_name_and_pattern_and_are_no_steps() -> None:
    plan = matcher("[a]\nexten => 100,hint,PJSIP/100\nexten => _1XX,hint,PJSIP/${EXTEN}\n"
                   "exten => _X.,1,NoOp()\nexten => i,hint,Custom:i")  # fmt: skip
    assert plan.hint("a", "100") == "PJSIP/100"
    assert plan.hint("a", "101") == "PJSIP/${EXTEN}"
    assert plan.hint("a", "999") is None
    assert plan.has_extension("a", "100")
    assert not plan.has_extension("a", "i")
    assert plan.has_context("a")
    assert not plan.has_context("b")


def test_special_extensions_are_plain_names() -> None:
    plan = matcher("[a]\nexten => _.,1,NoOp()\n" + "".join(
        f"exten => {name},1,NoOp()\n" for name in "shiteT"))  # fmt: skip
    for name in "shiteT":
        assert name_of(plan.find("a", name)) == name


def test_thousands_of_extensions_and_a_long_chain_of_includes() -> None:
    names = [str(number) for number in range(2000)]
    extensions = [Extension(name, None, (step(1),)) for name in names]
    chain = {f"c{number}": Context(f"c{number}", (), (f"c{number + 1}",)) for number in range(1500)}
    chain["c1500"] = Context("c1500", in_order(extensions))
    plan = Matcher(Dialplan(chain, {}, {}))
    assert name_of(plan.find("c0", "1999")) == "1999"


def step(priority: int) -> Step:
    return Step(priority, "NoOp", "", None, "f", 1)


# The naive matcher: no compilation, no sharing of code.
SETS = {"X": set("0123456789"), "Z": set("123456789"), "N": set("23456789")}


Unit = set[str] | str


def units(pattern: str) -> list[Unit]:
    """Split a pattern without its _ into sets of characters and the wildcards."""
    found: list[Unit] = []
    while pattern:
        head, pattern = pattern[0], pattern[1:]
        if head == "-":
            continue
        if head == "[":
            inside, _, pattern = pattern.partition("]")
            members: set[str] = set()
            while inside:
                if len(inside) > 2 and inside[1] == "-":
                    members |= {chr(c) for c in range(ord(inside[0]), ord(inside[2]) + 1)}
                    inside = inside[3:]
                else:
                    members.add(inside[0])
                    inside = inside[1:]
            found.append(members)
        elif head in ".!":
            found.append(head)
        else:
            found.append(SETS.get(head.upper(), {head}))
    return found


def naive_match(name: str, dialled: str) -> bool:
    dialled = dialled.replace("-", "")
    if not name.startswith("_"):
        return name.replace("-", "") == dialled
    for unit in units(name[1:]):
        if unit == "!":
            return True
        if not dialled:
            return False
        if unit == ".":
            return True
        if dialled[0] not in unit:
            return False
        dialled = dialled[1:]
    return not dialled


def naive_compare(left: str, right: str) -> int:
    if left.startswith("_") != right.startswith("_"):
        return 1 if left.startswith("_") else -1
    if not left.startswith("_"):
        a, b = left.replace("-", ""), right.replace("-", "")
        return (a > b) - (a < b)
    pairs = zip([*units(left[1:]), "end"], [*units(right[1:]), "end"], strict=False)
    return next((order for x, y in pairs if (order := naive_compare_units(x, y))), 0)


def naive_compare_units(left: Unit, right: Unit) -> int:
    if isinstance(left, str) or isinstance(right, str):
        wild = [".", "!", "end"]
        places = [wild.index(unit) if isinstance(unit, str) else -1 for unit in (left, right)]
        return places[0] - places[1]
    if len(left) != len(right) or left == right:
        return len(left) - len(right)
    return -1 if min(left ^ right) in left else 1


def naive_find(names: list[str], dialled: str, priority: int) -> str | None:
    """Of the names in order, each having its index + 1 and 1 as priorities, the first to match."""
    steps = {name: {1, 2 + index % 3} for index, name in enumerate(names)}
    for name in sorted(names, key=cmp_to_key(naive_compare)):
        if naive_match(name, dialled) and priority in steps[name]:
            return name
    return None


SETS_WRITTEN = st.sampled_from(["[12]", "[1-5a]", "[2-9]", "[13]", "[14]", "[0-9]", "[a-c-]"])
PLACES = st.sampled_from([*"12aXZNxzn-"]) | SETS_WRITTEN
NAMES = st.builds(
    lambda kind, places, end: kind + "".join(places) + (end if kind else ""),
    st.sampled_from(["", "_", "_", "_"]),
    st.lists(PLACES, min_size=1, max_size=4),
    st.sampled_from(["", ".", "!"]),
)
DIALLED = st.text(alphabet="0125ab-X", max_size=5)


def check(names: list[str], dialled: str, priority: int) -> None:
    unique: dict[object, str] = {}
    for name in names:
        try:
            unique.setdefault(compile_pattern(name).key, name)
        except PatternError:
            assert not name.replace("-", "").removeprefix("_")
    names = list(unique.values())
    extensions = [
        Extension(name, None, tuple(map(step, sorted({1, 2 + index % 3}))))
        for index, name in enumerate(names)
    ]
    plan = Matcher(Dialplan({"a": Context("a", in_order(extensions))}, {}, {}))
    assert name_of(plan.find("a", dialled, priority)) == naive_find(names, dialled, priority)


@given(st.lists(NAMES, max_size=8), DIALLED, st.integers(1, 4))
@settings(max_examples=400, deadline=None)
def test_the_naive_matcher_agrees(names: list[str], dialled: str, priority: int) -> None:
    check(names, dialled, priority)


@given(NAMES, NAMES)
@settings(max_examples=300, deadline=None)
def test_equal_keys_are_equal_patterns(left: str, right: str) -> None:
    try:
        a, b = compile_pattern(left), compile_pattern(right)
    except PatternError:
        return
    order = naive_compare(left, right)
    assert (a.key > b.key) - (a.key < b.key) == (order > 0) - (order < 0)


@pytest.mark.slow
@given(st.lists(NAMES, max_size=8), DIALLED, st.integers(1, 4))
@settings(max_examples=120_000, deadline=None, database=None)
def test_the_naive_matcher_agrees_very_often(names: list[str], dialled: str, priority: int) -> None:
    check(names, dialled, priority)
