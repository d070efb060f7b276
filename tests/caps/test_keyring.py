"""Keys, revocation, and the cache of verified tokens."""

import pytest

from caps import (
    ExpiredToken,
    Expires,
    InvalidToken,
    Keyring,
    NotBefore,
    RevokedToken,
    RootKey,
    generate_key,
    mint,
    verify,
)


def test_a_tenant_signs_with_its_newest_key_and_verifies_with_all() -> None:
    old, other, new = (
        generate_key("k1", "acme"),
        generate_key("k2", "other"),
        generate_key("k3", "acme"),
    )
    ring = Keyring([old, other])
    token = mint(old).encode()
    ring.add(new)
    assert ring.newest("acme") is new
    assert ring.newest("nobody") is None
    assert verify(token, ring, 0.0).key_id == "k1"


def test_a_key_id_is_never_used_twice() -> None:
    ring = Keyring([generate_key("k1", "acme")])
    with pytest.raises(ValueError, match="taken"):
        ring.add(generate_key("k1", "other"))


def test_a_retired_key_takes_its_tokens_along() -> None:
    key = generate_key("k1", "acme")
    ring = Keyring([key])
    token = mint(key).encode()
    grant = verify(token, ring, 0.0)
    ring.retire("k1")
    ring.retire("k1")
    with pytest.raises(InvalidToken):
        verify(token, ring, 0.0)
    with pytest.raises(RevokedToken):
        ring.require_valid(grant, 0.0)


def test_revocation_reaches_the_cache_and_attenuated_tokens() -> None:
    key = generate_key("k1", "acme")
    ring = Keyring([key])
    token, unrelated = mint(key), mint(key)
    weaker = token.attenuate(Expires(100.0))
    grant = verify(weaker.encode(), ring, 0.0)
    ring.require_valid(grant, 0.0)
    verify(unrelated.encode(), ring, 0.0)
    ring.revoke(token.token_id)
    for text in (token.encode(), weaker.encode()):
        with pytest.raises(RevokedToken):
            verify(text, ring, 0.0)
    with pytest.raises(RevokedToken):
        ring.require_valid(grant, 0.0)
    assert ring.recall(unrelated.encode()) is not None
    assert Keyring([key], ring.revoked).is_revoked(token.token_id)


@pytest.mark.parametrize(
    ("now", "valid"), [(9.9, False), (10.0, True), (19.9, True), (20.0, False)]
)
def test_time_is_asked_each_time_even_from_the_cache(now: float, valid: bool) -> None:
    key = generate_key("k1", "acme")
    ring = Keyring([key])
    token = mint(key, NotBefore(10.0), Expires(20.0)).encode()
    grant = verify(token, ring, 15.0)
    if valid:
        assert verify(token, ring, now) is grant
        ring.require_valid(grant, now)
    else:
        with pytest.raises(ExpiredToken):
            verify(token, ring, now)
        with pytest.raises(ExpiredToken):
            ring.require_valid(grant, now)


def test_the_cache_is_bounded_and_drops_the_oldest() -> None:
    key = generate_key("k1", "acme")
    ring = Keyring([key], cache_size=2)
    tokens = [mint(key).encode() for _ in range(3)]
    for token in tokens:
        verify(token, ring, 0.0)
    assert [ring.recall(token) is not None for token in tokens] == [False, True, True]


def test_refused_tokens_are_not_remembered() -> None:
    ring = Keyring([generate_key("k1", "acme")])
    forged = mint(generate_key("k1", "acme")).encode()
    with pytest.raises(InvalidToken):
        verify(forged, ring, 0.0)
    assert ring.recall(forged) is None


def test_nothing_secret_is_shown() -> None:
    key = RootKey("k1", "acme", b"a secret of 32 bytes............")
    ring = Keyring([key])
    token = mint(key)
    signature = token.encode()[-40:]
    for shown in (
        repr(key),
        str(key),
        repr(ring),
        repr(token),
        f"{verify(token.encode(), ring, 0)}",
    ):
        assert "secret" not in shown
        assert signature not in shown
    assert ring.find("k1") is key
