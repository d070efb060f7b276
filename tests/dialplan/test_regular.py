import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.dialplan.regular import (
    MAX_PATTERN,
    Match,
    RegularExpressionError,
    compile_regular,
    search,
)


def found(pattern: str, text: str, *, anchored: bool = False) -> Match | None:
    return search(compile_regular(pattern), text, anchored=anchored)


@pytest.mark.parametrize(
    ("pattern", "text", "match"),
    [
        ("", "abc", Match(0, 0, None)),
        ("b", "abc", Match(1, 2, None)),
        ("x", "abc", None),
        ("a|ab", "abc", Match(0, 2, None)),  # the longest, not the first
        ("abcd|bc", "abcd", Match(0, 4, None)),  # the leftmost, though bc ends before
        ("b(c|cd)?", "abcde", Match(1, 4, "cd")),
        ("(a)|b", "b", Match(0, 1, None)),
        ("(a*)+", "aab", Match(0, 2, "aa")),
        ("(ab)*", "ababx", Match(0, 4, "ab")),
        ("x(y(z))", "xyz", Match(0, 3, "yz")),
        ("^b", "ab", None),
        ("b$", "ab", Match(1, 2, None)),
        ("^$", "", Match(0, 0, None)),
        ("^a.c$", "a\nc", Match(0, 3, None)),
        ("[0-9]{3}", "a1234", Match(1, 4, None)),
        ("[0-9]{2,}", "a1234", Match(1, 5, None)),
        ("a{0,2}b", "aaab", Match(1, 4, None)),
        ("a{,2}", "a{,2}", Match(0, 5, None)),
        ("[]a-]+", "x]-a", Match(1, 4, None)),
        ("[^]0-9]+", "1]ab", Match(2, 4, None)),
        ("[[:digit:][:upper:]]+", "ab9Zc", Match(2, 4, None)),
        (r"\+1\.5", "+1.5", Match(0, 4, None)),
        (r"\w+\s\W", "a_1 !", Match(0, 5, None)),
        ("é+", "caféé", Match(3, 5, None)),
    ],
)
def test_leftmost_longest_matches(pattern: str, text: str, match: Match | None) -> None:
    assert found(pattern, text) == match


def test_an_anchored_match_begins_at_the_beginning() -> None:
    assert found("b", "ab", anchored=True) is None
    assert found("a|ab", "ab", anchored=True) == Match(0, 2, None)


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("(a", "without its )"),
        ("a)", "without its ("),
        ("[a", "ends in the middle"),
        ("[z-a]", "backwards"),
        ("[[:nonsense:]]", "unknown class"),
        ("[[:digit", "unknown class"),
        ("a\\", "ends in the middle"),
        (r"(a)\1", "back-references"),
        ("a{5,2}", "count up"),
        ("a{999}", "count up"),
        ("(a{200}){200}", "too large"),
        ("(a?){255}" * 20, "too large"),
        ("(" * 40 + ")" * 40, "nested deeper"),
        ("a" * (MAX_PATTERN + 1), "longer than"),
    ],
)
def test_malformed_and_oversized_patterns_are_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(RegularExpressionError, match=re.escape(complaint)):
        compile_regular(pattern)


def test_patterns_that_make_backtracking_explode_are_just_run() -> None:
    assert found("(a+)+$", "a" * 2000 + "b") is None
    assert found("(a|a)*(a|a)*(a|a)*c", "a" * 2000) is None
    assert found("(a?){30}a{30}", "a" * 30) == Match(0, 30, "")


def test_too_much_work_is_refused() -> None:
    with pytest.raises(RegularExpressionError, match="too much text"):
        found("a{100}", "a" * 5000)


# Python's re as the oracle: the leftmost start at which the longest end matches entirely.
ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "(a|bc)", "(b)", "()", "(c*a)"])
PIECES = st.builds(lambda atom, times: atom + times, ATOMS, st.sampled_from(
    ["", "", "*", "+", "?", "{2}", "{1,2}", "{1,}"]))  # fmt: skip
PATTERNS = st.lists(st.lists(PIECES, max_size=3).map("".join), min_size=1, max_size=3).map("|".join)


def check(pattern: str, text: str) -> None:
    spans = [
        (start, end)
        for start in range(len(text) + 1)
        for end in range(len(text), start - 1, -1)
        if re.fullmatch(pattern, text[start:end], re.DOTALL)
    ]
    match = found(pattern, text)
    assert (match and (match.start, match.end)) == (spans[0] if spans else None)
    anchored = found(pattern, text, anchored=True)
    at_start = [span for span in spans if span[0] == 0]
    assert (anchored and (anchored.start, anchored.end)) == (at_start[0] if at_start else None)


@given(PATTERNS, st.text(alphabet="abcd\n", max_size=7))
@settings(max_examples=400, deadline=None)
def test_spans_are_those_of_an_exhaustive_search(pattern: str, text: str) -> None:
    check(pattern, text)


@given(st.text(alphabet=r"ab()[]{}*+?|^$\.-:,1", max_size=30), st.text(alphabet="ab1", max_size=9))
@settings(max_examples=400, deadline=None)
def test_any_pattern_runs_or_is_refused(pattern: str, text: str) -> None:
    try:
        match = found(pattern, text)
    except RegularExpressionError:
        return
    assert match is None or 0 <= match.start <= match.end <= len(text)


@pytest.mark.slow
@given(PATTERNS, st.text(alphabet="abcd\n", max_size=7))
@settings(max_examples=120_000, deadline=None, database=None)
def test_spans_are_those_of_an_exhaustive_search_very_often(pattern: str, text: str) -> None:
    check(pattern, text)
