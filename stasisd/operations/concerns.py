"""Whom an access concerns: the endpoints of channels, and the contexts that a channel is sent into.

Caveats may limit a token to some of either. An endpoint is named as its channels are, `PJSIP/100`
or `Local/200@default`: each has one name, however a request writes it. What has nothing to do with
any endpoint concerns none; of what can't be said whom it concerns, the answer is None, which such
caveats prohibit.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from caps.access import Endpoint as Named
from stasisd.core import snapshots
from stasisd.core.application import Application
from stasisd.core.bridge import Bridge
from stasisd.core.channel import Channel
from stasisd.core.device_state import device_of
from stasisd.core.endpoint import Endpoint
from stasisd.core.playback import Playback
from stasisd.core.recording import LiveRecording
from stasisd.core.tenant import Tenant

from .objects import Device
from .parameters import Addressee, EventSource

LOCAL = "Local"
USUAL_CONTEXT = "default"


def names_of(tenant: Tenant, thing: Any) -> tuple[str, ...] | None:
    """The names of the endpoints that an object or its snapshot concerns, None where none knows."""
    known = KNOWN.get(type(thing))
    return known(tenant, thing) if known is not None else None


def with_groups(tenant: Tenant, names: Iterable[str] | None) -> tuple[Named, ...] | None:
    """These endpoints with the groups that they are in, at the moment."""
    if names is None:
        return None
    return tuple(Named(name, tenant.groups.of(name)) for name in dict.fromkeys(names))


def called_name(address: str) -> str:
    """The one name of the endpoint that an address calls: what only qualifies it is left out."""
    technology, _, resource = address.partition("/")
    resource = resource.partition("/")[0]
    if technology == LOCAL:
        extension, _, context = resource.partition("@")
        resource = f"{extension}@{context or USUAL_CONTEXT}"
    return f"{technology}/{resource}"


def called_context(address: str) -> str | None:
    """The context of the dialplan that a call to this address runs in, if it does."""
    name = called_name(address)
    return name.partition("@")[2] if name.startswith(f"{LOCAL}/") else None


def _of_bridge(tenant: Tenant, bridge: snapshots.BridgeSnapshot) -> tuple[str, ...]:
    there = (tenant.channels.get(channel_id) for channel_id in bridge.channels)
    return tuple(device_of(channel.name) for channel in there if channel is not None)


def _of_target(
    tenant: Tenant, on: snapshots.PlaybackSnapshot | snapshots.LiveRecordingSnapshot
) -> tuple[str, ...] | None:
    kind, _, object_id = on.target_uri.partition(":")
    return names_of(tenant, _found(tenant, kind, object_id))


def _of_source(tenant: Tenant, source: EventSource) -> tuple[str, ...] | None:
    if source.kind in {"channel", "bridge"}:
        return names_of(tenant, _found(tenant, source.kind, source.id))
    return _of_device(source.id) if source.kind == "deviceState" else (source.id,)


def _found(tenant: Tenant, kind: str, object_id: str) -> Channel | Bridge | None:
    objects: Mapping[str, Channel | Bridge]
    objects = tenant.channels if kind == "channel" else tenant.bridges
    return objects.get(object_id)


def _of_device(name: str) -> tuple[str, ...] | None:
    """Devices of applications' own, such as `Stasis:x`, are of no endpoint."""
    return (name,) if "/" in name else None


KNOWN: Mapping[type, Callable[[Tenant, Any], tuple[str, ...] | None]] = {
    Channel: lambda _tenant, channel: (device_of(channel.name),),
    Bridge: lambda tenant, bridge: _of_bridge(tenant, bridge.snapshot),
    Playback: lambda tenant, playback: _of_target(tenant, playback.snapshot),
    LiveRecording: lambda tenant, recording: _of_target(tenant, recording.snapshot),
    Endpoint: lambda _tenant, endpoint: (f"{endpoint.technology}/{endpoint.resource}",),
    Addressee: lambda _tenant, addressee: (addressee.name,),
    Application: lambda _tenant, _application: (),
    Device: lambda _tenant, device: _of_device(device.name),
    EventSource: _of_source,
    snapshots.ChannelSnapshot: lambda _tenant, channel: (device_of(channel.name),),
    snapshots.BridgeSnapshot: _of_bridge,
    snapshots.PlaybackSnapshot: _of_target,
    snapshots.LiveRecordingSnapshot: _of_target,
    snapshots.EndpointSnapshot: lambda _tenant, endpoint: (
        f"{endpoint.technology}/{endpoint.resource}",
    ),
    snapshots.DeviceStateSnapshot: lambda _tenant, device: _of_device(device.name),
}
