"""Proofs of possession: of a request, and as the answer to a challenge."""

import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caps import (
    Bundle,
    Challenge,
    ExpiredToken,
    Expires,
    InvalidToken,
    Keyring,
    NeedsDischarge,
    NeedsProof,
    Operations,
    ProofRequired,
    Proofs,
    Request,
    RevokedToken,
    RootKey,
    StaleProof,
    Tenant,
    Ticket,
    answer,
    base64url,
    generate_key,
    mint,
    prove,
    verify,
)

KEY = RootKey("k1", "acme", bytes(range(32)))
TOKEN = mint(KEY, ProofRequired(), Operations(("channels.*",)))
ASKED = Request.of("POST", "/ari/channels?endpoint=PJSIP%2F100&app=ivr", b"{}")
NOW = 1_764_000_000.25


def proofs(*keys: RootKey) -> Proofs:
    return Proofs(Keyring(keys or [KEY]), NOW - 100)


def refused(verifier: Proofs, header: str, request: Request = ASKED, now: float = NOW) -> None:
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(header, request, now)
    assert type(caught.value) is InvalidToken
    assert caught.value.__context__ is None


def test_a_token_is_used_without_being_shown() -> None:
    header = prove(TOKEN, ASKED, NOW)
    assert TOKEN.encode()[-43:] not in header
    grant = proofs().verify(header, ASKED, NOW)
    assert grant.caveats == (Tenant("acme"), Operations(("channels.*",)))
    assert grant.token_id == TOKEN.token_id


def test_what_is_seen_on_the_way_is_no_token() -> None:
    header = prove(TOKEN, ASKED, NOW)
    shown = re.findall(r"=([A-Za-z0-9._-]+)", header)
    for text in (header, *shown, *(f"stasis1_{part}" for part in shown)):
        with pytest.raises(InvalidToken):
            verify(text, Keyring([KEY]), NOW)


def test_a_mac_is_never_the_signature_of_a_weaker_token() -> None:
    """HMAC(signature, message) would be: a verifier could not tell it from a caveat."""
    header = prove(TOKEN, ASKED, NOW)
    token, time, nonce, mac = re.findall(r"=([A-Za-z0-9._-]+)", header)
    request = ("stasis-proof-1", ASKED.method, ASKED.target, ASKED.body)
    message = "\n".join((*request, time, nonce, token)).encode()
    weaker = TOKEN.macaroon.with_predicate(message)
    assert base64url.decode(mac) != weaker.signature
    key = hmac.digest(b"stasis-proof-key", TOKEN.macaroon.signature, "sha256")
    assert base64url.decode(mac) == hmac.digest(key, message, "sha256")


def test_a_token_may_demand_the_proof() -> None:
    with pytest.raises(NeedsProof):
        verify(TOKEN.encode(), Keyring([KEY]), NOW)
    forged = mint(generate_key("k1", "acme"), ProofRequired()).encode()
    with pytest.raises(InvalidToken) as caught:
        verify(forged, Keyring([KEY]), NOW)
    assert type(caught.value) is InvalidToken


@pytest.mark.parametrize(
    "other",
    [
        Request.of("GET", ASKED.target, b"{}"),
        Request.of("POST", "/ari/channels?endpoint=PJSIP%2F100&app=other", b"{}"),
        Request.of("POST", ASKED.target, b"{ }"),
        Request.of("POST", ASKED.target),
    ],
)
def test_a_proof_is_for_one_request(other: Request) -> None:
    verifier = proofs()
    refused(verifier, prove(TOKEN, ASKED, NOW), other)
    refused(verifier, prove(TOKEN, other, NOW))


def test_every_part_of_a_proof_is_covered() -> None:
    header = prove(TOKEN, ASKED, NOW)
    weaker = prove(TOKEN.attenuate(Expires(NOW + 5)), ASKED, NOW)
    token = r"token=[^,]+"
    (theirs,) = re.findall(token, weaker)
    for changed in (
        re.sub(token, theirs, header),
        header.replace("time=1764000000250", "time=1764000000251"),
        re.sub("nonce=.{22}", "nonce=" + "A" * 22, header),
        re.sub("proof=.{43}", "proof=" + "A" * 43, header),
    ):
        assert changed != header
        refused(proofs(), changed)


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        ("^Stasis-Proof ", "Bearer "),
        ("^Stasis-Proof ", "Stasis-Proof  "),
        ("^Stasis-Proof ", ""),
        (", ", ","),
        ("time=", "time=+"),
        ("time=[0-9]+", "time="),
        ("time=[0-9]+", "time=1764000000250.0"),
        ("time=[0-9]+", "time=" + "9" * 16),
        ("nonce=.{22}", "nonce=short"),
        ("proof=.*", "proof="),
        ("$", "\n"),
        ("$", ", more=1"),
        ("$", "="),
        ("(token=[^,]+), (time=[^,]+)", r"\2, \1"),
        ("token=", "token=stasis1_"),
        ("token=", "token="),
        ("token=[^,]+", "token=AgEH"),
        ("token=[^,]+", "token=" + "Ag" * 3000),
        ("token=([^,]+)", r'token="\1"'),
    ],
)
def test_the_header_is_read_strictly(pattern: str, replacement: str) -> None:
    header = prove(TOKEN, ASKED, NOW)
    changed = re.sub(pattern, replacement, header, count=1)
    if changed != header:
        refused(proofs(), changed)


def test_the_name_of_the_scheme_has_no_case() -> None:
    header = prove(TOKEN, ASKED, NOW).replace("Stasis-Proof", "stasis-proof")
    proofs().verify(header, ASKED, NOW)


def test_a_signed_token_is_not_taken_for_an_unsigned_one() -> None:
    header = prove(TOKEN, ASKED, NOW)
    refused(proofs(), re.sub("token=[^,]+", "token=" + TOKEN.encode()[8:], header))


def test_a_proof_is_good_once() -> None:
    verifier = proofs()
    header = prove(TOKEN, ASKED, NOW)
    verifier.verify(header, ASKED, NOW)
    for later in (0.0, 1.0, 29.0, 31.0, 100.0):
        with pytest.raises(StaleProof):
            verifier.verify(header, ASKED, NOW + later)
    verifier.verify(prove(TOKEN, ASKED, NOW), ASKED, NOW)


@pytest.mark.parametrize(
    ("made", "good"), [(-30.0, True), (-30.5, False), (30.0, True), (30.5, False), (1e5, False)]
)
def test_clocks_may_differ_by_so_much(made: float, good: bool) -> None:
    header = prove(TOKEN, ASKED, NOW + made)
    if good:
        proofs().verify(header, ASKED, NOW)
    else:
        with pytest.raises(StaleProof):
            proofs().verify(header, ASKED, NOW)


def test_after_a_restart_older_proofs_are_refused() -> None:
    header = prove(TOKEN, ASKED, NOW)
    proofs().verify(header, ASKED, NOW)
    again = Proofs(Keyring([KEY]), NOW + 1)
    with pytest.raises(StaleProof):
        again.verify(header, ASKED, NOW + 1)


def test_revocation_expiry_and_retirement_reach_proofs() -> None:
    ring = Keyring([KEY])
    verifier = Proofs(ring, NOW - 100)
    short, held = mint(KEY, Expires(NOW + 5)), mint(KEY)
    verifier.verify(prove(short, ASKED, NOW), ASKED, NOW)
    with pytest.raises(ExpiredToken):
        verifier.verify(prove(short, ASKED, NOW + 5), ASKED, NOW + 5)
    verifier.verify(prove(held, ASKED, NOW), ASKED, NOW)
    ring.rotate(generate_key("k2", "acme"), until=NOW + 7)
    verifier.verify(prove(held, ASKED, NOW + 6), ASKED, NOW + 6)
    with pytest.raises(ExpiredToken):
        verifier.verify(prove(held, ASKED, NOW + 7), ASKED, NOW + 7)
    ring.revoke("acme", held.token_id)
    with pytest.raises(RevokedToken):
        verifier.verify(prove(held, ASKED, NOW), ASKED, NOW)
    ring.retire("k1")
    refused(verifier, prove(mint(KEY), ASKED, NOW))
    ring.add(RootKey("k1", "acme", bytes(32)))
    refused(verifier, prove(short, ASKED, NOW))


def test_wrong_and_unknown_keys_answer_alike() -> None:
    refused(proofs(), prove(mint(generate_key("k1", "acme")), ASKED, NOW))
    refused(proofs(), prove(mint(generate_key("k9", "acme")), ASKED, NOW))


def test_strangers_fill_no_memory() -> None:
    verifier = proofs()
    for _ in range(20):
        refused(verifier, prove(mint(generate_key("k1", "acme")), ASKED, NOW))
    assert not verifier._held
    assert not verifier._window._present.seen


def test_discharges_are_shown_along() -> None:
    ticket = Ticket.seal(bytes(32), "user=anne")
    token = mint(KEY).with_third_party("login", ticket.key, ticket.text, bytes(24))
    with pytest.raises(NeedsDischarge):
        proofs().verify(prove(token, ASKED, NOW), ASKED, NOW)
    bundle = Bundle.bind(token, [ticket.discharge(Expires(NOW + 60))])
    assert proofs().verify(prove(bundle, ASKED, NOW), ASKED, NOW).expires == NOW + 60
    unbound = Bundle(token, (ticket.discharge().macaroon,))
    refused(proofs(), prove(unbound, ASKED, NOW))


def test_a_challenge_takes_one_answer() -> None:
    verifier, target = proofs(), "/ari/events?app=ivr"
    challenge = Challenge(target, NOW)
    said = answer(TOKEN, challenge.text, target)
    assert challenge.verify(verifier, said, NOW + 29.9).token_id == TOKEN.token_id
    with pytest.raises(StaleProof):
        challenge.verify(verifier, said, NOW + 29.9)


def test_an_answer_is_of_no_use_elsewhere() -> None:
    verifier, target = proofs(), "/ari/events?app=ivr"
    asked_bytes = bytes(range(32))
    asked = Challenge(target, NOW, random=lambda _: asked_bytes)
    for said in (
        answer(TOKEN, Challenge(target, NOW).text, target),
        answer(TOKEN, asked.text, "/ari/events?app=other"),
        answer(mint(generate_key("k1", "acme")), asked.text, target),
        prove(TOKEN, ASKED, NOW),
        TOKEN.encode(),
        "",
    ):
        challenge = Challenge(target, NOW, random=lambda _: asked_bytes)
        assert challenge.text == asked.text
        with pytest.raises(InvalidToken) as caught:
            challenge.verify(verifier, said, NOW)
        assert type(caught.value) is InvalidToken
        with pytest.raises(StaleProof):
            challenge.verify(verifier, answer(TOKEN, asked.text, target), NOW)


def test_a_challenge_is_answered_soon() -> None:
    challenge = Challenge("/", NOW, seconds=5)
    with pytest.raises(StaleProof):
        challenge.verify(proofs(), answer(TOKEN, challenge.text, "/"), NOW + 5)


def test_a_line_break_in_a_request_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="line break"):
        prove(TOKEN, Request.of("GET", "/\n/"), NOW)


@given(st.text(max_size=60) | st.from_regex(r"Stasis-(Proof|Answer) token=[ -~]{0,80}"))
def test_garbage_is_refused(text: str) -> None:
    refused(proofs(), text)
    with pytest.raises(InvalidToken):
        Challenge("/", NOW).verify(proofs(), text, NOW)
