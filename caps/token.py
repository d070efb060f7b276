"""Tokens: minted with a root key, attenuated by anyone. `caps.verifying` tells what they grant.

    stasis1_ + base64url(macaroon, binary format 2)

The prefix makes a leaked token easy to find. A bare macaroon of either binary format is read too.
`caps.identifier` says what the identifier holds; the first caveat names the tenant.
"""

import secrets
from collections.abc import Callable
from typing import Self

from caps import base64url
from caps.caveats import Caveat, Tenant, ThirdParty, decode, encode
from caps.errors import InvalidToken, TokenTooLarge
from caps.identifier import Identifier
from caps.keyring import KEY_LENGTH, RootKey
from caps.macaroon import Link, Macaroon, Version

PREFIX = "stasis1_"
# Bounds on what a verifier works through; a token of eight caveats has about 500 characters.
MAX_LENGTH = 4096
MAX_CAVEATS = 64
NONCE_LENGTH = 16

# Where randomness comes from: so many bytes.
Random = Callable[[int], bytes]


class Token:
    """A macaroon whose identifier and caveats are ours. Being one says nothing of its worth."""

    __slots__ = ("caveats", "identifier", "macaroon")

    def __init__(self, macaroon: Macaroon | None) -> None:
        """Raises InvalidToken for a macaroon that is none of ours."""
        identifier = None if macaroon is None else Identifier.parse(macaroon.identifier)
        if macaroon is None or identifier is None or len(macaroon.links) > MAX_CAVEATS:
            raise InvalidToken
        self.macaroon = macaroon
        self.identifier = identifier
        self.caveats = tuple(map(_caveat, macaroon.links))

    @classmethod
    def decode(cls, text: str) -> Self:
        """Reads a token without judging it; raises InvalidToken for anything else."""
        return cls(Macaroon.from_bytes(_bytes(text.removeprefix(PREFIX))))

    @classmethod
    def decode_unsigned(cls, text: str) -> Self:
        """Reads a token whose signature was left out."""
        return cls(Macaroon.from_unsigned(_bytes(text)))

    def encode(self, version: Version = 2) -> str:
        """The text of the token; version 1 is bare, for libraries that know nothing newer.

        Raises TokenTooLarge where no verifier would read it.
        """
        body = base64url.encode(self.macaroon.to_bytes(version))
        text = PREFIX + body if version == 2 else body
        if len(text) > MAX_LENGTH:
            raise TokenTooLarge(f"a token has at most {MAX_LENGTH} characters")
        return text

    def attenuate(self, *caveats: Caveat) -> "Token":
        """A weaker token. Needs no key; the caveats can't be taken off again.

        Raises TokenTooLarge beyond MAX_CAVEATS caveats.
        """
        self._require_room(len(caveats))
        macaroon = self.macaroon
        for caveat in caveats:
            macaroon = macaroon.with_predicate(encode(caveat))
        return Token(macaroon)

    def with_third_party(self, location: str, key: bytes, ticket: str, nonce: bytes) -> "Token":
        """A token that needs a discharge; `caps.third_party` makes ticket and key.

        Raises TokenTooLarge as `attenuate` does.
        """
        self._require_room(1)
        return Token(self.macaroon.with_third_party(location, key, ticket, nonce))

    def _require_room(self, more: int) -> None:
        if len(self.caveats) + more > MAX_CAVEATS:
            raise TokenTooLarge(f"a token has at most {MAX_CAVEATS} caveats")

    @property
    def token_id(self) -> str:
        """The id that revocation names; attenuated tokens keep it."""
        return self.identifier.token_id

    def __repr__(self) -> str:
        return f"<Token {self.identifier.encode()} with {len(self.caveats)} caveats>"


def _caveat(link: Link) -> Caveat:
    if link.sealed is None:
        return decode(link.id)
    return ThirdParty(link.location, link.id.decode(errors="replace"))


def _bytes(text: str) -> bytes:
    """The bytes of a text that is not too long; none of another."""
    return (base64url.decode(text) if len(text) <= MAX_LENGTH else None) or b""


def generate_key(key_id: str, tenant: str | None, random: Random = secrets.token_bytes) -> RootKey:
    """A new root key of a tenant, or of the operator.

    `key_id` is of letters, digits and `._-`, at most 64 of them; ValueError for another.
    """
    Identifier(key_id, "x").encode()
    return RootKey(key_id, tenant, random(KEY_LENGTH))


def mint(
    key: RootKey,
    *caveats: Caveat,
    user: str | None = None,
    issued: float = 0.0,
    random: Random = secrets.token_bytes,
) -> Token:
    """A new token of the key's tenant, limited by the caveats.

    For a user, tell `issued`, the time now: revoking the user ends what was minted before.
    Raises ValueError for a user whose name is too long to be written (255 characters, encoded).
    """
    nonce = base64url.encode(random(NONCE_LENGTH))
    identifier = Identifier(key.id, nonce, user, issued).encode()
    tenant = () if key.tenant is None else (Tenant(key.tenant),)
    return Token(Macaroon.create(key.secret, identifier)).attenuate(*tenant, *caveats)
