"""Keys, revocation, and the cache of verified tokens."""

import math

import pytest

from caps import (
    Access,
    ExpiredToken,
    Expires,
    InvalidToken,
    Keyring,
    NotBefore,
    RevokedToken,
    Right,
    RootKey,
    Tenant,
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


def test_rotation_lets_older_keys_verify_until_then() -> None:
    ring = Keyring([generate_key("k1", "acme"), generate_key("o1", "other")])
    first, other = ring.newest("acme"), ring.newest("other")
    assert first is not None
    assert other is not None
    token, theirs = mint(first).encode(), mint(other).encode()
    grant = verify(token, ring, 0.0)
    second = generate_key("k2", "acme")
    ring.rotate(second, until=50.0)
    assert ring.newest("acme") is second
    assert verify(token, ring, 49.9).expires == 50.0
    assert verify(theirs, ring, 60.0).expires == math.inf
    assert verify(mint(second).encode(), ring, 60.0).key_id == "k2"
    for end in (50.0, 60.0):
        with pytest.raises(ExpiredToken):
            verify(token, ring, end)
        with pytest.raises(ExpiredToken):
            ring.require_valid(grant, end)
    ring.rotate(generate_key("k3", "acme"), until=90.0)
    assert [key.until for key in ring.keys] == [50.0, math.inf, 90.0, math.inf]


def test_when_the_newest_key_is_retired_the_one_before_signs() -> None:
    keys = [generate_key(name, "acme") for name in ("k1", "k2", "k3")]
    ring = Keyring(keys)
    ring.retire("k2")
    assert ring.newest("acme") is keys[2]
    ring.retire("k3")
    assert ring.newest("acme") is keys[0]
    ring.retire("k1")
    assert ring.newest("acme") is None


def test_revoking_a_user_ends_what_was_minted_before() -> None:
    key, foreign = generate_key("k1", "acme"), generate_key("k2", "other")
    ring = Keyring([key, foreign])
    old = mint(key, user="zoë: of / sales", issued=10.0)
    grant = verify(old.attenuate(Expires(99.0)).encode(), ring, 20.0)
    assert (grant.user, grant.issued) == ("zoë: of / sales", 10.0)
    spared = [
        mint(key, user="zoë", issued=10.0),
        mint(key),
        mint(foreign, user="zoë: of / sales", issued=10.0),
        mint(key, user="zoë: of / sales", issued=20.25),
    ]
    ring.revoke_user("acme", "zoë: of / sales", now=20.25)
    for token in spared:
        ring.require_valid(verify(token.encode(), ring, 30.0), 30.0)
    again = Keyring([key], revoked_users=ring.revoked_users)
    for held in (ring, again):
        with pytest.raises(RevokedToken):
            verify(old.encode(), held, 30.0)
        with pytest.raises(RevokedToken):
            held.require_valid(grant, 30.0)


def test_a_token_of_a_user_that_does_not_say_when_is_the_oldest() -> None:
    key = generate_key("k1", "acme")
    ring = Keyring([key], revoked_users={("acme", "zoë"): 1.0})
    with pytest.raises(RevokedToken):
        verify(mint(key, user="zoë").encode(), ring, 30.0)


def test_an_operator_has_no_tenant_until_a_caveat_names_one() -> None:
    key = generate_key("o1", None)
    ring = Keyring([key, generate_key("k1", "acme")])
    assert ring.newest(None) is key
    token = mint(key, user="root", issued=1.0)
    assert token.caveats == ()
    assert verify(token.encode(), ring, 5.0).tenant is None
    narrowed = verify(token.attenuate(Tenant("acme")).encode(), ring, 5.0)
    assert narrowed.tenant == "acme"
    for tenant, permitted in (("acme", True), ("other", False), (None, False)):
        access = Access(right=Right.READ, operation="channels.get", tenant=tenant, now=5.0)
        assert (narrowed.prohibits(access) is None) == permitted
        assert verify(token.encode(), ring, 5.0).prohibits(access) is None


def test_revocation_reaches_the_cache_and_attenuated_tokens() -> None:
    key = generate_key("k1", "acme")
    ring = Keyring([key])
    token, unrelated = mint(key), mint(key)
    weaker = token.attenuate(Expires(100.0))
    grant = verify(weaker.encode(), ring, 0.0)
    ring.require_valid(grant, 0.0)
    verify(unrelated.encode(), ring, 0.0)
    ring.revoke("other", token.token_id)
    ring.require_valid(grant, 0.0)
    ring.revoke("acme", token.token_id)
    for text in (token.encode(), weaker.encode()):
        with pytest.raises(RevokedToken):
            verify(text, ring, 0.0)
    with pytest.raises(RevokedToken):
        ring.require_valid(grant, 0.0)
    assert ring.recall(unrelated.encode()) is not None
    assert Keyring([key], ring.revoked).is_revoked(grant)


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
