"""What somebody wants to do: one action on one object of one tenant."""

import enum

import msgspec


class Right(enum.Enum):
    """The four rights. An operation needs one of them on each object it names."""

    READ = "read"
    CONTROL = "control"
    CREATE = "create"
    DELETE = "delete"


class Access(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One action on one object of one tenant; what caveats are asked about.

    `operation` is a dotted name such as `bridges.get`. `kind` and `object_id` name the object
    (`channel`, `1754.3`); `object_id` is None while no single object is meant, as in a list.
    `application` is the application the object belongs to, None while unknown or in none.
    `now` is the time in seconds since 1970, the clock that expiry is written in.
    """

    right: Right
    operation: str
    tenant: str
    now: float
    kind: str | None = None
    object_id: str | None = None
    application: str | None = None
