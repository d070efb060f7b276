"""ARI's models of objects, by the resources whose documents have them."""

from collections.abc import Mapping

from stasisd.core.device_state import STATES

from .model import Model


def _spread(name: str) -> dict[str, str]:
    """Greatest, least, mean and deviation of a measure."""
    return {name.format(which): "double" for which in ("max", "min", "normdev", "stdev")}


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
