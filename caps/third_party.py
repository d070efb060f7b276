"""Caveats that somebody else must discharge, such as a service that knows who is logged in.

Whoever adds one shares a key with the third party, and writes what has to be true into a *ticket*
that only the two can read:

    token = require_discharge(token, "https://login.example", shared, "user=anne")

The holder takes the ticket of each such caveat (`ThirdParty.ticket`) to the third party. That one
opens it, makes sure, and answers with a *discharge*, whose own caveats limit the token as well:

    ticket = Ticket.open(text, shared)            # ticket.conditions == ("user=anne",)
    discharge = ticket.discharge(Expires(now + 600)).encode()               # stasis1d_AgEH...

The holder binds the discharges to the token and shows them together, as one text:

    Bundle.bind(token, [Discharge.decode(discharge)]).encode()           # stasis1_AgEH...

A bound discharge is of use beside this token only. The unbound one is kept: a token that was
attenuated needs it bound anew.
"""

import secrets
from typing import Self

import msgspec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from caps import base64url
from caps.caveats import Caveat, encode
from caps.errors import InvalidToken
from caps.macaroon import SEAL_NONCE_LENGTH, Macaroon
from caps.token import Random, Token

KEY_LENGTH = 32
DISCHARGE_PREFIX = "stasis1d_"
DISCHARGE_LOCATION = "stasisd discharge"


class Ticket(msgspec.Struct, frozen=True):
    """What has to be true, in words on which the two agree, and the key of the discharge.

    As text it is a box of libsodium (`crypto_secretbox`: the nonce, then the rest) in base64url,
    and in the box a JSON array: the key in base64url, then the conditions.
    """

    key: bytes
    conditions: tuple[str, ...]
    text: str

    @classmethod
    def seal(cls, shared: bytes, *conditions: str, random: Random = secrets.token_bytes) -> Self:
        """A new ticket for the third party that has the shared key (32 bytes)."""
        key = random(KEY_LENGTH)
        inside = msgspec.json.encode([base64url.encode(key), *conditions])
        box = SecretBox(shared).encrypt(inside, random(SEAL_NONCE_LENGTH))
        return cls(key, conditions, base64url.encode(box))

    @classmethod
    def open(cls, text: str, shared: bytes) -> Self:
        """Reads a ticket. Raises InvalidToken for one that was not sealed with this key."""
        key, *conditions = _opened(base64url.decode(text) or b"", shared)
        raw = base64url.decode(key)
        if raw is None:
            raise InvalidToken
        return cls(raw, tuple(conditions), text)

    def discharge(self, *caveats: Caveat) -> "Discharge":
        """What says that the conditions are met, as long as the caveats allow it."""
        macaroon = Macaroon.create(self.key, self.text, DISCHARGE_LOCATION)
        for caveat in caveats:
            macaroon = macaroon.with_predicate(encode(caveat))
        return Discharge(macaroon)

    def __repr__(self) -> str:
        return f"<Ticket of {len(self.conditions)} conditions>"


def _opened(box: bytes, shared: bytes) -> list[str]:
    """What is in a box; one empty text for what is no box of ours."""
    try:
        return msgspec.json.decode(SecretBox(shared).decrypt(box), type=list[str]) or [""]
    except (CryptoError, ValueError):
        return [""]


class Discharge:
    """A discharge as its holder keeps it, bound to no token yet."""

    __slots__ = ("macaroon",)

    def __init__(self, macaroon: Macaroon) -> None:
        self.macaroon = macaroon

    @classmethod
    def decode(cls, text: str) -> Self:
        """Reads a discharge without judging it; raises InvalidToken for anything else."""
        raw = base64url.decode(text.removeprefix(DISCHARGE_PREFIX))
        macaroon = None if raw is None else Macaroon.from_bytes(raw)
        if macaroon is None:
            raise InvalidToken
        return cls(macaroon)

    def encode(self) -> str:
        """The text of the discharge, to be kept as secret as the token."""
        return DISCHARGE_PREFIX + base64url.encode(self.macaroon.to_bytes())

    def __repr__(self) -> str:
        return f"<Discharge: {self.macaroon!r}>"


def require_discharge(
    token: Token,
    location: str,
    shared: bytes,
    *conditions: str,
    random: Random = secrets.token_bytes,
) -> Token:
    """A weaker token, of use once the third party at the location says that the conditions hold.

    The location is for the holder, and not signed. Raises TokenTooLarge as `attenuate` does.
    """
    ticket = Ticket.seal(shared, *conditions, random=random)
    return token.with_third_party(location, ticket.key, ticket.text, random(SEAL_NONCE_LENGTH))
