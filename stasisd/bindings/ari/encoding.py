"""The JSON of snapshots and events, as ARI writes them.

A snapshot never changes, so its JSON is made once for as long as it is the current one: an
event about a channel costs the event's own few fields. ``msgspec`` writes compact JSON, which
is also what the recorded answers hold byte for byte.
"""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from stasisd.core import events
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
from stasisd.operations.asterisk import Information, Pong
from stasisd.operations.configuration import ConfigTuple
from stasisd.operations.modules import Module
from stasisd.operations.sounds import Sound
from stasisd.operations.version import API_VERSION

from .rtp_statistics import rtp_json

Json = Mapping[str, Any]
encode = msgspec.json.Encoder().encode

# Bytes of JSON that are kept; beyond that the cache starts anew. A snapshot that a newer one has
# replaced stays in memory until then, so it is little more than 1000 channels need.
CACHE_LIMIT = 2 << 20
# Events whose JSON is kept while their hearers take it; beyond that the cache starts anew.
BODIES = 1024


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


# How each event's own fields are written, by where ARI puts them: before the type, before the
# objects, or after them. What is not here has none but its objects.
LEADING: dict[type[events.Event], Callable[[Any], Json]] = {
    events.ChannelVarset: lambda e: {"variable": e.variable, "value": e.value},
    events.ChannelTalkingFinished: lambda e: {"duration": e.duration},
    events.ChannelHangupRequest: lambda e: _present(cause=e.cause, soft=e.soft),
}
FIELDS: dict[type[events.Event], Callable[[Any], Json]] = {
    events.ApplicationMoveFailed: lambda e: {"destination": e.destination, "args": list(e.args)},
    events.ChannelDestroyed: lambda e: {"cause": e.cause, "cause_txt": e.cause_txt},
    events.ChannelDialplan: lambda e: {
        "dialplan_app": e.dialplan_app,
        "dialplan_app_data": e.dialplan_app_data,
    },
    events.ChannelCallerId: lambda e: {
        "caller_presentation": e.caller_presentation,
        "caller_presentation_txt": e.caller_presentation_txt,
    },
    events.ChannelDtmfReceived: lambda e: {"digit": e.digit, "duration_ms": e.duration_ms},
    events.ChannelHold: lambda e: {"musicclass": e.musicclass},
    events.ChannelUserevent: lambda e: {
        "eventname": e.eventname,
        "userevent": {**dict(e.variables), "eventname": e.eventname},
    },
    events.Dial: lambda e: {
        "dialstatus": e.dialstatus,
        "forward": e.forward,
        "dialstring": e.dialstring,
    },
    events.TextMessageReceived: lambda e: {
        "message": {
            "from": e.message.sender,
            "to": e.message.recipient,
            "body": e.message.text,
        }
    },
    events.EventsLost: lambda e: {"requested": e.requested, "oldest": e.oldest},
    events.StasisStart: lambda e: {"args": list(e.args)},
}
TRAILING: dict[type[events.Event], Callable[[Any], Json]] = {
    events.BridgeBlindTransfer: lambda e: {
        "exten": e.exten,
        "context": e.context,
        "result": e.result,
        "is_external": e.is_external,
    },
    events.BridgeAttendedTransfer: lambda e: {
        "result": e.result,
        "is_external": e.is_external,
        "destination_type": e.destination_type,
        **_present(
            destination_bridge=e.destination_bridge,
            destination_application=e.destination_application,
        ),
    },
    events.CallBroadcast: lambda e: {"caller": e.caller_number, "called": e.called_number},
    events.CallClaimed: lambda e: {"winner_app": e.winner_app},
    events.BridgeVideoSourceChanged: lambda e: _present(old_video_source_id=e.old_video_source_id),
    events.PeerStatusChange: lambda e: {"peer": {"peer_status": e.peer_status}},
    events.ContactStatusChange: lambda e: {"contact_info": contact_json(e.contact)},
}
OBJECTS = (
    "bridge",
    "channel",
    "peer",
    "caller",
    "playback",
    "recording",
    "endpoint",
    "device_state",
    "bridge_from",
    "transferer_first_leg",
    "transferer_second_leg",
    "transferee",
    "transfer_target",
    "replace_channel",
    "transferer_first_leg_bridge",
    "transferer_second_leg_bridge",
    "destination_link_first_leg",
    "destination_link_second_leg",
    "destination_threeway_channel",
    "destination_threeway_bridge",
)
# Where ARI names the application before the objects, and not at the end.
APPLICATION_FIRST = {events.DeviceStateChanged}
OBJECTS_OF: dict[type[events.Event], tuple[str, ...]] = {}


def _present(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _objects_of(event: type[events.Event]) -> tuple[str, ...]:
    found = OBJECTS_OF.get(event)
    if found is None:
        found = tuple(name for name in OBJECTS if name in event.__struct_fields__)
        OBJECTS_OF[event] = found
    return found


class Encoder:
    """Writes the results of operations and the events of one tenant."""

    def __init__(self, server_id: str, version: str, *, pretty: bool = False) -> None:
        """``server_id`` stands in every event as ``asterisk_id``.

        ``pretty`` asks for bodies of answers over several lines, for people; see `Performer`.
        """
        self.server_id = server_id
        self._version = version
        self.pretty = pretty
        self._cache: dict[int, tuple[Any, msgspec.Raw]] = {}
        self._cached = 0
        self._bodies: dict[int, tuple[events.Event, bytes]] = {}

    def result(self, value: Any) -> bytes:
        """The body of a successful operation."""
        return encode(self._written(value))

    def event(
        self,
        application: str,
        event: events.Event,
        sequence: int | None = None,
        caused_by: str | None = None,
    ) -> bytes:
        """The message of an event as this application hears it.

        ``sequence`` and ``caused_by`` are ours, beyond ARI: the event's number in the
        application, and the id of the request that caused it.
        """
        if type(event) in APPLICATION_FIRST:
            message = encode(self._fields(event, application))[:-1]
        else:
            message = self._body(event) + b',"application":' + encode(application)
        if sequence is not None:
            message += b',"sequence":%d' % sequence
        if caused_by is not None:
            message += b',"caused_by":' + encode(caused_by)
        return message + b"}"

    def _body(self, event: events.Event) -> bytes:
        """What all applications hear alike, made once, without the closing brace."""
        kept = self._bodies.get(id(event))
        if kept is not None and kept[0] is event:
            return kept[1]
        if len(self._bodies) >= BODIES:
            self._bodies.clear()
        body = encode(self._fields(event))[:-1]
        self._bodies[id(event)] = (event, body)
        return body

    def _fields(self, event: events.Event, application: str | None = None) -> dict[str, Any]:
        kind = type(event)
        written: dict[str, Any] = {}
        if kind in LEADING:
            written |= LEADING[kind](event)
        written["type"] = kind.__name__
        if application is not None:
            written["application"] = application
        written["timestamp"] = timestamp(event.timestamp)
        if kind in FIELDS:
            written |= FIELDS[kind](event)
        if isinstance(event, events.ChannelTransfer):
            written |= self._transfer(event)
        for name in _objects_of(kind):
            snapshot = getattr(event, name)
            if snapshot is not None:
                written[name] = self._snapshot(snapshot)
        if kind in TRAILING:
            written |= TRAILING[kind](event)
        written["asterisk_id"] = self.server_id
        return written

    def _transfer(self, event: events.ChannelTransfer) -> Json:
        """ARI's ReferTo and ReferredBy, and the state."""
        parameters = [
            {"parameter_name": name, "parameter_value": value} for name, value in event.parameters
        ]
        wanted = {"destination": event.destination, **_present(protocol_id=event.protocol_id)}
        if parameters:
            wanted["additional_protocol_params"] = parameters
        refer_to = {
            "requested_destination": wanted,
            "destination_channel": event.destination_channel,
            "connected_channel": event.destination_connected,
            "bridge": event.destination_bridge,
        }
        referred_by = {
            "source_channel": event.source_channel,
            "connected_channel": event.source_connected,
            "bridge": event.source_bridge,
            "uri": event.referred_by,
        }
        return {
            "refer_to": self._all_written(refer_to),
            "referred_by": self._all_written(referred_by),
            **_present(state=event.state),
        }

    def _all_written(self, fields: Json) -> Json:
        return {name: self._written(value) for name, value in _present(**fields).items()}

    def _written(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._written(item) for item in value]
        if type(value) in SNAPSHOTS:
            return self._snapshot(value)
        writer = OTHERS.get(type(value))
        return value if writer is None else writer(self, value)

    def _snapshot(self, snapshot: Any) -> msgspec.Raw:
        """The JSON of a snapshot, made once: it is kept with the snapshot it was made of."""
        kept = self._cache.get(id(snapshot))
        if kept is not None and kept[0] is snapshot:
            return kept[1]
        written = encode(SNAPSHOTS[type(snapshot)](snapshot))
        self._cached += len(written)
        if self._cached > CACHE_LIMIT:
            self._cache.clear()
            self._cached = len(written)
        raw = msgspec.Raw(written)
        self._cache[id(snapshot)] = (snapshot, raw)
        return raw

    def information(self, information: Information) -> Json:
        """ARI's AsteriskInfo."""
        everything = {
            "build": {
                "os": information.operating_system,
                "kernel": information.kernel,
                "machine": information.machine,
                "options": "",
                "date": "",
                "user": "",
            },
            "system": {
                "version": self._version,
                "entity_id": self.server_id,
                "api_version": API_VERSION,
            },
            "config": {
                "name": information.system_name,
                "default_language": information.language,
                "setid": {"user": "", "group": ""},
            },
            "status": {
                "startup_time": timestamp(information.started),
                "last_reload_time": timestamp(information.reloaded),
            },
        }
        return {name: everything[name] for name in everything if name in information.sections}

    def pong(self, pong: Pong) -> Json:
        """ARI's AsteriskPing."""
        return {
            "ping": "pong",
            "timestamp": timestamp(pong.timestamp),
            "asterisk_id": self.server_id,
        }


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
OTHERS: dict[type, Callable[[Encoder, Any], Json]] = {
    ConfigTuple: lambda _encoder, field: config_tuple_json(field),
    LogChannelSnapshot: lambda _encoder, channel: log_channel_json(channel),
    Module: lambda _encoder, module: module_json(module),
    Sound: lambda _encoder, sound: sound_json(sound),
    RtpQuality: lambda _encoder, quality: rtp_json(quality),
    Information: Encoder.information,
    Pong: Encoder.pong,
}
