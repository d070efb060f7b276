import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.dialplan.arguments import split_arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", ()),
        ("a", ("a",)),
        (",", ("", "")),
        ("PJSIP/100,30,tT", ("PJSIP/100", "30", "tT")),
        ("5000,,a:b,yes", ("5000", "", "a:b", "yes")),
        (" a , b ", (" a ", " b ")),
        ('"a,b",c', ("a,b", "c")),
        ('"a",""', ("a", "")),
        (r"a\,b,c", ("a,b", "c")),
        (r"a\"b,c", ('a"b', "c")),
        ("a\\", ("a",)),
        ("f(a,b),c", ("f(a,b)", "c")),
        ("f(a,(b,c)),d", ("f(a,(b,c))", "d")),
        ("[1,2],3", ("[1,2]", "3")),
        (")a,b", (")a", "b")),
        ("(a,b", ("(a,b",)),
        ('"a,b', ("a,b",)),
    ],
)
def test_arguments_are_split_at_top_level_commas(text: str, arguments: tuple[str, ...]) -> None:
    assert split_arguments(text) == arguments


def test_the_last_argument_of_a_limit_is_left_as_written() -> None:
    assert split_arguments('"a",b,"c",d', limit=3) == ("a", "b", '"c",d')
    assert split_arguments('"a",b', limit=1) == ('"a",b',)


@given(st.text(alphabet='a,"\\()[] ', max_size=60), st.none() | st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_nothing_is_lost_but_quotes_and_backslashes(text: str, limit: int | None) -> None:
    arguments = split_arguments(text, limit)
    assert limit is None or len(arguments) <= limit
    if arguments:
        plain = text.replace("\\", "").replace('"', "")
        assert ",".join(arguments).replace("\\", "").replace('"', "") == plain
