"""Operations on events: hearing them, and making one's own."""

from collections.abc import Iterable
from typing import Annotated, Any

from caps.access import Right
from stasisd.core import events
from stasisd.core.application import Application
from stasisd.core.bus import Mailbox
from stasisd.core.tenant import Tenant

from .declare import (
    Absent,
    Control,
    Create,
    Everything,
    Named,
    Read,
    Required,
    operation,
)
from .errors import InvalidParameter, NotAllowed, NotFound, Unprocessable
from .parameters import EventSource


class Hearing:
    """What a socket hears: one mailbox, and in it the applications that it serves."""

    def __init__(self, tenant: Tenant, names: Iterable[str], *, everything: bool) -> None:
        """Take the applications over from whoever served them."""
        self.tenant = tenant
        self.mailbox = Mailbox()
        self.names = tuple(dict.fromkeys(names))
        applications = [tenant.serve_application(name) for name in self.names]
        self._served = [
            (application, application.connect(self.mailbox, everything=everything))
            for application in applications
        ]

    def close(self) -> None:
        """The socket is gone. Idempotent, and safe in ``finally``."""
        self.mailbox.end("the socket is gone")
        for application, subscription in self._served:
            application.disconnect(subscription)


# Hearing takes no more than the right to read: a monitoring token opens a socket of its own.
Heard = Annotated[
    list[Create[Application]], Right.READ, Named("app"), Required("Missing parameter app")
]


@operation("events.eventWebsocket", rest="GET /events")
def event_websocket(app: Heard, subscribe_all: Annotated[bool, Everything()] = False) -> Hearing:
    """Hear the events of one or more applications over a WebSocket."""
    if not app:
        raise InvalidParameter("Missing parameter app")
    tenant = app[0].tenant
    for wanted in app:
        served = tenant.applications.get(wanted.id or "")
        if served is not None and served.is_served and not wanted.may_control:
            raise NotAllowed(
                "Write access denied",
                detail=f"{wanted.id} has a socket, which this token may not replace",
            )
    names = [wanted.id for wanted in app if wanted.id]
    return Hearing(tenant, names, everything=subscribe_all)


@operation(
    "events.userEvent",
    rest="POST /events/user/{eventName}",
    errors={
        400: "Invalid event source URI or user event data.",
        404: "Application does not exist.",
        422: "Event source not found.",
    },
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


def _snapshot(tenant: Tenant, source: EventSource) -> dict[str, Any]:
    kind, name = source.kind, source.id
    if kind == "channel":
        return {kind: tenant.channels[name].snapshot}
    if kind == "bridge":
        return {kind: tenant.bridges[name].snapshot}
    technology, slash, resource = name.partition("/")
    if not slash:
        raise InvalidParameter("An endpoint source names one endpoint: endpoint:TECH/RESOURCE")
    return {kind: tenant.endpoints[technology, resource].snapshot}
