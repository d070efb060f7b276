import pytest

from stasisd.dialplan.lines import Line, UnclosedComment, lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("; all comment\n\n  a  \r\n", [(3, "a")]),
        ("a ; b", [(1, "a")]),
        (r"a \; b ; c", [(1, "a ; b")]),
        ('"a;b"', [(1, '"a')]),
        ("a ;-- gone --; b", [(1, "a  b")]),
        ("a ;-- one\ntwo ; --;three\nfour", [(1, "a"), (2, "three"), (3, "four")]),
        (";-- 1 ;-- 2 --; still --;a", [(1, "a")]),
        (";-- \\; hidden --;a", [(1, "a")]),
        (";---- a line of dashes\nb", [(2, "b")]),
        ("a --; b", [(1, "a --")]),
        ("\ufeffa\x0bb\u2028c", [(1, "a\x0bb\u2028c")]),
    ],
)
def test_comments_and_blanks_are_left_out(text: str, expected: list[tuple[int, str]]) -> None:
    assert list(lines(text)) == [Line(number, line) for number, line in expected]


def test_a_block_comment_without_end_says_where_it_began() -> None:
    assert list(lines("a\n;-- b\nc")) == [Line(1, "a"), UnclosedComment(2)]
    assert list(lines(";-- a\n;-- b\n--;")) == [UnclosedComment(1)]
