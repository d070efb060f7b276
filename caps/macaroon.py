"""The chained HMACs of macaroons, and the one place that touches pymacaroons.

It knows bytes, not caveats: predicates are cleared elsewhere, after the signature is known to be
good. pymacaroons reads and writes the binary formats; it has no types and leaks many exception
classes on garbage, and here everything maps to `None`, without keeping the original exception,
whose message may hold parts of the token. The chain is computed here and not by its `Verifier`,
which runs predicates before it has looked at the signature, stops at the first fault, follows
discharges in circles, and keeps the signature that a proof of possession needs to itself.

Formats: https://github.com/rescrv/libmacaroons/blob/master/doc/format.txt
"""

import hmac
from collections.abc import Iterable
from typing import Literal, Self

import msgspec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from pymacaroons import Macaroon as Chain
from pymacaroons.caveat import Caveat as ChainLink
from pymacaroons.serializers.binary_serializer import BinarySerializer

Version = Literal[1, 2]

# Unsigned and for people: where the token is of use.
LOCATION = "stasisd"
SIGNATURE_LENGTH = 32
SEAL_NONCE_LENGTH = SecretBox.NONCE_SIZE
# Format 2 ends in a field of the type 6, which holds the signature.
SIGNATURE_FIELD = bytes([6, SIGNATURE_LENGTH])


class Link(msgspec.Struct, frozen=True):
    """One caveat. `sealed`, of those that a third party must discharge, holds the key for that."""

    id: bytes
    sealed: bytes | None = None
    location: str = ""


class Macaroon:
    """An identifier to find the root key by, links, and the signature that chains them."""

    __slots__ = ("_chain", "identifier", "links", "signature")

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.identifier: bytes = chain.identifier_bytes
        self.signature = bytes.fromhex(chain.signature)
        self.links = tuple(
            Link(link.caveat_id_bytes, link.verification_key_id, link.location or "")
            for link in chain.caveats
        )

    @classmethod
    def create(cls, key: bytes, identifier: str, location: str = LOCATION) -> Self:
        """A macaroon without caveats, signed with a root key."""
        return cls(Chain(location=location, identifier=identifier, key=key, version=2))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self | None:
        """Reads either binary format; None for anything that is not a whole macaroon."""
        try:
            macaroon = cls(BinarySerializer().deserialize_raw(raw))
            if len(macaroon.signature) == SIGNATURE_LENGTH:
                return macaroon
        except Exception:  # noqa: BLE001, S110 - garbage raises nearly anything in there
            pass
        return None

    @classmethod
    def from_unsigned(cls, raw: bytes) -> Self | None:
        """Reads what `to_unsigned` wrote, and nothing that has a signature; this one is zeros."""
        nothing = bytes(SIGNATURE_LENGTH)
        macaroon = cls.from_bytes(raw + SIGNATURE_FIELD + nothing)
        return macaroon if macaroon is not None and macaroon.signature == nothing else None

    def to_bytes(self, version: Version = 2) -> bytes:
        """The binary format; the signature is the same in both versions."""
        chain = Chain(
            location=self._chain.location,
            identifier=self.identifier,
            caveats=[_chain_link(link, version) for link in self.links],
            signature=self._chain.signature_bytes,
            version=version,
        )
        raw: bytes = BinarySerializer().serialize_raw(chain)
        return raw

    def to_unsigned(self) -> bytes:
        """Binary format 2 without the field of the signature, which stands at its end."""
        return self.to_bytes()[: -len(SIGNATURE_FIELD) - SIGNATURE_LENGTH]

    def with_predicate(self, predicate: bytes) -> Self:
        """A copy with one more caveat; needs no key."""
        chain = self._chain.copy()
        chain.add_first_party_caveat(predicate)
        return type(self)(chain)

    def with_third_party(self, location: str, key: bytes, ticket: str, nonce: bytes) -> Self:
        """A copy that needs a discharge: a macaroon named by the ticket and signed with the key.

        The key is sealed with the signature that the macaroon has now; `nonce` has 24 bytes and is
        never used again.
        """
        chain = self._chain.copy()
        chain.add_third_party_caveat(location, key, ticket, nonce=nonce)
        return type(self)(chain)

    def bound_to(self, signature: bytes) -> Self:
        """A discharge as it is shown beside the macaroon of this signature, and no other."""
        chain = self._chain.copy()
        chain.signature = _bind(signature, self.signature).hex()
        return type(self)(chain)

    def signatures(self, derived: bytes) -> list[bytes]:
        """What the signature was before each link, and at last is, by a key from `derive`."""
        chain = [_hmac(derived, self.identifier)]
        for link in self.links:
            chain.append(_extend(chain[-1], link))
        return chain

    def __repr__(self) -> str:
        return f"<Macaroon with {len(self.links)} caveats>"


def derive(key: bytes) -> bytes:
    """What chains start from: keys of any length are brought to one."""
    return _hmac(b"macaroons-key-generator", key)


def expected(
    macaroon: Macaroon, derived: bytes, discharges: Iterable[Macaroon]
) -> tuple[bytes, bool]:
    """The signature that a macaroon made with this key has, and whether its discharges are good.

    The discharges are bound, and each is named by one link. The work depends on the form of what
    is shown and not on what is wrong with it.
    """
    signatures = macaroon.signatures(derived)
    by_name = {discharge.identifier: discharge for discharge in discharges}
    good = True
    for before, link in zip(signatures, macaroon.links, strict=False):
        discharge = by_name.get(link.id)
        if link.sealed is not None and discharge is not None:
            key = _unseal(before, link.sealed)
            own = discharge.signatures(key or before)[-1]
            same = hmac.compare_digest(_bind(signatures[-1], own), discharge.signature)
            good &= same and key is not None
    return signatures[-1], good


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _extend(signature: bytes, link: Link) -> bytes:
    if link.sealed is None:
        return _hmac(signature, link.id)
    return _hmac(signature, _hmac(signature, link.sealed) + _hmac(signature, link.id))


def _bind(root: bytes, discharge: bytes) -> bytes:
    zeros = bytes(SIGNATURE_LENGTH)
    return _hmac(zeros, _hmac(zeros, root) + _hmac(zeros, discharge))


def _unseal(signature: bytes, sealed: bytes) -> bytes | None:
    """The key of a discharge, or None for what was not sealed with this signature."""
    try:
        return SecretBox(signature).decrypt(sealed)
    except (CryptoError, ValueError):
        return None


def _chain_link(link: Link, version: Version) -> ChainLink:
    return ChainLink(
        caveat_id=link.id,
        verification_key_id=link.sealed,
        location=link.location if link.sealed is not None else None,
        version=version,
    )
