"""The same work for whatever is wrong with a token."""

from collections.abc import Callable

import pytest

from caps import (
    READ_ONLY,
    Bundle,
    Expires,
    InvalidToken,
    Keyring,
    RootKey,
    Ticket,
    Token,
    base64url,
    generate_key,
    macaroon,
    mint,
    verify,
)

KEY = RootKey("k1", "acme", bytes(range(32)))
TICKET = Ticket.seal(bytes(32), "user=anne")


def needing(key: RootKey) -> Token:
    token = mint(key, READ_ONLY)
    return token.with_third_party("login", TICKET.key, TICKET.text, bytes(24))


def bound(token: Token, ticket: Ticket = TICKET) -> str:
    return Bundle.bind(token, [ticket.discharge(Expires(10.0))]).encode()


def test_nothing_secret_is_shown() -> None:
    token, discharge = needing(KEY), TICKET.discharge()
    bundle = Bundle.bind(token, [discharge])
    shown = " ".join(map(repr, (token, discharge, bundle, TICKET, token.macaroon)))
    for secret in (KEY.secret, TICKET.key, token.macaroon.signature, discharge.macaroon.signature):
        for written in (base64url.encode(secret), secret.hex(), repr(secret)):
            assert written not in shown


def other_signature(text: str) -> str:
    root, _, discharge = text.partition(".")
    return f"{root[:-8]}AAAAAAAA.{discharge}"


def other_caveat() -> str:
    """A holder who would rather write than read."""
    token = needing(KEY)
    raw = token.macaroon.to_bytes().replace(b'["read"]', b'["spit"]')
    return bound(Token(macaroon.Macaroon.from_bytes(raw)))


WRONG = {
    "key": lambda: bound(needing(generate_key("k1", "acme"))),
    "unknown key": lambda: bound(needing(generate_key("k9", "acme"))),
    "tenant": lambda: bound(needing(RootKey("k1", "ACME", KEY.secret))),
    "signature": lambda: other_signature(bound(needing(KEY))),
    "caveat": other_caveat,
    "discharge": lambda: bound(needing(KEY), Ticket(bytes(32), (), TICKET.text)),
    "binding": lambda: Bundle(needing(KEY), (TICKET.discharge(Expires(10.0)).macaroon,)).encode(),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_token_costs_what_a_good_one_does(
    make: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, wrong, done = bound(needing(KEY)), make(), 0
    hashed = macaroon._hmac

    def counted(key: bytes, message: bytes) -> bytes:
        nonlocal done
        done += 1
        return hashed(key, message)

    monkeypatch.setattr(macaroon, "_hmac", counted)
    verify(good, Keyring([KEY]), 0.0)
    for_good, done = done, 0
    with pytest.raises(InvalidToken) as caught:
        verify(wrong, Keyring([KEY]), 0.0)
    assert type(caught.value) is InvalidToken
    assert (done, len(wrong)) == (for_good, len(good))
