"""The caveat language: each caveat takes something away, and none can give anything back.

A caveat is written as a small JSON array, `[tag, fields...]`. To add one, write a class with a
new tag and list it in `Known`. A tag is never reused for another meaning, and a field never
changes its own: tokens outlive releases. Whatever can't be read - an unknown tag, a missing or
extra field, a value out of range - becomes `Unknown`, which prohibits everything, so that an old
server never grants what a newer caveat would have refused.
"""

import msgspec

from caps.access import Access, Right
from caps.networks import lets_in


class Caveat(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of all caveats. One that states no rule of its own prohibits everything."""

    def prohibits(self, access: Access) -> str | None:  # noqa: ARG002 - the rules of subclasses use it
        """The reason this access is prohibited, or None where this caveat has no objection."""
        return "the token carries a caveat that this server does not know"

    def decidable(self, access: Access) -> bool:  # noqa: ARG002 - the rules of subclasses use it
        """Whether the operation and the names suffice to decide, before the object is found."""
        return True


class Unknown(Caveat, frozen=True):
    """A caveat we can't read. It prohibits everything and is never written."""


class Tenant(Caveat, frozen=True, tag="tenant"):
    """Only objects of this tenant. Every token starts with one."""

    name: str

    def prohibits(self, access: Access) -> str | None:
        """Anything of another tenant."""
        if access.tenant == self.name:
            return None
        return "the token belongs to another tenant"


class Rights(Caveat, frozen=True, tag="rights"):
    """Only these rights; `Rights((Right.READ,))` makes a token read-only."""

    rights: tuple[Right, ...]

    def prohibits(self, access: Access) -> str | None:
        """Any right that is not listed."""
        if access.right in self.rights:
            return None
        return f"the token gives no right to {access.right.value}"


class Operations(Caveat, frozen=True, tag="operations"):
    """Only these operations, by name (`bridges.get`) or by resource (`channels.*`)."""

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


class Objects(Caveat, frozen=True, tag="objects"):
    """Only these objects: `channel:ID`, or all whose id starts so: `recording:PREFIX*`.

    A final `*` always means a prefix: an id that itself ends in `*` can't be named exactly.
    """

    patterns: tuple[str, ...]

    def prohibits(self, access: Access) -> str | None:
        """Any other object, and any access that names no single object."""
        if access.object_id is not None:
            name = f"{access.kind}:{access.object_id}"
            if any(_matches(pattern, name) for pattern in self.patterns):
                return None
        return "the token is for other objects"

    def decidable(self, access: Access) -> bool:
        """Once the object has a name; a list is decided item by item."""
        return access.object_id is not None


def _matches(pattern: str, name: str) -> bool:
    if pattern.endswith("*") and ":" in pattern:
        return name.startswith(pattern[:-1])
    return name == pattern


class NotBefore(Caveat, frozen=True, tag="not-before"):
    """Only from this time on (seconds since 1970)."""

    at: float

    def prohibits(self, access: Access) -> str | None:
        """Any access before the time."""
        return "the token is not valid yet" if access.now < self.at else None


class Expires(Caveat, frozen=True, tag="expires"):
    """Only until this time (seconds since 1970), exclusive."""

    at: float

    def prohibits(self, access: Access) -> str | None:
        """Any access at or after the time."""
        return "the token has expired" if access.now >= self.at else None


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


OTHER_NETWORKS = "the token is for other networks"

# The registry: all caveats this server understands.
Known = Tenant | Rights | Operations | Applications | Objects | NotBefore | Expires | Networks

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
