"""The one place that touches pymacaroons: chained HMACs and their binary formats.

It knows bytes, not caveats: predicates are cleared elsewhere, after the signature is known to be
good (pymacaroons would run them before). It has no types and leaks many exception classes on
garbage; here everything maps to `None` or `False`, without keeping the original exception, whose
message may hold parts of the token.

Formats: https://github.com/rescrv/libmacaroons/blob/master/doc/format.txt
"""

from typing import Literal, Self

from pymacaroons import Macaroon as Chain
from pymacaroons import Verifier
from pymacaroons.caveat import Caveat as Link
from pymacaroons.serializers.binary_serializer import BinarySerializer

Version = Literal[1, 2]

# Unsigned and for people: where the token is of use.
LOCATION = "stasisd"
SIGNATURE_LENGTH = 32


class Macaroon:
    """An identifier, predicates, and the signature that chains them."""

    __slots__ = ("_chain",)

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    @classmethod
    def create(cls, key: bytes, identifier: str) -> Self:
        """A macaroon without caveats, signed with a root key."""
        return cls(Chain(location=LOCATION, identifier=identifier, key=key, version=2))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self | None:
        """Reads either binary format; None for anything that is not a whole macaroon."""
        try:
            chain = BinarySerializer().deserialize_raw(raw)
            if len(bytes.fromhex(chain.signature)) == SIGNATURE_LENGTH:
                return cls(chain)
        except Exception:  # noqa: BLE001, S110 - garbage raises nearly anything in there
            pass
        return None

    def to_bytes(self, version: Version = 2) -> bytes:
        """The binary format; the signature is the same in both versions."""
        chain = Chain(
            location=self._chain.location,
            identifier=self.identifier,
            caveats=[_link(link, version) for link in self._chain.caveats],
            signature=self._chain.signature_bytes,
            version=version,
        )
        raw: bytes = BinarySerializer().serialize_raw(chain)
        return raw

    @property
    def identifier(self) -> bytes:
        """What the issuer wrote to find the root key again."""
        identifier: bytes = self._chain.identifier_bytes
        return identifier

    @property
    def predicates(self) -> list[bytes | None]:
        """The caveats in their order; None for one that a third party must discharge."""
        return [
            link.caveat_id_bytes if link.first_party() else None for link in self._chain.caveats
        ]

    def with_predicate(self, predicate: bytes) -> Self:
        """A copy with one more caveat; needs no key."""
        chain = self._chain.copy()
        chain.add_first_party_caveat(predicate)
        return type(self)(chain)

    def is_signed_by(self, key: bytes) -> bool:
        """Whether the chain was made from this root key, compared in constant time."""
        verifier = Verifier()
        verifier.satisfy_general(lambda _predicate: True)
        try:
            return verifier.verify(self._chain, key, discharge_macaroons=[]) is True
        except Exception:  # noqa: BLE001 - unsigned, undecodable and undischarged alike are "no"
            return False

    def __repr__(self) -> str:
        return f"<Macaroon with {len(self._chain.caveats)} caveats>"


def _link(link: Link, version: Version) -> Link:
    return Link(
        caveat_id=link.caveat_id_bytes,
        verification_key_id=link.verification_key_id,
        location=link.location,
        version=version,
    )
