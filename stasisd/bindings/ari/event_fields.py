"""What each event has beside its objects, and where ARI puts it."""

from collections.abc import Callable
from typing import Any

from stasisd.core import events

from .objects import Json, contact_json


def _present(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


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
_OBJECTS_OF: dict[type[events.Event], tuple[str, ...]] = {}


def objects_of(event: type[events.Event]) -> tuple[str, ...]:
    """The objects that events of this type have, in ARI's order."""
    found = _OBJECTS_OF.get(event)
    if found is None:
        found = tuple(name for name in OBJECTS if name in event.__struct_fields__)
        _OBJECTS_OF[event] = found
    return found


def transfer(event: events.ChannelTransfer, write: Callable[[Any], Any]) -> Json:
    """ARI's ReferTo and ReferredBy, and the state; ``write`` gives the JSON of a snapshot."""

    def written(**shown: Any) -> Json:
        return {name: write(snapshot) for name, snapshot in _present(**shown).items()}

    wanted = _present(destination=event.destination, protocol_id=event.protocol_id)
    parameters = [
        {"parameter_name": name, "parameter_value": value} for name, value in event.parameters
    ]
    if parameters:
        wanted = {**wanted, "additional_protocol_params": parameters}
    return {
        "refer_to": {
            "requested_destination": wanted,
            **written(
                destination_channel=event.destination_channel,
                connected_channel=event.destination_connected,
                bridge=event.destination_bridge,
            ),
        },
        "referred_by": {
            **written(
                source_channel=event.source_channel,
                connected_channel=event.source_connected,
                bridge=event.source_bridge,
            ),
            **_present(uri=event.referred_by),
        },
        **_present(state=event.state),
    }
