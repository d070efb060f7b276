"""ARI's models of what goes over a socket: events, requests and their answers."""

from collections.abc import Mapping

from .model import NONE, Model


def _event(optional: Mapping[str, str] = NONE, /, **required: str) -> Model:
    return Model("events", required, optional)


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
