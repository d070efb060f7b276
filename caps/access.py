"""What somebody wants to do: one action on one object of one tenant."""

import enum

import msgspec


class Right(enum.Enum):
    """The four rights. An operation needs one of them on each object it names."""

    READ = "read"
    CONTROL = "control"
    CREATE = "create"
    DELETE = "delete"

    # Members are single, so identity will do; Enum's own hash is a call of Python each time.
    __hash__ = object.__hash__


class Endpoint(msgspec.Struct, frozen=True, gc=False):
    """Who can be called: `PJSIP/100`, and the groups that its tenant put it in."""

    name: str
    groups: frozenset[str] = frozenset()


class Access(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One action on one object of one tenant; what caveats are asked about.

    `operation` is a dotted name such as `bridges.get`. `tenant` is None for what belongs to the
    server as a whole. `kind` and `object_id` name the object (`channel`, `1754.3`); `object_id` is
    None while no single object is meant, as in a list. `application` is the application the object
    belongs to, None while unknown or in none. `now` is the time in seconds since 1970, the clock
    that expiry is written in.

    The others are None while nobody has said, and empty where there are none:

    - `endpoints`: of whom the channels are that this concerns: the channel's own, those in the
      bridge, the one that is called. Who asks sees to it that an endpoint has one name only.
    - `contexts`: the contexts of the dialplan that a channel is sent into
    - `events`: the types of the events that are heard, or made
    """

    right: Right
    operation: str
    tenant: str | None
    now: float
    kind: str | None = None
    object_id: str | None = None
    application: str | None = None
    endpoints: tuple[Endpoint, ...] | None = None
    contexts: tuple[str, ...] | None = None
    events: tuple[str, ...] | None = None
