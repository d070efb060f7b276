"""The kinds of objects that operations act on, and how each is found by name in a tenant."""

from collections.abc import Callable
from typing import Any

import msgspec

from stasisd.core.application import Application
from stasisd.core.bridge import Bridge
from stasisd.core.channel import Channel
from stasisd.core.endpoint import Endpoint
from stasisd.core.playback import Playback
from stasisd.core.recording import LiveRecording
from stasisd.core.stored_recordings import StoredRecording
from stasisd.core.tenant import Tenant

from .parameters import Addressee, EventSource, find_addressee, find_source


class Device(msgspec.Struct, frozen=True, eq=False):
    """The name of a device. Every name is one: of those that nothing knows the state is told."""

    tenant: Tenant
    name: str


class NamedMailbox(msgspec.Struct, frozen=True, eq=False):
    """The name of a mailbox, which may have to be made."""

    tenant: Tenant
    name: str


class Kind(msgspec.Struct, frozen=True):
    """One kind: its name in caveats, its parameters on the wire, and how to find one.

    ``find`` gets the wire's values and gives the object or None, ``all`` gives all of them;
    either may be async. ``id_of`` gives the name that caveats speak of.
    """

    name: str
    wire: tuple[str, ...]
    absent: str
    find: Callable[..., Any]
    all: Callable[[Tenant], Any]
    id_of: Callable[[Any], str]

    def name_of(self, found: Any) -> str:
        """The kind in caveats of an object found: an event source is of several."""
        return found.kind if isinstance(found, EventSource) else self.name


KINDS: dict[type, Kind] = {
    Channel: Kind(
        name="channel",
        wire=("channelId",),
        absent="Channel not found",
        find=lambda tenant, channel_id: tenant.channels.get(channel_id),
        all=lambda tenant: list(tenant.channels.values()),
        id_of=lambda channel: channel.id,
    ),
    Bridge: Kind(
        name="bridge",
        wire=("bridgeId",),
        absent="Bridge not found",
        find=lambda tenant, bridge_id: tenant.bridges.get(bridge_id),
        all=lambda tenant: list(tenant.bridges.values()),
        id_of=lambda bridge: bridge.id,
    ),
    Playback: Kind(
        name="playback",
        wire=("playbackId",),
        absent="Playback not found",
        find=lambda tenant, playback_id: tenant.playbacks.get(playback_id),
        all=lambda tenant: list(tenant.playbacks.values()),
        id_of=lambda playback: playback.id,
    ),
    LiveRecording: Kind(
        name="recording",
        wire=("recordingName",),
        absent="Recording not found",
        find=lambda tenant, name: tenant.recordings.get(name),
        all=lambda tenant: list(tenant.recordings.values()),
        id_of=lambda recording: recording.name,
    ),
    StoredRecording: Kind(
        name="recording",
        wire=("recordingName",),
        absent="Recording not found",
        find=lambda tenant, name: tenant.stored_recordings.find(name),
        all=lambda tenant: tenant.stored_recordings.all(),
        id_of=lambda recording: recording.name,
    ),
    Application: Kind(
        name="application",
        wire=("applicationName",),
        absent="Application not found",
        find=lambda tenant, name: tenant.applications.get(name),
        all=lambda tenant: list(tenant.applications.values()),
        id_of=lambda application: application.name,
    ),
    Endpoint: Kind(
        name="endpoint",
        wire=("tech", "resource"),
        absent="Endpoint not found",
        find=lambda tenant, tech, resource: tenant.endpoints.get((tech, resource)),
        all=lambda tenant: list(tenant.endpoints.values()),
        id_of=lambda endpoint: f"{endpoint.technology}/{endpoint.resource}",
    ),
    Device: Kind(
        name="deviceState",
        wire=("deviceName",),
        absent="Device not found",
        find=Device,
        all=lambda tenant: [Device(tenant, name) for name in tenant.device_states.custom.values],
        id_of=lambda device: device.name,
    ),
    NamedMailbox: Kind(
        name="mailbox",
        wire=("mailboxName",),
        absent="Mailbox not found",
        find=NamedMailbox,
        all=lambda tenant: [NamedMailbox(tenant, name) for name in tenant.mailboxes.kept.values],
        id_of=lambda mailbox: mailbox.name,
    ),
    Addressee: Kind(
        name="endpoint",
        wire=("to",),
        absent="Endpoint not found",
        find=find_addressee,
        all=lambda _tenant: [],
        id_of=lambda addressee: addressee.name,
    ),
    EventSource: Kind(
        name="source",
        wire=("eventSource",),
        absent="Event source does not exist",
        find=find_source,
        all=lambda _tenant: [],
        id_of=lambda source: source.id,
    ),
}
