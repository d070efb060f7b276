"""What is kept of passwords: read, compared, made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.credentials.passwords import Decoy, Plain, UnreadableHash, hash_password, read
from tests.support.passwords import HASHES, PASSWORD


@pytest.mark.parametrize("text", HASHES)
def test_only_the_password_matches(text: str) -> None:
    stored = read(text)
    assert stored.slow
    assert stored.matches(PASSWORD)
    for wrong in ("", "correct", PASSWORD + " ", "Correct horse", "ä", "x" * 20_000):
        assert not stored.matches(wrong)
    assert text.rpartition("$")[2] not in repr(stored)


def test_a_plain_password() -> None:
    assert Plain("ä b").matches("ä b")
    assert not Plain("ä b").matches("a b")
    assert "ä" not in repr(Plain("ä b"))


def test_a_decoy_is_never_right() -> None:
    decoy = Decoy(Plain("x"))
    assert not decoy.matches("x")
    assert not decoy.slow
    assert Decoy(read(HASHES[0])).slow


def test_what_is_made_is_read_and_salted() -> None:
    first, second = hash_password("x y"), hash_password("x y")
    assert first != second
    assert first.startswith("$argon2id$")
    assert read(first).matches("x y")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "$argon2",
        "$argon2x$v=19$m=8,t=1,p=1$lGqxeyWxbaWJ74T6BPOmTg$a2/m5ypwai7qK2dk6ZsfFw",
        "$argon2id$v=19$m=8,t=1,p=1$lGqxeyWxbaWJ74T6BPOmTg$",
        "$argon2id$v=19$m=8,t=1,p=1$lGqxeyWxbaWJ74T6BPOmTg$a2/m5ypwai7q*2dk6ZsfFw",
        "$argon2id$v=19$m=7,t=1,p=1$lGqxeyWxbaWJ74T6BPOmTg$a2/m5ypwai7qK2dk6ZsfFw",
        "$argon2id$v=19$m=8,t=1,p=2$lGqxeyWxbaWJ74T6BPOmTg$a2/m5ypwai7qK2dk6ZsfFw",
        "$argon2id$v=19$m=9999999,t=1,p=1$lGqxeyWxbaWJ74T6BPOmTg$a2/m5ypwai7qK2dk6ZsfFw",
        "$argon2id$v=19$m=8,t=65,p=1$lGqxeyWxbaWJ74T6BPOmTg$a2/m5ypwai7qK2dk6ZsfFw",
        "$5$rounds=1000001$salt$" + "a" * 43,
        "$2b$12$" + "a" * 53,
    ],
)
def test_what_can_not_be_compared_with_is_refused(text: str) -> None:
    with pytest.raises(UnreadableHash) as caught:
        read(text)
    assert len(text) < 9 or text not in str(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    for start in ("", "$argon2id$v=19$m=8,t=1,p=1$", "$5$", "$6$rounds="):
        try:
            read(start + text).matches("x")
        except UnreadableHash:
            pass
