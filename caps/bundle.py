"""A token and the discharges that it needs, as they are shown to whoever verifies them.

    stasis1_ + base64url(macaroon) [ + "." + base64url(bound discharge) ]...

The dot keeps to the characters that a bearer token may have (RFC 6750, section 2.1).
"""

from collections.abc import Iterable, Sequence
from typing import Self

from caps import base64url
from caps.errors import InvalidToken, TokenTooLarge
from caps.macaroon import Macaroon, Version
from caps.third_party import Discharge
from caps.token import MAX_CAVEATS, MAX_LENGTH, Token

MAX_DISCHARGES = 8


class Bundle:
    """A token and its bound discharges. Being one says nothing of its worth."""

    __slots__ = ("discharges", "token")

    def __init__(self, token: Token, discharges: tuple[Macaroon, ...] = ()) -> None:
        """Raises TokenTooLarge beyond MAX_DISCHARGES, or MAX_CAVEATS in all of them together."""
        if not _is_bounded(token, discharges):
            raise TokenTooLarge(f"{MAX_DISCHARGES} discharges and {MAX_CAVEATS} caveats at most")
        self.token = token
        self.discharges = discharges

    @classmethod
    def bind(cls, token: Token, discharges: Iterable[Discharge]) -> Self:
        """A token with discharges, which are of no use without it."""
        signature = token.macaroon.signature
        return cls(token, tuple(found.macaroon.bound_to(signature) for found in discharges))

    @classmethod
    def decode(cls, text: str, *, signed: bool = True) -> Self:
        """Reads a token, alone or with discharges; raises InvalidToken for anything else.

        `signed` is False for what `encode_unsigned` wrote.
        """
        if len(text) > MAX_LENGTH:
            raise InvalidToken
        first, *rest = text.split(".")
        token = Token.decode(first) if signed else Token.decode_unsigned(first)
        found = [Macaroon.from_bytes(base64url.decode(part) or b"") for part in rest]
        discharges = tuple(macaroon for macaroon in found if macaroon is not None)
        if len(discharges) < len(found) or not _is_bounded(token, discharges):
            raise InvalidToken
        return cls(token, discharges)

    def encode(self, version: Version = 2) -> str:
        """The text to show. Raises TokenTooLarge where no verifier would read it."""
        return self._joined(self.token.encode(version), version)

    def encode_unsigned(self) -> str:
        """The text without the token's signature, for a proof that one knows it."""
        return self._joined(base64url.encode(self.token.macaroon.to_unsigned()), 2)

    def _joined(self, first: str, version: Version) -> str:
        rest = (base64url.encode(found.to_bytes(version)) for found in self.discharges)
        text = ".".join((first, *rest))
        if len(text) > MAX_LENGTH:
            raise TokenTooLarge(f"a token has at most {MAX_LENGTH} characters")
        return text

    def __repr__(self) -> str:
        return f"<Bundle of {self.token!r} and {len(self.discharges)} discharges>"


def _is_bounded(token: Token, discharges: Sequence[Macaroon]) -> bool:
    caveats = len(token.caveats) + sum(len(found.links) for found in discharges)
    return len(discharges) <= MAX_DISCHARGES and caveats <= MAX_CAVEATS
