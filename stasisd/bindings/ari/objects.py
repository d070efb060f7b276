"""The JSON of objects, as ARI writes them: of snapshots, and of what operations tell."""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from stasisd.core.log_files import LogChannelSnapshot
from stasisd.core.quality import RtpQuality
from stasisd.core.snapshots import (
    ApplicationSnapshot,
    BridgeSnapshot,
    ChannelSnapshot,
    ContactSnapshot,
    DeviceStateSnapshot,
    EndpointSnapshot,
    LiveRecordingSnapshot,
    MailboxSnapshot,
    PlaybackSnapshot,
    StoredRecordingSnapshot,
)
from stasisd.operations.configuration import ConfigTuple
from stasisd.operations.modules import Module
from stasisd.operations.sounds import Sound

from .rtp_statistics import rtp_json

Json = Mapping[str, Any]


def timestamp(seconds: float) -> str:
    """A time as ARI writes it: ``2026-11-23T21:40:48.123+0000``."""
    whole = int(seconds)
    return f"{_to_the_second(whole)}.{int((seconds - whole) * 1000):03d}+0000"


@lru_cache(maxsize=16)
def _to_the_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _party(party: Any) -> Json:
    return {"name": party.name, "number": party.number}


def channel_json(channel: ChannelSnapshot) -> Json:
    """ARI's Channel."""
    position = channel.dialplan
    written = {
        "id": channel.id,
        "name": channel.name,
        "state": channel.state,
        "protocol_id": channel.protocol_id,
        "caller": _party(channel.caller),
        "connected": _party(channel.connected),
        "accountcode": channel.accountcode,
        "dialplan": {
            "context": position.context,
            "exten": position.exten,
            "priority": position.priority,
            "app_name": position.app_name,
            "app_data": position.app_data,
        },
        "creationtime": timestamp(channel.creationtime),
        "language": channel.language,
    }
    if channel.channelvars:
        written["channelvars"] = dict(channel.channelvars)
    return written


def bridge_json(bridge: BridgeSnapshot) -> Json:
    """ARI's Bridge."""
    written: dict[str, Any] = {
        "id": bridge.id,
        "technology": bridge.technology,
        "bridge_type": bridge.bridge_type,
        "bridge_class": bridge.bridge_class,
        "creator": bridge.creator,
        "name": bridge.name,
        "channels": list(bridge.channels),
        "creationtime": timestamp(bridge.creationtime),
        "video_mode": bridge.video_mode,
    }
    if bridge.video_source_id:
        written["video_source_id"] = bridge.video_source_id
    if bridge.bridgevars:
        written["bridgevars"] = dict(bridge.bridgevars)
    return written


def playback_json(playback: PlaybackSnapshot) -> Json:
    """ARI's Playback; ``reason`` is ours."""
    written: dict[str, Any] = {"id": playback.id, "media_uri": playback.media_uri}
    if playback.next_media_uri is not None:
        written["next_media_uri"] = playback.next_media_uri
    written |= {
        "target_uri": playback.target_uri,
        "language": playback.language,
        "state": playback.state,
    }
    if playback.reason is not None:
        written["reason"] = playback.reason
    return written


def live_recording_json(recording: LiveRecordingSnapshot) -> Json:
    """ARI's LiveRecording."""
    written: dict[str, Any] = {
        "name": recording.name,
        "format": recording.format,
        "state": recording.state,
        "target_uri": recording.target_uri,
    }
    for name in ("cause", "duration", "talking_duration", "silence_duration"):
        value = getattr(recording, name)
        if value is not None:
            written[name] = value
    return written


def stored_recording_json(recording: StoredRecordingSnapshot) -> Json:
    """ARI's StoredRecording."""
    return {"name": recording.name, "format": recording.format}


def endpoint_json(endpoint: EndpointSnapshot) -> Json:
    """ARI's Endpoint."""
    return {
        "technology": endpoint.technology,
        "resource": endpoint.resource,
        "state": endpoint.state,
        "channel_ids": list(endpoint.channel_ids),
    }


def contact_json(contact: ContactSnapshot) -> Json:
    """ARI's ContactInfo."""
    return {
        "uri": contact.uri,
        "contact_status": contact.contact_status,
        "aor": contact.aor,
        "roundtrip_usec": str(contact.roundtrip_usec),
    }


def application_json(application: ApplicationSnapshot) -> Json:
    """ARI's Application."""
    return {
        "name": application.name,
        "channel_ids": list(application.channel_ids),
        "bridge_ids": list(application.bridge_ids),
        "endpoint_ids": list(application.endpoint_ids),
        "device_names": list(application.device_names),
        "events_allowed": list(application.events_allowed),
        "events_disallowed": list(application.events_disallowed),
    }


def device_state_json(device: DeviceStateSnapshot) -> Json:
    """ARI's DeviceState."""
    return {"name": device.name, "state": device.state}


def mailbox_json(mailbox: MailboxSnapshot) -> Json:
    """ARI's Mailbox."""
    return {
        "name": mailbox.name,
        "old_messages": mailbox.old_messages,
        "new_messages": mailbox.new_messages,
    }


def module_json(module: Module) -> Json:
    """ARI's Module: what there is, runs."""
    return {
        "name": module.name,
        "description": module.description,
        "use_count": module.use_count,
        "status": "Running",
        "support_level": "core",
    }


def log_channel_json(channel: LogChannelSnapshot) -> Json:
    """ARI's LogChannel; each level is followed by a space, also the last."""
    return {
        "channel": str(channel.path),
        "type": "File",
        "status": "Enabled" if channel.enabled else "Disabled",
        "configuration": "".join(f"{level} " for level in channel.levels),
    }


def config_tuple_json(field: ConfigTuple) -> Json:
    """ARI's ConfigTuple."""
    return {"attribute": field.attribute, "value": field.value}


def sound_json(sound: Sound) -> Json:
    """ARI's Sound."""
    formats = [{"language": file.language, "format": file.format} for file in sound.files]
    return {"id": sound.id, "formats": formats}


# What never changes, so that its JSON is made once.
SNAPSHOTS: dict[type, Callable[[Any], Json]] = {
    ChannelSnapshot: channel_json,
    BridgeSnapshot: bridge_json,
    PlaybackSnapshot: playback_json,
    LiveRecordingSnapshot: live_recording_json,
    StoredRecordingSnapshot: stored_recording_json,
    EndpointSnapshot: endpoint_json,
    ApplicationSnapshot: application_json,
    DeviceStateSnapshot: device_state_json,
    MailboxSnapshot: mailbox_json,
}
OTHERS: dict[type, Callable[[Any], Json]] = {
    ConfigTuple: config_tuple_json,
    LogChannelSnapshot: log_channel_json,
    Module: module_json,
    Sound: sound_json,
    RtpQuality: rtp_json,
}
