"""Which events the grant of a socket may hear: each object of an event needs the right to read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from caps.access import Access, Right
from caps.grant import Grant
from stasisd.core import snapshots
from stasisd.core.events import Event
from stasisd.core.tenant import Tenant

OPERATION = "events.eventWebsocket"


def permits(grant: Grant, tenant: Tenant) -> Callable[[str, Event], bool]:
    """Whether the grant, which is of this tenant, may hear an event of an application.

    What an application follows belongs to it, for caveats that name applications; hearing
    everything is refused to those when the socket opens.
    """
    return _Filter(grant, tenant).permits


class _Filter:
    """A grant that is not limited to some objects is asked no more than whether it expired."""

    def __init__(self, grant: Grant, tenant: Tenant) -> None:
        self._grant = grant
        self._tenant = tenant
        everything = self._access(None, None, None)
        self._limited = grant.prohibits(everything) is not None

    def permits(self, application: str, event: Event) -> bool:
        if self._tenant.now() >= self._grant.expires:
            return False
        if not self._limited:
            return True
        return all(
            self._grant.prohibits(self._access(kind, object_id, application)) is None
            for kind, object_id in objects_of(application, event)
        )

    def _access(self, kind: str | None, object_id: str | None, application: str | None) -> Access:
        return Access(
            right=Right.READ,
            operation=OPERATION,
            tenant=self._tenant.name,
            now=self._tenant.now(),
            kind=kind,
            object_id=object_id,
            application=application,
        )


def objects_of(application: str, event: Event) -> list[tuple[str, str]]:
    """The kinds and ids of the objects that an event shows; the application, if it shows none."""
    return list(_shown(event)) or [("application", application)]


def _shown(event: Event) -> Iterator[tuple[str, str]]:
    for field in event.__struct_fields__:
        value = getattr(event, field)
        named = NAMES.get(type(value))
        if named is not None:
            kind, name_of = named
            yield kind, name_of(value)


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
