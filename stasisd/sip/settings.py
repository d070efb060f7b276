"""What a user agent is told when it is made: where it listens, how it behaves, whom it knows."""

from typing import Protocol

from msgspec import Struct

from .flow import Address, Flow
from .parser import DEFAULT_LIMITS, Limits
from .registration import Policy
from .timers import Timers
from .uri import Uri


class Transport(Struct, frozen=True):
    """An address we listen on; ``advertised`` is what peers are told instead (NAT, 0.0.0.0)."""

    protocol: str
    local: Address
    advertised: Address | None = None


class Settings(Struct, frozen=True, kw_only=True):
    """How a user agent behaves. Times are seconds."""

    transports: tuple[Transport, ...]
    product: str = "stasisd"
    timers: Timers = Timers()
    limits: Limits = DEFAULT_LIMITS
    # Digest algorithms in the order offered (RFC 8760 section 2.4: the preferred first). MD5 alone,
    # because baresip 1.0.0 fails on a second challenge and on any other algorithm, and sipp 3.6.1
    # where MD5 is not the first.
    algorithms: tuple[str, ...] = ("MD5",)
    nonce_lifetime: float = 300.0
    # Answer to where a request came from, whatever its Via says (RFC 3581 without being asked).
    force_rport: bool = True
    # Send in-dialog requests to where the peer's messages come from, not to its Contact.
    rewrite_contact: bool = True
    # Server transactions at a time; beyond, requests are refused with 503.
    max_transactions: int = 20_000

    def advertised(self, flow: Flow) -> Address:
        """The address that peers on this flow are told."""
        for transport in self.transports:
            if (transport.protocol, transport.local) == (flow.transport, flow.local):
                return transport.advertised or transport.local
        return flow.local


class Directory(Protocol):
    """Who may do what, looked up without waiting. A ``name`` is the directory's, and opaque."""

    def name_of(self, address: Uri, target: Uri) -> str:
        """Who has this address, as the directory calls it, whether there is such a one or not.

        ``target`` is the Request-URI, which may know the domain where the address does not.
        """

    def realm_of(self, name: str) -> str:
        """The realm in which this name proves who it is (RFC 3261 section 22.1)."""

    def is_open(self, name: str, flow: Flow) -> bool:
        """Whether requests in this name are taken without a password."""

    def ha1(self, username: str, realm: str, algorithm: str) -> str | None:
        """H(username:realm:password) in hex (RFC 7616 section 3.4.2), None for an unknown user.

        ``algorithm`` is one of the settings' ``algorithms``.
        """

    def may_use(self, username: str, name: str) -> bool:
        """Whether who has authenticated as ``username`` may register and call as ``name``."""

    def policy(self, aor: str) -> Policy:
        """The bounds of an address of record's registrations."""
