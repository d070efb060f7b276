"""Which events the grant of a socket may hear: each object of an event needs the right to read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from caps.access import Access, Right
from caps.grant import Grant
from stasisd.core import snapshots
from stasisd.core.events import Event
from stasisd.core.tenant import Tenant

from .concerns import names_of, with_groups

OPERATION = "events.eventWebsocket"


def permits(grant: Grant, tenant: Tenant) -> Callable[[str, Event], bool]:
    """Whether the grant, which is of this tenant, may hear an event of an application.

    What an application follows belongs to it, for caveats that name applications; hearing
    everything is refused to those when the socket opens.
    """
    return _Filter(grant, tenant).permits


class Shown(msgspec.Struct, frozen=True):
    """An object that an event shows: how caveats name it, and the endpoints that it concerns."""

    kind: str
    id: str
    endpoints: tuple[str, ...] | None


class _Filter:
    """A grant that is not limited to some objects is asked no more than whether it expired."""

    def __init__(self, grant: Grant, tenant: Tenant) -> None:
        self._grant = grant
        self._tenant = tenant
        anything = Access(
            right=Right.READ, operation=OPERATION, tenant=tenant.name, now=tenant.now()
        )
        self._limited = grant.prohibits(anything) is not None

    def permits(self, application: str, event: Event) -> bool:
        if self._tenant.now() >= self._grant.expires:
            return False
        return not self._limited or all(
            self._may_see(shown, application, event)
            for shown in objects_of(self._tenant, application, event)
        )

    def _may_see(self, shown: Shown, application: str, event: Event) -> bool:
        access = Access(
            right=Right.READ,
            operation=OPERATION,
            tenant=self._tenant.name,
            now=self._tenant.now(),
            kind=shown.kind,
            object_id=shown.id,
            application=application,
            endpoints=with_groups(self._tenant, shown.endpoints),
            contexts=(),
            events=(type(event).__name__,),
        )
        return self._grant.prohibits(access) is None


def objects_of(tenant: Tenant, application: str, event: Event) -> list[Shown]:
    """The objects that an event shows; the application itself, if it shows none."""
    return list(_shown(tenant, event)) or [Shown("application", application, ())]


def _shown(tenant: Tenant, event: Event) -> Iterator[Shown]:
    for field in event.__struct_fields__:
        value = getattr(event, field)
        known = NAMES.get(type(value))
        if known is not None:
            kind, name_of = known
            yield Shown(kind, name_of(value), names_of(tenant, value))


# How caveats name the objects that an event may show.
NAMES: Mapping[type, tuple[str, Callable[[Any], str]]] = {
    snapshots.ChannelSnapshot: ("channel", lambda channel: channel.id),
    snapshots.BridgeSnapshot: ("bridge", lambda bridge: bridge.id),
    snapshots.PlaybackSnapshot: ("playback", lambda playback: playback.id),
    snapshots.LiveRecordingSnapshot: ("recording", lambda recording: recording.name),
    snapshots.DeviceStateSnapshot: ("deviceState", lambda device: device.name),
    snapshots.EndpointSnapshot: (
        "endpoint",
        lambda endpoint: f"{endpoint.technology}/{endpoint.resource}",
    ),
}
