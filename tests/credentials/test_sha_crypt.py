"""SHA-crypt, against the vectors of its own text and against crypt(3)."""

import warnings
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.credentials.sha_crypt import ALPHABET, checksum, read

# Drepper's "Unix crypt using SHA-256 and SHA-512", in the public domain.
VECTORS = [
    ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    (
        "Hello world!",
        "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
    ),
    (
        "a very much longer text to encrypt.  This one even stretches over morethan one line.",
        "$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1",
    ),
    (
        "Hello world!",
        (
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBF"
            "dcbYEdFCoEOfaS35inz1"
        ),
    ),
    (
        "This is just a test",
        (
            "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7o"
            "GDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"
        ),
    ),
]


@pytest.mark.parametrize(("password", "text"), VECTORS)
def test_vectors(password: str, text: str) -> None:
    parts = read(text)
    assert parts is not None
    assert checksum(parts.kind, password, parts.salt, parts.rounds) == parts.checksum


def crypt3() -> Callable[[str, str], str]:
    """The C library's, through the module that Python 3.13 has no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip("crypt")
    function: Callable[[str, str], str] = module.crypt
    return function


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from("56"),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=140),
    st.text(ALPHABET, min_size=1, max_size=16),
    st.integers(1000, 1100),
)
def test_it_is_what_the_c_library_makes(kind: str, password: str, salt: str, rounds: int) -> None:
    text = crypt3()(password, f"${kind}$rounds={rounds}${salt}$")
    parts = read(text)
    assert parts is not None
    assert (parts.kind, parts.rounds, parts.salt) == (kind, rounds, salt)
    assert checksum(kind, password, salt, rounds) == parts.checksum


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "$1$salt$" + "a" * 22,
        "$5$salt$" + "a" * 42,
        "$6$salt$" + "a" * 43,
        "$5$salt" + "a" * 43,
        "$5$seventeen-letters$" + "a" * 43,
        "$5$rounds=999$salt$" + "a" * 43,
        "$5$rounds=01000$salt$" + "a" * 43,
        "$5$rounds=1000000000$salt$" + "a" * 43,
        "$5$salt$" + "a" * 42 + "*",
    ],
)
def test_what_is_no_hash(text: str) -> None:
    assert read(text) is None


@given(st.text(max_size=60))
def test_any_text_is_read_or_not(text: str) -> None:
    read("$5$" + text)


def test_nothing_secret_is_shown() -> None:
    assert VECTORS[0][1].rpartition("$")[2] not in repr(read(VECTORS[0][1]))
