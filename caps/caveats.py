"""The caveat language: each caveat takes something away, and none can give anything back.

A caveat is written as a small JSON array, `[tag, fields...]`. To add one, write a class with a
new tag and list it in `Known`. A tag is never reused for another meaning, and a field never
changes its own: tokens outlive releases. Whatever can't be read - an unknown tag, a missing or
extra field, a value out of range - becomes `Unknown`, which prohibits everything, so that an old
server never grants what a newer caveat would have refused.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import msgspec

from caps.access import Access, Right
from caps.networks import lets_in
from caps.patterns import Patterns


class Caveat(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of all caveats. One that states no rule of its own prohibits everything.

    One is `steady` whose answer follows from the tenant, the right and the operation alone: a
    grant asks it once and remembers that it did not object.
    """

    steady: ClassVar[bool] = False

    def prohibits(self, access: Access) -> str | None:  # noqa: ARG002 - the rules of subclasses use it
        """The reason this access is prohibited, or None where this caveat has no objection."""
        return "the token carries a caveat that this server does not know"

    def decidable(self, access: Access) -> bool:  # noqa: ARG002 - the rules of subclasses use it
        """Whether the operation and the names suffice to decide, before the object is found."""
        return True


class Unknown(Caveat, frozen=True):
    """A caveat we can't read. It prohibits everything and is never written."""


class ThirdParty(Caveat, frozen=True):
    """A discharge is needed, from the third party at this (unsigned) location for this ticket.

    It is no predicate and can't be written as one: `caps.third_party` adds it. Verifying takes it
    out where the discharge is there.
    """

    location: str
    ticket: str

    def prohibits(self, access: Access) -> str | None:  # noqa: ARG002 - nothing helps but the discharge
        """Everything: nobody has looked for the discharge."""
        return "the token lacks a discharge"


class Tenant(Caveat, frozen=True, tag="tenant"):
    """Only objects of this tenant. Every token but the operator's starts with one."""

    steady: ClassVar[bool] = True
    name: str

    def prohibits(self, access: Access) -> str | None:
        """Anything of another tenant."""
        if access.tenant == self.name:
            return None
        return "the token belongs to another tenant"


class Rights(Caveat, frozen=True, tag="rights"):
    """Only these rights; `Rights((Right.READ,))` makes a token read-only."""

    steady: ClassVar[bool] = True
    rights: tuple[Right, ...]

    def prohibits(self, access: Access) -> str | None:
        """Any right that is not listed."""
        if access.right in self.rights:
            return None
        return f"the token gives no right to {access.right.value}"


class Operations(Caveat, frozen=True, tag="operations"):
    """Only these operations, by name (`bridges.get`) or by resource (`channels.*`)."""

    steady: ClassVar[bool] = True
    names: tuple[str, ...]

    def prohibits(self, access: Access) -> str | None:
        """Any operation that is neither listed nor of a listed resource."""
        if access.operation in self.names:
            return None
        if access.operation.partition(".")[0] + ".*" in self.names:
            return None
        return f"the token does not cover the operation {access.operation}"


class Applications(Caveat, frozen=True, tag="applications"):
    """Only what belongs to these applications."""

    names: tuple[str, ...]

    def prohibits(self, access: Access) -> str | None:
        """Any object of another application, and whatever belongs to none."""
        if access.application in self.names:
            return None
        return "the token is for other applications"

    def decidable(self, access: Access) -> bool:
        """Once the application is known: by name, or from the object."""
        return access.application is not None


class Objects(Caveat, frozen=True, tag="objects", dict=True):
    """Only these objects: `channel:ID`, or all whose id starts so: `recording:PREFIX*`."""

    patterns: tuple[str, ...]

    def prohibits(self, access: Access) -> str | None:
        """Any other object, and any access that names no single object."""
        object_id = access.object_id
        if object_id is not None and self._named.match(f"{access.kind}:{object_id}"):
            return None
        return "the token is for other objects"

    def decidable(self, access: Access) -> bool:
        """Once the object has a name; a list is decided item by item."""
        return access.object_id is not None

    @cached_property
    def _named(self) -> Patterns:
        return Patterns(self.patterns, ":")


class Endpoints(Caveat, frozen=True, tag="endpoints", dict=True):
    """Only channels of these endpoints, also later ones, and calls to them.

    By name (`PJSIP/100`), by the start of one (`PJSIP/1*`), or by a group (`@support`), whose
    members are those of the moment. What concerns several endpoints needs them all.
    """

    patterns: tuple[str, ...]

    def prohibits(self, access: Access) -> str | None:
        """What concerns another endpoint, and whatever has not said whom it concerns."""
        if access.endpoints is None:
            return OTHER_ENDPOINTS
        for endpoint in access.endpoints:
            if self._groups.isdisjoint(endpoint.groups) and not self._named.match(endpoint.name):
                return OTHER_ENDPOINTS
        return None

    def decidable(self, access: Access) -> bool:
        """Once the endpoints are known: by name, or from the object."""
        return access.endpoints is not None

    @cached_property
    def _named(self) -> Patterns:
        return Patterns(self.patterns, "/")

    @cached_property
    def _groups(self) -> frozenset[str]:
        return frozenset(text[1:] for text in self.patterns if text.startswith("@"))


OTHER_ENDPOINTS = "the token is for other endpoints"


class Contexts(Caveat, frozen=True, tag="contexts"):
    """Only these contexts of the dialplan, for what sends a channel into one."""

    names: tuple[str, ...]

    def prohibits(self, access: Access) -> str | None:
        """What leads into another context, and whatever has not said where it leads."""
        if _all_among(access.contexts, self.names):
            return None
        return "the token is for other contexts of the dialplan"

    def decidable(self, access: Access) -> bool:
        """Once it is known where a channel is sent."""
        return access.contexts is not None


class Events(Caveat, frozen=True, tag="events"):
    """Only events of these types, such as `ChannelCreated`, to hear and to make."""

    types: tuple[str, ...]

    def prohibits(self, access: Access) -> str | None:
        """Any event of another type, and whatever has not said what is heard."""
        if _all_among(access.events, self.types):
            return None
        return "the token is for other events"

    def decidable(self, access: Access) -> bool:
        """Once the types are known."""
        return access.events is not None


def _all_among(named: Sequence[str] | None, allowed: tuple[str, ...]) -> bool:
    if named is None:
        return False
    for name in named:  # noqa: SIM110 - all() with a generator costs several times as much
        if name not in allowed:
            return False
    return True


class NotBefore(Caveat, frozen=True, tag="not-before"):
    """Only from this time on (seconds since 1970)."""

    at: float

    def prohibits(self, access: Access) -> str | None:
        """Any access before the time."""
        return None if access.now >= self.at else "the token is not valid yet"


class Expires(Caveat, frozen=True, tag="expires"):
    """Only until this time (seconds since 1970), exclusive."""

    at: float

    def prohibits(self, access: Access) -> str | None:
        """Any access at or after the time."""
        return None if access.now < self.at else "the token has expired"


class Networks(Caveat, frozen=True, tag="networks"):
    """Only from these networks, such as `192.0.2.0/24`; see `caps.networks` for how they decide.

    An access does not know where it came from, so this is settled at the door: `Grant.admit` takes
    the caveat out. One that is still there was never looked at, and prohibits everything.
    """

    permit: tuple[str, ...]
    deny: tuple[str, ...]

    def prohibits(self, access: Access) -> str | None:  # noqa: ARG002 - it knows no address
        """Everything: nobody has looked at the address."""
        return OTHER_NETWORKS

    def lets_in(self, address: str) -> bool:
        """Whether a client of this address may use the token."""
        return lets_in(self.permit, self.deny, address)


class ProofRequired(Caveat, frozen=True, tag="proof"):
    """Only shown with a proof of possession (`caps.proof`), never as it is.

    Verifying takes it out where there was one.
    """

    def prohibits(self, access: Access) -> str | None:  # noqa: ARG002 - no access has a proof
        """Everything: nobody has asked for the proof."""
        return "the token is of use with a proof of possession only"


OTHER_NETWORKS = "the token is for other networks"

# The registry: all caveats this server understands.
Known = (
    Tenant
    | Rights
    | Operations
    | Applications
    | Objects
    | Endpoints
    | Contexts
    | Events
    | NotBefore
    | Expires
    | Networks
    | ProofRequired
)

READ_ONLY = Rights((Right.READ,))

_decoder: msgspec.json.Decoder[Known] = msgspec.json.Decoder(Known)


def encode(caveat: Caveat) -> bytes:
    """The JSON array of a caveat, as it stands in a token."""
    return msgspec.json.encode(caveat)


def decode(predicate: bytes) -> Caveat:
    """The caveat of a JSON array; `Unknown` for anything that can't be read, never an error."""
    try:
        return _decoder.decode(predicate)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Unknown()
