"""Minting, attenuating, encoding and verifying; and everything that is no token."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pymacaroons import Macaroon as Chain

from caps import (
    READ_ONLY,
    Bundle,
    Caveat,
    Expires,
    Grant,
    InvalidToken,
    Keyring,
    Objects,
    Operations,
    Right,
    Rights,
    RootKey,
    Tenant,
    Token,
    TokenTooLarge,
    Unknown,
    generate_key,
    mint,
    verify,
)
from caps.identifier import Identifier
from caps.token import MAX_CAVEATS, MAX_LENGTH
from caps.verifying import judge

KEY = RootKey("k1", "acme", bytes(range(32)))
RING = Keyring([KEY])
# Made once with this key and a nonce of zeros; tokens in the field must stay readable.
KEPT = (
    "stasis1_AgEHc3Rhc2lzZAIZazE6QUFBQUFBQUFBQUFBQUFBQUFBQUFBQQACEVsidGVuYW50IiwiYWNtZSJdAAIT"
    "WyJyaWdodHMiLFsicmVhZCJdXQAABiCY75607e8tbHMKA7-3MzOZuuf0YN465EUBWymUuuLNuQ"
)


def foreign(identifier: str = "k1:abc", *predicates: str, version: int = 2) -> Chain:
    """A macaroon as another library makes it, with our key."""
    chain = Chain(location="x", identifier=identifier, key=KEY.secret, version=version)
    for predicate in predicates:
        chain.add_first_party_caveat(predicate)
    return chain


def refused(text: str) -> str:
    with pytest.raises(InvalidToken) as caught:
        verify(text, RING, 0.0)
    assert type(caught.value) is InvalidToken
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return str(caught.value)


def test_a_token_starts_with_its_tenant_and_verifies() -> None:
    token = mint(KEY, READ_ONLY)
    assert token.caveats == (Tenant("acme"), READ_ONLY)
    grant = verify(token.encode(), RING, 0.0)
    assert grant == Grant(
        tenant="acme", key_id="k1", token_id=token.token_id, caveats=token.caveats
    )


def test_the_format_is_kept_for_ever() -> None:
    token = mint(KEY, READ_ONLY, random=bytes)
    assert token.encode() == KEPT
    assert verify(KEPT, RING, 0.0).caveats == (Tenant("acme"), Rights((Right.READ,)))


def test_every_token_has_an_id_of_its_own() -> None:
    assert mint(KEY).token_id != mint(KEY).token_id


def test_attenuation_needs_no_key_and_leaves_the_original() -> None:
    token = mint(KEY)
    weaker = Token.decode(token.encode()).attenuate(Objects(("channel:a",)), Expires(5.0))
    assert weaker.token_id == token.token_id
    assert verify(weaker.encode(), RING, 0.0).expires == 5.0
    assert verify(token.encode(), RING, 0.0).caveats == (Tenant("acme"),)


def test_both_binary_formats_are_read_with_and_without_prefix() -> None:
    token = mint(KEY, READ_ONLY)
    modern, old = token.encode(), token.encode(version=1)
    assert modern.startswith("stasis1_")
    assert not old.startswith("stasis1_")
    grants = [
        verify(text, RING, 0.0)
        for text in (modern, modern.removeprefix("stasis1_"), old, "stasis1_" + old, modern + "==")
    ]
    assert all(grant == grants[0] for grant in grants)
    assert Token.decode(old).encode() == modern


@pytest.mark.parametrize("version", [1, 2])
def test_other_libraries_attenuate_our_tokens(version: int) -> None:
    text = mint(KEY).encode(version).removeprefix("stasis1_")  # type: ignore[arg-type] # 1 or 2
    chain = Chain.deserialize(text)
    chain.add_first_party_caveat('["expires",7]')
    assert verify(chain.serialize(), RING, 0.0).expires == 7.0


def test_an_unknown_caveat_is_genuine_and_prohibits() -> None:
    text = foreign("k1:abc", '["tenant","acme"]', "shoe size > 43").serialize()
    assert verify(text, RING, 0.0).caveats == (Tenant("acme"), Unknown())


@pytest.mark.parametrize(
    "predicates",
    [
        (),
        ('["rights",["read"]]', '["tenant","acme"]'),
        ('["tenant","other"]',),
        ('["tenant","other"]', '["tenant","acme"]'),
        ("tenant = acme",),
    ],
)
def test_the_first_caveat_must_be_the_tenant_of_the_key(predicates: tuple[str, ...]) -> None:
    refused(foreign("k1:abc", *predicates).serialize())


def test_reordered_altered_and_dropped_caveats_are_forgeries() -> None:
    good = Chain.deserialize(mint(KEY, READ_ONLY, Expires(10.0)).encode().removeprefix("stasis1_"))
    changes: list[list[int]] = [[0, 2, 1], [0, 1], [0], [0, 1, 2, 2]]
    for change in changes:
        forged = good.copy()
        forged.caveats = [good.caveats[index] for index in change]
        refused(forged.serialize())


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "k1",
        "k1:",
        ":abc",
        "k1:a b",
        "k1:abc:d",
        "k2:abc",
        "k1:a:1:",
        "k1:a:x:u",
        "k1:a:1:%80",
        "k1:a:1:u\n",
        "k1:a:1:u:v",
    ],
)
def test_identifiers_that_are_not_ours_are_refused(identifier: str) -> None:
    refused(foreign(identifier, '["tenant","acme"]').serialize())


def test_wrong_keys_and_unknown_keys_answer_alike() -> None:
    wrong = refused(mint(generate_key("k1", "acme")).encode())
    unknown = refused(mint(generate_key("k9", "acme")).encode())
    assert wrong == unknown == refused("garbage")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stasis1_",
        "user:password",
        "\udc80\x00",
        "Ag" * MAX_LENGTH,
        "A",
        "AgEH",
        "MDAwMA",
        "LTAwMQ",
        "====",
        KEPT + "\n",
        KEPT[:-1],
        " " + KEPT,
        "stasis1_" + KEPT,
        "stasis2_" + KEPT[8:],
    ],
)
def test_garbage_is_refused(text: str) -> None:
    refused(text)


def test_a_token_has_bounds() -> None:
    token = mint(KEY)
    with pytest.raises(TokenTooLarge, match="caveats"):
        token.attenuate(*[READ_ONLY] * MAX_CAVEATS)
    with pytest.raises(TokenTooLarge, match="characters"):
        token.attenuate(Operations(("x" * MAX_LENGTH,))).encode()
    long = f'["operations",["{"x" * MAX_LENGTH}"]]'
    refused(foreign("k1:abc", '["tenant","acme"]', long).serialize())
    many = foreign("k1:abc", '["tenant","acme"]', *["x"] * 10_000)
    refused(many.serialize())
    refused(foreign("k1:abc", '["tenant","acme"]', *["x"] * MAX_CAVEATS).serialize())


@pytest.mark.parametrize("signature", ["", "00" * 31, "00" * 33])
def test_a_signature_has_one_length(signature: str) -> None:
    chain = foreign("k1:abc", '["tenant","acme"]')
    chain.signature = signature
    with pytest.raises(InvalidToken):
        Token.decode(chain.serialize())


def test_key_ids_are_plain() -> None:
    with pytest.raises(ValueError, match="can't be a key id"):
        generate_key("a:b", "acme")


def test_a_token_names_its_user_and_when_it_was_minted() -> None:
    token = mint(KEY, user="anne@example.org", issued=12.3456, random=bytes)
    written = b"k1:AAAAAAAAAAAAAAAAAAAAAA:12346:anne%40example.org"
    assert token.identifier.encode().encode() == written
    grant = verify(token.encode(), RING, 20.0)
    assert (grant.user, grant.issued) == ("anne@example.org", 12.346)
    for name in ("", "x" * 256, "\udc80"):
        with pytest.raises(ValueError, match=r"a user|surrogates"):
            mint(KEY, user=name)


@example("zoë", 35184372089.243004)
@given(st.text(min_size=1, max_size=20), st.floats(0, 1e11))
def test_any_user_comes_back(user: str, issued: float) -> None:
    named = Identifier("k", "t", user, issued)
    read = Identifier.parse(named.encode().encode())
    assert read is not None
    assert read.user == user
    assert issued <= read.issued <= issued + 0.002


@given(st.text(max_size=80) | st.from_regex(r"(stasis1_)?[A-Za-z0-9_-]{0,120}", fullmatch=True))
def test_random_text_is_refused(text: str) -> None:
    refused(text)


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x02", b"0011location", b"\x02\x01\x01x\x02"])
)
def test_random_macaroons_are_refused(raw: bytes, start: bytes) -> None:
    refused(base64.urlsafe_b64encode(start + raw).decode().rstrip("="))


caveats = st.one_of(
    st.builds(Tenant, st.text(max_size=10)),
    st.builds(Rights, st.lists(st.sampled_from(Right), max_size=4).map(tuple)),
    st.builds(Operations, st.lists(st.text(max_size=10), max_size=3).map(tuple)),
    st.builds(Expires, st.floats(allow_nan=False, allow_infinity=False)),
)


@given(st.lists(caveats, max_size=6))
def test_what_is_minted_is_what_is_verified(added: list[Caveat]) -> None:
    token = mint(KEY, *added)
    assert Token.decode(token.encode()).caveats == (Tenant("acme"), *added)
    assert judge(Bundle(token), RING).signature == token.macaroon.signature
