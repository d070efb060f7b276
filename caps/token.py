"""Tokens: minted with a root key, attenuated by anyone, verified by whoever holds the key.

    stasis1_ + base64url(macaroon, binary format 2)

The prefix makes a leaked token easy to find. A bare macaroon of either binary format is read too.
`caps.identifier` says what the identifier holds; the first caveat names the tenant.
"""

import base64
import binascii
import math
import re
import secrets
from collections.abc import Callable
from typing import Self

from caps.caveats import Caveat, Expires, Tenant, Unknown, decode, encode
from caps.errors import ExpiredToken, InvalidToken, RevokedToken, TokenTooLarge
from caps.grant import Grant
from caps.identifier import Identifier
from caps.keyring import KEY_LENGTH, Keyring, RootKey
from caps.macaroon import Macaroon, Version

PREFIX = "stasis1_"
# Bounds on what a verifier works through; a token of eight caveats has about 500 characters.
MAX_LENGTH = 4096
MAX_CAVEATS = 64
NONCE_LENGTH = 16

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")

Random = Callable[[int], bytes]


class Token:
    """A macaroon whose identifier and caveats are ours. Being one says nothing of its worth."""

    __slots__ = ("_macaroon", "caveats", "identifier")

    def __init__(self, macaroon: Macaroon) -> None:
        identifier = Identifier.parse(macaroon.identifier)
        if identifier is None or len(macaroon.predicates) > MAX_CAVEATS:
            raise InvalidToken
        self._macaroon = macaroon
        self.identifier = identifier
        self.caveats = tuple(
            Unknown() if predicate is None else decode(predicate)
            for predicate in macaroon.predicates
        )

    @classmethod
    def decode(cls, text: str) -> Self:
        """Reads a token without judging it; raises InvalidToken for anything else."""
        body = text.removeprefix(PREFIX)
        if len(text) > MAX_LENGTH or _BASE64URL.fullmatch(body) is None:
            raise InvalidToken
        macaroon = Macaroon.from_bytes(_unbase64(body))
        if macaroon is None:
            raise InvalidToken
        return cls(macaroon)

    def encode(self, version: Version = 2) -> str:
        """The text of the token; version 1 is bare, for libraries that know nothing newer.

        Raises TokenTooLarge where no verifier would read it.
        """
        body = base64.urlsafe_b64encode(self._macaroon.to_bytes(version)).decode().rstrip("=")
        text = PREFIX + body if version == 2 else body
        if len(text) > MAX_LENGTH:
            raise TokenTooLarge(f"a token has at most {MAX_LENGTH} characters")
        return text

    def attenuate(self, *caveats: Caveat) -> "Token":
        """A weaker token. Needs no key; the caveats can't be taken off again.

        Raises TokenTooLarge beyond MAX_CAVEATS caveats.
        """
        if len(self.caveats) + len(caveats) > MAX_CAVEATS:
            raise TokenTooLarge(f"a token has at most {MAX_CAVEATS} caveats")
        macaroon = self._macaroon
        for caveat in caveats:
            macaroon = macaroon.with_predicate(encode(caveat))
        return Token(macaroon)

    @property
    def token_id(self) -> str:
        """The id that revocation names; attenuated tokens keep it."""
        return self.identifier.token_id

    def is_signed_by(self, secret: bytes) -> bool:
        """Whether identifier and caveats are as the holder of this root key signed them."""
        return self._macaroon.is_signed_by(secret)

    def __repr__(self) -> str:
        return f"<Token {self.identifier.encode()} with {len(self.caveats)} caveats>"


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
    nonce = base64.urlsafe_b64encode(random(NONCE_LENGTH)).decode().rstrip("=")
    identifier = Identifier(key.id, nonce, user, issued).encode()
    tenant = () if key.tenant is None else (Tenant(key.tenant),)
    return Token(Macaroon.create(key.secret, identifier)).attenuate(*tenant, *caveats)


def verify(text: str, keyring: Keyring, now: float) -> Grant:
    """The grant of a token that this keyring's keys signed, valid at `now` (since 1970).

    Verifying clears no access: ask the grant. Raises InvalidToken, the same one whatever is
    wrong with the token, or its subclasses ExpiredToken and RevokedToken for a genuine one.
    """
    grant = keyring.recall(text)
    if grant is None:
        grant = _verify(text, keyring)
        keyring.remember(text, grant)
    if not grant.not_before <= now < grant.expires:
        raise ExpiredToken
    return grant


def _verify(text: str, keyring: Keyring) -> Grant:
    token = Token.decode(text)
    named = token.identifier
    genuine = token.is_signed_by(keyring.secret_or_decoy(named.key_id))
    key = keyring.find(named.key_id)
    if not genuine or key is None or not _is_of(token, key):
        raise InvalidToken
    grant = _grant(token, key)
    if keyring.is_revoked(grant):
        raise RevokedToken
    return grant


def _is_of(token: Token, key: RootKey) -> bool:
    """Whether a token has the tenant of its key; the operator's key has none."""
    return key.tenant is None or token.caveats[:1] == (Tenant(key.tenant),)


def _grant(token: Token, key: RootKey) -> Grant:
    tenants = (caveat.name for caveat in token.caveats if isinstance(caveat, Tenant))
    end = () if key.until == math.inf else (Expires(key.until),)
    return Grant(
        tenant=next(tenants, None),
        key_id=key.id,
        token_id=token.identifier.token_id,
        caveats=(*token.caveats, *end),
        user=token.identifier.user,
        issued=token.identifier.issued,
    )


def _unbase64(body: str) -> bytes:
    text = body.rstrip("=")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:  # one character too many
        return b""
