"""Tickets, discharges, and what a token is worth with and without them."""

import json

import pytest

from caps import (
    READ_ONLY,
    Bundle,
    Discharge,
    Expires,
    InvalidToken,
    Keyring,
    NeedsDischarge,
    RootKey,
    Tenant,
    ThirdParty,
    Ticket,
    Token,
    TokenTooLarge,
    generate_key,
    mint,
    require_discharge,
    verify,
)
from caps.bundle import MAX_DISCHARGES
from caps.token import MAX_CAVEATS

KEY = RootKey("k1", "acme", bytes(range(32)))
RING = Keyring([KEY])
SHARED = bytes(range(100, 132))
LOGIN = "https://login.example"


def needing(token: Token | None = None, *conditions: str) -> Token:
    return require_discharge(token or mint(KEY), LOGIN, SHARED, *(conditions or ("user=anne",)))


def discharge(token: Token, *limits: Expires, shared: bytes = SHARED) -> list[Discharge]:
    """What the third party answers to all tickets of a token."""
    tickets = [caveat.ticket for caveat in token.caveats if isinstance(caveat, ThirdParty)]
    return [Ticket.open(ticket, shared).discharge(*limits) for ticket in tickets]


def refused(bundle: Bundle | str) -> None:
    text = bundle if isinstance(bundle, str) else bundle.encode()
    with pytest.raises(InvalidToken) as caught:
        verify(text, RING, 0.0)
    assert type(caught.value) is InvalidToken
    assert caught.value.__context__ is None


def test_a_login_for_some_minutes() -> None:
    token = needing()
    (third_party,) = [c for c in token.caveats if isinstance(c, ThirdParty)]
    assert third_party.location == LOGIN
    ticket = Ticket.open(third_party.ticket, SHARED)
    assert ticket.conditions == ("user=anne",)
    answer = ticket.discharge(Expires(600.0)).encode()
    assert answer.startswith("stasis1d_")
    text = Bundle.bind(token, [Discharge.decode(answer)]).encode()
    grant = verify(text, RING, 0.0)
    assert grant.caveats == (Tenant("acme"), Expires(600.0))
    assert grant.expires == 600.0


def test_without_its_discharge_a_token_is_of_no_use() -> None:
    token = needing()
    with pytest.raises(NeedsDischarge):
        verify(token.encode(), RING, 0.0)
    two = needing(token, "device=7")
    with pytest.raises(NeedsDischarge):
        verify(Bundle.bind(two, discharge(two)[:1]).encode(), RING, 0.0)
    assert verify(Bundle.bind(two, discharge(two)).encode(), RING, 0.0).tenant == "acme"
    assert verify(Bundle.bind(two, discharge(two)[::-1]).encode(), RING, 0.0).tenant == "acme"


def test_a_discharge_is_of_no_use_beside_another_token() -> None:
    token = needing()
    bound = Bundle.bind(token, discharge(token))
    weaker = token.attenuate(READ_ONLY)
    refused(Bundle(weaker, bound.discharges))
    refused(Bundle(mint(KEY), bound.discharges))
    assert verify(Bundle.bind(weaker, discharge(weaker)).encode(), RING, 0.0).tenant == "acme"


def test_unbound_repeated_and_unused_discharges_are_refused() -> None:
    token, other = needing(), needing()
    mine, theirs = discharge(token), discharge(other)
    refused(Bundle(token, tuple(found.macaroon for found in mine)))
    refused(Bundle.bind(token, mine * 2))
    refused(Bundle.bind(token, [*mine, *theirs]))
    refused(Bundle.bind(token, theirs))
    refused(Bundle.bind(mint(KEY), theirs))


def test_a_discharge_by_whom_the_key_was_not_shared_with_is_refused() -> None:
    token = needing()
    (third_party,) = [c for c in token.caveats if isinstance(c, ThirdParty)]
    forged = Ticket(bytes(32), (), third_party.ticket).discharge()
    refused(Bundle.bind(token, [forged]))
    with pytest.raises(InvalidToken):
        discharge(token, shared=bytes(32))


def test_a_third_party_caveat_is_sealed_with_the_token_that_it_was_added_to() -> None:
    token = needing()
    link = token.macaroon.links[-1]
    foreign = mint(generate_key("k1", "acme"))
    moved = foreign.macaroon._chain
    moved.caveats.append(token.macaroon._chain.caveats[-1])
    assert link.sealed is not None
    refused(Bundle.bind(Token(type(token.macaroon)(moved)), discharge(token)))


def test_discharges_do_not_nest() -> None:
    token = needing()
    (found,) = discharge(token)
    inner = Ticket.seal(SHARED, "more")
    nested = Discharge(found.macaroon.with_third_party(LOGIN, inner.key, inner.text, bytes(24)))
    refused(Bundle.bind(token, [nested]))
    refused(Bundle.bind(token, [nested, inner.discharge()]))


def test_one_ticket_twice_is_refused() -> None:
    ticket = Ticket.seal(SHARED, "user=anne")
    token = mint(KEY)
    for _ in range(2):
        token = token.with_third_party(LOGIN, ticket.key, ticket.text, bytes(24))
    refused(Bundle.bind(token, [ticket.discharge()]))


def test_an_unknown_caveat_in_a_discharge_prohibits() -> None:
    token = needing()
    (found,) = discharge(token)
    odd = Discharge(found.macaroon.with_predicate(b"user = anne"))
    grant = verify(Bundle.bind(token, [odd]).encode(), RING, 0.0)
    assert [type(caveat).__name__ for caveat in grant.caveats] == ["Tenant", "Unknown"]


def test_the_work_for_a_bundle_is_bounded() -> None:
    token = mint(KEY)
    ticket = Ticket.seal(SHARED)
    with pytest.raises(TokenTooLarge):
        Bundle.bind(token, [ticket.discharge()] * (MAX_DISCHARGES + 1))
    with pytest.raises(TokenTooLarge):
        Bundle.bind(token, [ticket.discharge(*[Expires(1.0)] * MAX_CAVEATS)])
    with pytest.raises(TokenTooLarge, match="characters"):
        Bundle.bind(token, [Ticket.seal(SHARED, "x" * 400).discharge()] * MAX_DISCHARGES).encode()
    text = Bundle.bind(token, [ticket.discharge()]).encode()
    body = text.partition(".")[2]
    refused(text + f".{body}" * 10)
    refused(text + "." * 2000)


@pytest.mark.parametrize("tail", [".", ".A", ".AgEH", "..", ".stasis1d_AgEH", ". ", ".\udc80"])
def test_garbage_for_a_discharge_is_refused(tail: str) -> None:
    token = needing()
    refused(token.encode() + tail)
    refused(Bundle.bind(token, discharge(token)).encode() + tail)


@pytest.mark.parametrize("version", [1, 2])
def test_both_formats_carry_discharges(version: int) -> None:
    token = needing()
    text = Bundle.bind(token, discharge(token)).encode(version)  # type: ignore[arg-type] # 1 or 2
    assert verify(text, RING, 0.0).tenant == "acme"


@pytest.mark.parametrize("text", ["", "A", "AAAA", "stasis1d_AgEH", "x" * 5000])
def test_garbage_is_no_ticket_and_no_discharge(text: str) -> None:
    with pytest.raises(InvalidToken):
        Ticket.open(text, SHARED)
    with pytest.raises(InvalidToken):
        Discharge.decode(text)


@pytest.mark.parametrize("inside", [b"", b"[]", b"{}", b"[1]", b'["?"]', b'["\xff"]'])
def test_a_box_with_something_else_is_no_ticket(inside: bytes) -> None:
    from nacl.secret import SecretBox

    from caps import base64url

    with pytest.raises(InvalidToken):
        Ticket.open(base64url.encode(SecretBox(SHARED).encrypt(inside)), SHARED)


def test_what_a_ticket_holds_is_not_to_be_read_on_the_way() -> None:
    ticket = Ticket.seal(SHARED, "user=anne")
    shown = json.dumps([ticket.text, repr(ticket), repr(ticket.discharge()), repr(needing())])
    for secret in ("anne", repr(ticket.key), ticket.discharge().encode()[-43:]):
        assert secret not in shown
