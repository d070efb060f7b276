"""Whether a token is genuine, and what it grants.

Whatever is wrong with a token has one answer, `InvalidToken`, at the price of the same work. Only
the holder of a genuine one is told more: what it lacks, or that its time or trust has ended.
"""

import hmac
import math
from collections.abc import Iterator

import msgspec

from caps.bundle import Bundle
from caps.caveats import Caveat, Expires, ProofRequired, Tenant, ThirdParty, decode
from caps.errors import (
    ExpiredToken,
    InvalidToken,
    NeedsDischarge,
    NeedsProof,
    RevokedToken,
)
from caps.grant import Grant
from caps.keyring import Keyring, RootKey
from caps.macaroon import derive, expected
from caps.token import Token


def verify(text: str, keyring: Keyring, now: float) -> Grant:
    """The grant of a token that this keyring's keys signed, valid at `now` (since 1970).

    Verifying clears no access: ask the grant. Raises InvalidToken, the same one whatever is
    wrong with the token, or a subclass of it for a genuine one: ExpiredToken, RevokedToken,
    NeedsDischarge, or NeedsProof where a caveat forbids to show the token as it is.
    """
    grant = keyring.recall(text)
    if grant is None:
        grant = _verify(text, keyring)
        keyring.remember(text, grant)
    if not grant.not_before <= now < grant.expires:
        raise ExpiredToken
    return grant


def _verify(text: str, keyring: Keyring) -> Grant:
    bundle = Bundle.decode(text)
    judged = judge(bundle, keyring)
    if not hmac.compare_digest(judged.signature, bundle.token.macaroon.signature):
        raise InvalidToken
    grant = judged.grant()
    if any(isinstance(caveat, ProofRequired) for caveat in grant.caveats):
        raise NeedsProof
    return grant


class Judged(msgspec.Struct, frozen=True):
    """The signature that a bundle's token must have, and what it is worth to who knows that."""

    signature: bytes
    worth: Grant | InvalidToken

    def grant(self) -> Grant:
        """What it grants; raises what speaks against it."""
        if isinstance(self.worth, InvalidToken):
            raise self.worth
        return self.worth


def judge(bundle: Bundle, keyring: Keyring) -> Judged:
    """Computes the signature of a bundle, whatever it was shown with, and judges the rest."""
    named = bundle.token.identifier
    secret = keyring.secret_or_decoy(named.key_id)
    signature, discharged = expected(bundle.token.macaroon, derive(secret), bundle.discharges)
    key = keyring.find(named.key_id)
    if key is None or not _is_of(bundle.token, key):
        return Judged(signature, InvalidToken())
    return Judged(signature, _objection(bundle, discharged) or _worth(bundle, key, keyring))


def _is_of(token: Token, key: RootKey) -> bool:
    """Whether a token has the tenant of its key; the operator's key has none."""
    return key.tenant is None or token.caveats[:1] == (Tenant(key.tenant),)


def _objection(bundle: Bundle, discharged: bool) -> InvalidToken | None:
    """Each ticket has one discharge, each discharge has a ticket and no tickets of its own."""
    tickets = [link.id for link in bundle.token.macaroon.links if link.sealed is not None]
    names = [found.identifier for found in bundle.discharges]
    nested = any(link.sealed is not None for found in bundle.discharges for link in found.links)
    repeated = len(set(names)) < len(names) or len(set(tickets)) < len(tickets)
    if not discharged or nested or repeated or not set(names) <= set(tickets):
        return InvalidToken()
    return NeedsDischarge() if len(names) < len(tickets) else None


def _worth(bundle: Bundle, key: RootKey, keyring: Keyring) -> Grant | InvalidToken:
    named = bundle.token.identifier
    caveats = tuple(_caveats(bundle, key))
    grant = Grant(
        tenant=next((caveat.name for caveat in caveats if isinstance(caveat, Tenant)), None),
        key_id=key.id,
        token_id=named.token_id,
        caveats=caveats,
        user=named.user,
        issued=named.issued,
    )
    return RevokedToken() if keyring.is_revoked(grant) else grant


def _caveats(bundle: Bundle, key: RootKey) -> Iterator[Caveat]:
    """All that limits the holder: of the token, of the discharges, and the end of the key."""
    yield from (caveat for caveat in bundle.token.caveats if not isinstance(caveat, ThirdParty))
    for discharge in bundle.discharges:
        yield from (decode(link.id) for link in discharge.links)
    if key.until < math.inf:
        yield Expires(key.until)
