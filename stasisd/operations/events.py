"""Operations on events: hearing them, and making one's own."""

import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from caps.access import Right
from stasisd.core import events
from stasisd.core.application import Application
from stasisd.core.broadcast import AlreadyClaimed, NotOffered
from stasisd.core.bus import Mailbox
from stasisd.core.listener import Role
from stasisd.core.orphans import BadOrphans, Orphans, parse_orphans
from stasisd.core.tenant import Tenant

from .declare import (
    Absent,
    Control,
    Create,
    Everything,
    Matching,
    Named,
    Read,
    Required,
    operation,
)
from .errors import (
    Conflict,
    InvalidParameter,
    NotAllowed,
    NotFound,
    Unavailable,
    Unprocessable,
)
from .parameters import EventSource, Offered


class Hearing:
    """What a socket hears: one mailbox, and in it the applications that it serves."""

    def __init__(
        self,
        tenant: Tenant,
        names: Iterable[str],
        *,
        everything: bool,
        role: Role = Role.SOLE,
        worker: str = "",
        resume: Mapping[str, int] = types.MappingProxyType({}),
    ) -> None:
        """Take the applications over from whoever served them, as far as ``role`` does.

        ``resume`` has the number of the last event that is known of an application, for those
        that are resumed.
        """
        self.tenant = tenant
        self._closed = False
        tenant.sockets += 1
        self.names = tuple(dict.fromkeys(names))
        limits = tenant.settings.events
        self.mailbox = Mailbox(limits.waiting_events, limits.waiting_bytes)
        applications = [tenant.serve_application(name) for name in self.names]
        self._served = [
            (
                application,
                application.connect(
                    self.mailbox,
                    everything=everything,
                    role=role,
                    worker=worker,
                    resume=resume.get(application.name),
                ),
            )
            for application in applications
        ]

    def announce(self, event: type[events.SocketEvent]) -> None:
        """Tell the socket of each application that it serves it now, or does no more.

        For one that did not ask for them itself.
        """
        for application, listener in self._served:
            application.say(listener, event)

    def close(self) -> None:
        """The socket is gone. Idempotent, and safe in ``finally``."""
        if self._closed:
            return
        self._closed = True
        self.tenant.sockets -= 1
        self.mailbox.end("the socket is gone")
        for application, listener in self._served:
            application.disconnect(listener)


NOT_OFFERED = "Channel not found or not in broadcast state"

# Hearing takes no more than the right to read: a monitoring token opens a socket of its own.
Heard = Annotated[
    list[Create[Application]], Right.READ, Named("app"), Required("Missing parameter app")
]


# Of an application that has told nothing yet: it is heard from now on.
NEW = "new"
# The numbers of the last events known, one for each application, in the same order.
Resume = Annotated[
    list[str],
    Matching(
        rf"[0-9]{{1,16}}|{NEW}", "resume is the sequence number of the last event you have, or new"
    ),
]


@operation("events.eventWebsocket", rest="GET /events")
def event_websocket(
    app: Heard,
    subscribe_all: Annotated[bool, Everything()] = False,
    resume: Resume = [],  # noqa: B006 - the default of a declaration; nothing changes it
    share: bool = False,
    worker: Annotated[str, Matching(r"[\x21-\x7e]{0,100}", "worker is a short name")] = "",
    observe: bool = False,
    orphans: str = "",
) -> Hearing:
    """Hear the events of one or more applications over a WebSocket."""
    if not app:
        raise InvalidParameter("Missing parameter app")
    tenant = app[0].tenant
    role = _role(share=share or bool(worker), observe=observe)
    policy = _policy(orphans)
    if resume and role is Role.WORKER and not worker:
        raise InvalidParameter("resume needs the name of the worker: worker=NAME")
    for wanted in app:
        served = tenant.applications.get(wanted.id or "")
        if policy is not None and not wanted.may_control:
            raise NotAllowed("Write access denied", detail="orphans is a matter of control")
        if role is Role.OBSERVER or served is None:
            continue
        if served.is_served and not wanted.may_control:
            raise NotAllowed(
                "Write access denied",
                detail=f"{wanted.id} has a socket, which this token may not replace",
            )
    names = [wanted.id for wanted in app if wanted.id]
    if resume and len(resume) != len(names):
        raise InvalidParameter("resume needs one number for each app, in the same order")
    resumed = {name: int(known) for name, known in zip(names, resume, strict=False) if known != NEW}
    _require_room(tenant)
    hearing = Hearing(
        tenant, names, everything=subscribe_all, role=role, worker=worker, resume=resumed
    )
    if policy is not None:
        for name in names:
            tenant.applications[name].orphans = policy
    return hearing


def _require_room(tenant: Tenant) -> None:
    most = tenant.limits.sockets
    if most is not None and tenant.sockets >= most:
        raise Unavailable("Too many WebSockets", detail=f"the tenant may have {most} of them")


def _role(*, share: bool, observe: bool) -> Role:
    if share and observe:
        raise InvalidParameter("A socket either shares the calls or observes them")
    return Role.WORKER if share else Role.OBSERVER if observe else Role.SOLE


def _policy(orphans: str) -> Orphans | None:
    try:
        return parse_orphans(orphans) if orphans else None
    except BadOrphans as bad:
        raise InvalidParameter("orphans can't be understood", detail=str(bad)) from None


@operation(
    "events.userEvent",
    rest="POST /events/user/{eventName}",
    errors={
        400: "Invalid event source URI or user event data.",
        404: "Application does not exist.",
        422: "Event source not found.",
    },
    makes=("ChannelUserevent",),
)
def user_event(
    application: Annotated[
        Control[Application],
        Named("application"),
        Required("Missing parameter application"),
        Absent("Application not found", NotFound),
    ],
    event_name: str,
    source: Annotated[
        list[Read[EventSource]], Absent("Event source was not found", Unprocessable)
    ] = [],  # noqa: B006 - the default of a declaration; nothing changes it
    variables: dict[str, Any] | None = None,
) -> None:
    """Send an event of your own to an application, about the objects named as its sources."""
    tenant = application.tenant
    about: dict[str, Any] = {}
    for named in source:
        about |= _snapshot(tenant, named)
    application.tell(
        events.ChannelUserevent,
        eventname=event_name,
        variables=tuple((variables or {}).items()),
        **about,
    )


@operation(
    "events.claimChannel",
    rest="POST /events/claim",
    errors={404: "Channel or application not found.", 409: "Channel already claimed."},
)
def claim_channel(
    channel_id: Annotated[str, Required("Missing parameter channelId"), Offered(NOT_OFFERED)],
    application: Annotated[
        Control[Application],
        Named("application"),
        Required("Missing parameter application"),
        Absent("Application not found", NotFound),
    ],
) -> None:
    """Let an application have a call that is offered to it, if it is the first to claim it.

    The dialplan has offered it to the application, so the right to control that is enough.
    """
    channel = application.tenant.channels.get(channel_id)
    try:
        if channel is None or channel.broadcast is None:
            raise NotOffered
        channel.broadcast.claim(application)
    except NotOffered:
        raise NotFound(NOT_OFFERED) from None
    except AlreadyClaimed:
        raise Conflict("Channel already claimed") from None


def _snapshot(tenant: Tenant, source: EventSource) -> dict[str, Any]:
    kind, name = source.kind, source.id
    if kind == "channel":
        return {kind: tenant.channels[name].snapshot}
    if kind == "bridge":
        return {kind: tenant.bridges[name].snapshot}
    if kind == "deviceState":
        raise InvalidParameter(
            "Invalid event source URI scheme",
            detail="a user event is about channels, bridges and endpoints",
        )
    technology, slash, resource = name.partition("/")
    if not slash:
        raise InvalidParameter("An endpoint source names one endpoint: endpoint:TECH/RESOURCE")
    return {kind: tenant.endpoints[technology, resource].snapshot}
