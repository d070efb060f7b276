"""Tokens: minted with a root key, attenuated by anyone, verified by whoever holds the key.

    stasis1_ + base64url(macaroon, binary format 2)

The prefix makes a leaked token easy to find. A bare macaroon of either binary format is read too.
The identifier is `KEYID:TOKENID`; the first caveat names the tenant.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Callable
from typing import Self

from caps.caveats import Caveat, Tenant, Unknown, decode, encode
from caps.errors import ExpiredToken, InvalidToken, RevokedToken, TokenTooLarge
from caps.grant import Grant, validity
from caps.keyring import KEY_LENGTH, Keyring, RootKey
from caps.macaroon import Macaroon, Version

PREFIX = "stasis1_"
# Bounds on what a verifier works through; a token of eight caveats has about 500 characters.
MAX_LENGTH = 4096
MAX_CAVEATS = 64
NONCE_LENGTH = 16

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_IDENTIFIER = re.compile(rb"([A-Za-z0-9._-]{1,64}):([A-Za-z0-9_-]{1,64})")

Random = Callable[[int], bytes]


class Token:
    """A macaroon whose identifier and caveats are ours. Being one says nothing of its worth."""

    __slots__ = ("_macaroon", "caveats", "key_id", "token_id")

    def __init__(self, macaroon: Macaroon) -> None:
        match = _IDENTIFIER.fullmatch(macaroon.identifier)
        if match is None or len(macaroon.predicates) > MAX_CAVEATS:
            raise InvalidToken
        self._macaroon = macaroon
        self.key_id = match[1].decode()
        self.token_id = match[2].decode()
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

    def is_signed_by(self, secret: bytes) -> bool:
        """Whether identifier and caveats are as the holder of this root key signed them."""
        return self._macaroon.is_signed_by(secret)

    def __repr__(self) -> str:
        return f"<Token {self.key_id}:{self.token_id} with {len(self.caveats)} caveats>"


def generate_key(key_id: str, tenant: str, random: Random = secrets.token_bytes) -> RootKey:
    """A new root key; `key_id` is of letters, digits and `._-`, at most 64 of them."""
    if _IDENTIFIER.fullmatch(f"{key_id}:x".encode()) is None:
        raise ValueError(f"{key_id!r} can't be a key id")
    return RootKey(key_id, tenant, random(KEY_LENGTH))


def mint(key: RootKey, *caveats: Caveat, random: Random = secrets.token_bytes) -> Token:
    """A new token of the key's tenant, limited by the caveats."""
    nonce = base64.urlsafe_b64encode(random(NONCE_LENGTH)).decode().rstrip("=")
    token = Token(Macaroon.create(key.secret, f"{key.id}:{nonce}"))
    return token.attenuate(Tenant(key.tenant), *caveats)


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
    genuine = token.is_signed_by(keyring.secret_or_decoy(token.key_id))
    key = keyring.find(token.key_id)
    if not genuine or key is None or token.caveats[:1] != (Tenant(key.tenant),):
        raise InvalidToken
    if keyring.is_revoked(token.token_id):
        raise RevokedToken
    not_before, expires = validity(token.caveats)
    return Grant(
        tenant=key.tenant,
        key_id=token.key_id,
        token_id=token.token_id,
        caveats=token.caveats,
        not_before=not_before,
        expires=expires,
    )


def _unbase64(body: str) -> bytes:
    text = body.rstrip("=")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:  # one character too many
        return b""
