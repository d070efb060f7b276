"""ARI's models: the objects and events of this release, field by field.

`encoding` writes them, the documents that clients load describe them, and a test holds the two
together. Types are ARI's names: `string`, `int`, `long`, `double`, `boolean`, `Date`, `object`,
another model, or `List[...]` of one of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from stasisd.core.device_state import STATES

NONE: Mapping[str, Any] = MappingProxyType({})


class Model(msgspec.Struct, frozen=True):
    """A model of a resource's document: the types of its fields, by name.

    `values` are those that a field may have, where they are few. `subtypes` are the models that
    extend this one and are told apart by the field `discriminator`.
    """

    resource: str
    required: Mapping[str, str] = NONE
    optional: Mapping[str, str] = NONE
    values: Mapping[str, tuple[str, ...]] = NONE
    subtypes: tuple[str, ...] = ()
    discriminator: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The types of all fields."""
        return {**self.required, **self.optional}


def _event(optional: Mapping[str, str] = NONE, /, **required: str) -> Model:
    return Model("events", required, optional)


def _spread(name: str) -> dict[str, str]:
    """Greatest, least, mean and deviation of a measure."""
    return {name.format(which): "double" for which in ("max", "min", "normdev", "stdev")}


# The events that applications hear, each with what it has beyond `Event` and `Message`.
EVENTS: Mapping[str, Model] = {
    "ApplicationMoveFailed": _event(channel="Channel", destination="string", args="List[string]"),
    "ApplicationRegistered": _event(),
    "ApplicationReplaced": _event(),
    "ApplicationUnregistered": _event(),
    "BridgeCreated": _event(bridge="Bridge"),
    "BridgeDestroyed": _event(bridge="Bridge"),
    "BridgeAttendedTransfer": _event(
        {
            "replace_channel": "Channel",
            "transferee": "Channel",
            "transfer_target": "Channel",
            "transferer_first_leg_bridge": "Bridge",
            "transferer_second_leg_bridge": "Bridge",
            "destination_bridge": "string",
            "destination_application": "string",
            "destination_link_first_leg": "Channel",
            "destination_link_second_leg": "Channel",
            "destination_threeway_channel": "Channel",
            "destination_threeway_bridge": "Bridge",
        },
        transferer_first_leg="Channel",
        transferer_second_leg="Channel",
        result="string",
        is_external="boolean",
        destination_type="string",
    ),
    "BridgeBlindTransfer": _event(
        {"replace_channel": "Channel", "transferee": "Channel", "bridge": "Bridge"},
        channel="Channel",
        exten="string",
        context="string",
        result="string",
        is_external="boolean",
    ),
    "BridgeMerged": _event(bridge="Bridge", bridge_from="Bridge"),
    "BridgeVideoSourceChanged": _event({"old_video_source_id": "string"}, bridge="Bridge"),
    "CallBroadcast": _event({"caller": "string", "called": "string"}, channel="Channel"),
    "CallClaimed": _event(channel="Channel", winner_app="string"),
    "ChannelCallerId": _event(
        caller_presentation="int", caller_presentation_txt="string", channel="Channel"
    ),
    "ChannelConnectedLine": _event(channel="Channel"),
    "ChannelCreated": _event(channel="Channel"),
    "ChannelDestroyed": _event(
        {"tech_cause": "int"}, cause="int", cause_txt="string", channel="Channel"
    ),
    "ChannelDialplan": _event(channel="Channel", dialplan_app="string", dialplan_app_data="string"),
    "ChannelDtmfReceived": _event(digit="string", duration_ms="int", channel="Channel"),
    "ChannelEnteredBridge": _event({"channel": "Channel"}, bridge="Bridge"),
    "ChannelHangupRequest": _event(
        {"cause": "int", "tech_cause": "int", "soft": "boolean"}, channel="Channel"
    ),
    "ChannelHold": _event({"musicclass": "string"}, channel="Channel"),
    "ChannelLeftBridge": _event(bridge="Bridge", channel="Channel"),
    "ChannelStateChange": _event(channel="Channel"),
    "ChannelTalkingFinished": _event(channel="Channel", duration="int"),
    "ChannelTalkingStarted": _event(channel="Channel"),
    "ChannelTransfer": _event({"state": "string"}, refer_to="ReferTo", referred_by="ReferredBy"),
    "ChannelToneDetected": _event(channel="Channel"),
    "ChannelUnhold": _event(channel="Channel"),
    "ChannelUserevent": _event(
        {"channel": "Channel", "bridge": "Bridge", "endpoint": "Endpoint"},
        eventname="string",
        userevent="object",
    ),
    "ChannelVarset": _event({"channel": "Channel"}, variable="string", value="string"),
    "ContactStatusChange": _event(endpoint="Endpoint", contact_info="ContactInfo"),
    "DeviceStateChanged": _event(device_state="DeviceState"),
    "Dial": _event(
        {"caller": "Channel", "forward": "string", "forwarded": "Channel", "dialstring": "string"},
        peer="Channel",
        dialstatus="string",
    ),
    "EndpointStateChange": _event(endpoint="Endpoint"),
    "PeerStatusChange": _event(endpoint="Endpoint", peer="Peer"),
    "PlaybackContinuing": _event(playback="Playback"),
    "PlaybackFinished": _event(playback="Playback"),
    "PlaybackStarted": _event(playback="Playback"),
    "RecordingFailed": _event(recording="LiveRecording"),
    "RecordingFinished": _event(recording="LiveRecording"),
    "RecordingStarted": _event(recording="LiveRecording"),
    "TextMessageReceived": _event({"endpoint": "Endpoint"}, message="TextMessage"),
    "StasisEnd": _event(channel="Channel"),
    "StasisStart": _event({"replace_channel": "Channel"}, args="List[string]", channel="Channel"),
}

# Events of ours, beyond ARI: told to clients that asked for what only we have.
OURS: Mapping[str, Model] = {
    "EventsLost": _event(requested="int", oldest="int"),
}

OBJECTS: Mapping[str, Model] = {
    "Application": Model(
        "applications",
        {
            "name": "string",
            "channel_ids": "List[string]",
            "bridge_ids": "List[string]",
            "endpoint_ids": "List[string]",
            "device_names": "List[string]",
            "events_allowed": "List[object]",
            "events_disallowed": "List[object]",
        },
    ),
    "AsteriskInfo": Model(
        "asterisk",
        optional={
            "build": "BuildInfo",
            "system": "SystemInfo",
            "config": "ConfigInfo",
            "status": "StatusInfo",
        },
    ),
    "BuildInfo": Model(
        "asterisk",
        {
            "os": "string",
            "kernel": "string",
            "options": "string",
            "machine": "string",
            "date": "string",
            "user": "string",
        },
    ),
    "ConfigTuple": Model("asterisk", {"attribute": "string", "value": "string"}),
    "LogChannel": Model(
        "asterisk",
        {"channel": "string", "type": "string", "status": "string", "configuration": "string"},
    ),
    "Module": Model(
        "asterisk",
        {
            "name": "string",
            "description": "string",
            "use_count": "int",
            "status": "string",
            "support_level": "string",
        },
    ),
    "SystemInfo": Model("asterisk", {"version": "string", "entity_id": "string"}),
    "ConfigInfo": Model(
        "asterisk",
        {"name": "string", "default_language": "string", "setid": "SetId"},
        {"max_channels": "int", "max_open_files": "int", "max_load": "double"},
    ),
    "SetId": Model("asterisk", {"user": "string", "group": "string"}),
    "StatusInfo": Model("asterisk", {"startup_time": "Date", "last_reload_time": "Date"}),
    "AsteriskPing": Model(
        "asterisk", {"asterisk_id": "string", "ping": "string", "timestamp": "string"}
    ),
    "Variable": Model("asterisk", {"value": "string"}),
    "Variables": Model("asterisk", {"variables": "object"}),
    "Bridge": Model(
        "bridges",
        {
            "id": "string",
            "technology": "string",
            "bridge_type": "string",
            "bridge_class": "string",
            "creator": "string",
            "name": "string",
            "channels": "List[string]",
            "creationtime": "Date",
        },
        {"video_mode": "string", "video_source_id": "string", "bridgevars": "object"},
        values={"bridge_type": ("mixing", "holding")},
    ),
    "Channel": Model(
        "channels",
        {
            "id": "string",
            "protocol_id": "string",
            "name": "string",
            "state": "string",
            "caller": "CallerID",
            "connected": "CallerID",
            "accountcode": "string",
            "dialplan": "DialplanCEP",
            "creationtime": "Date",
            "language": "string",
        },
        {"channelvars": "object", "caller_rdnis": "string", "tenantid": "string"},
        values={
            "state": (
                "Down",
                "Rsrved",
                "OffHook",
                "Dialing",
                "Ring",
                "Ringing",
                "Up",
                "Busy",
                "Dialing Offhook",
                "Pre-ring",
                "Unknown",
            )
        },
    ),
    "CallerID": Model("channels", {"name": "string", "number": "string"}),
    "DialplanCEP": Model(
        "channels",
        {
            "context": "string",
            "exten": "string",
            "priority": "long",
            "app_name": "string",
            "app_data": "string",
        },
    ),
    "RTPstat": Model(
        "channels",
        {
            "txcount": "int",
            "rxcount": "int",
            "txploss": "int",
            "rxploss": "int",
            "local_ssrc": "int",
            "remote_ssrc": "int",
            "txoctetcount": "int",
            "rxoctetcount": "int",
            "channel_uniqueid": "string",
        },
        dict.fromkeys(("txjitter", "rxjitter", "rtt"), "double")
        | _spread("remote_{}jitter")
        | _spread("local_{}jitter")
        | _spread("remote_{}rxploss")
        | _spread("local_{}rxploss")
        | _spread("{}rtt"),
    ),
    "DeviceState": Model(
        "deviceStates",
        {"name": "string", "state": "string"},
        values={"state": ("UNKNOWN", *STATES)},
    ),
    "Mailbox": Model("mailboxes", {"name": "string", "old_messages": "int", "new_messages": "int"}),
    "Endpoint": Model(
        "endpoints",
        {"technology": "string", "resource": "string", "channel_ids": "List[string]"},
        {"state": "string"},
        values={"state": ("unknown", "offline", "online")},
    ),
    "TextMessage": Model(
        "endpoints", {"from": "string", "to": "string", "body": "string"}, {"variables": "object"}
    ),
    "ContactInfo": Model(
        "events",
        {"uri": "string", "contact_status": "string", "aor": "string"},
        {"roundtrip_usec": "string"},
        values={
            "contact_status": ("Unreachable", "Reachable", "Unknown", "NonQualified", "Removed")
        },
    ),
    "Peer": Model(
        "events",
        {"peer_status": "string"},
        {"cause": "string", "address": "string", "port": "string", "time": "string"},
    ),
    "Playback": Model(
        "playbacks",
        {"id": "string", "media_uri": "string", "target_uri": "string", "state": "string"},
        {"next_media_uri": "string", "language": "string"},
        values={"state": ("queued", "playing", "continuing", "done", "failed")},
    ),
    "LiveRecording": Model(
        "recordings",
        {"name": "string", "format": "string", "target_uri": "string", "state": "string"},
        {
            "duration": "int",
            "talking_duration": "int",
            "silence_duration": "int",
            "cause": "string",
        },
        values={"state": ("queued", "recording", "paused", "done", "failed", "canceled")},
    ),
    "ReferTo": Model(
        "events",
        {"requested_destination": "RequiredDestination"},
        {"destination_channel": "Channel", "connected_channel": "Channel", "bridge": "Bridge"},
    ),
    "ReferredBy": Model(
        "events",
        {"source_channel": "Channel"},
        {"connected_channel": "Channel", "bridge": "Bridge"},
    ),
    "RequiredDestination": Model(
        "events",
        optional={
            "protocol_id": "string",
            "destination": "string",
            "additional_protocol_params": "List[AdditionalParam]",
        },
    ),
    "AdditionalParam": Model("events", {"parameter_name": "string", "parameter_value": "string"}),
    "StoredRecording": Model("recordings", {"name": "string", "format": "string"}),
    "Sound": Model(
        "sounds", {"id": "string", "formats": "List[FormatLangPair]"}, {"text": "string"}
    ),
    "FormatLangPair": Model("sounds", {"language": "string", "format": "string"}),
}

# What goes over a socket beside events: requests, and their answers, which are events by name.
ANSWERS: Mapping[str, Model] = {
    "RESTResponse": _event(
        {"content_type": "string", "message_body": "string"},
        transaction_id="string",
        request_id="string",
        status_code="int",
        reason_phrase="string",
        uri="string",
    ),
}
REQUESTS: Mapping[str, Model] = {
    "RESTRequest": _event(
        {
            "content_type": "string",
            "query_strings": "List[RESTQueryStringParameter]",
            "message_body": "string",
        },
        type="string",
        transaction_id="string",
        request_id="string",
        method="string",
        uri="string",
    ),
    "RESTQueryStringParameter": _event(name="string", value="string"),
}

# What ARI's documents list and nothing here sends: clients made of the documents name them.
UNSENT: Mapping[str, Model] = {
    "MissingParams": _event(params="List[string]"),
    "RESTHeader": _event(name="string", value="string"),
    "Dialed": Model("channels"),
}

MODELS: Mapping[str, Model] = {
    "Message": Model(
        "events",
        {"type": "string"},
        {"asterisk_id": "string"},
        subtypes=("MissingParams", "Event"),
        discriminator="type",
    ),
    "Event": Model(
        "events", {"application": "string", "timestamp": "Date"}, subtypes=(*EVENTS, *ANSWERS)
    ),
    **EVENTS,
    **ANSWERS,
    **REQUESTS,
    **UNSENT,
    **OBJECTS,
}
