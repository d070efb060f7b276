"""Operations on bridges: looking, making, ending, who is in them, and their variables."""

from typing import Annotated, Any

from stasisd.core import bridge_kind
from stasisd.core.assignment import Assignment
from stasisd.core.bridge import Bridge, Joining
from stasisd.core.bridge_kind import UnknownKind
from stasisd.core.channel import Channel
from stasisd.core.snapshots import BridgeSnapshot

from .assignments import assignments
from .declare import (
    Absent,
    Control,
    Create,
    Delete,
    Each,
    ForWhoAsks,
    Named,
    Read,
    Required,
    operation,
)
from .errors import Conflict, InvalidParameter, NotFound, OperationFailed, Unprocessable
from .parameters import ApplicationName

NOT_FOUND = {404: "Bridge not found"}
IN_STASIS = {404: "Bridge not found", 409: "Bridge not in Stasis application"}
MEMBERS = {
    400: "Channel not found",
    404: "Bridge not found",
    409: "Bridge not in Stasis application, or Channel currently recording",
    422: "Channel not in Stasis application, or not in this bridge",
}
VARIABLE = {
    400: "Missing variable parameter",
    404: "Bridge or variable not found",
    409: "Bridge not in Stasis application",
}
VIDEO = {
    400: "Channel not found",
    404: "Bridge not found",
    409: "Bridge not in Stasis application",
    422: "Channel not in Stasis application, or not in this bridge",
}
Channels = Annotated[
    list[Control[Channel]], Named("channel"), Required("Missing parameter channel")
]
VariableName = Annotated[str, Named("variable"), Required("Variable name is required")]


def in_stasis(bridge: Bridge) -> None:
    """Raise :class:`Conflict` for a bridge that the dialplan made for itself."""
    if bridge.is_dials:
        raise Conflict("Bridge not in Stasis application")


# --- looking


@operation("bridges.list", rest="GET /bridges")
def list_(bridges: Each[Bridge]) -> list[BridgeSnapshot]:
    """List all bridges."""
    return [bridge.snapshot for bridge in bridges]


@operation("bridges.get", rest="GET /bridges/{bridgeId}", errors=NOT_FOUND)
def get(bridge: Read[Bridge]) -> BridgeSnapshot:
    """Get one bridge."""
    return bridge.snapshot


# --- making and ending


@operation(
    "bridges.create",
    rest="POST /bridges",
    also={"createWithId": "POST /bridges/{bridgeId}"},
    errors={409: "Bridge with the same bridgeId already exists"},
)
def create(
    new: Annotated[Create[Bridge], ForWhoAsks()],
    type: str = "",  # noqa: A002 - ARI's name
    name: str = "",
    app: ApplicationName = "",  # noqa: ARG001 - the gate reads it: the bridge is that one's
    variables: dict[str, Any] | None = None,
) -> BridgeSnapshot:
    """Make a bridge: one that mixes what its channels say, or one that holds them."""
    if new.id and new.id in new.tenant.bridges:
        raise Conflict(f"Bridge with id '{new.id}' already exists")
    wanted = assignments(variables)
    try:
        kind, video_mode = bridge_kind.parse(type)
    except UnknownKind as unknown:
        raise OperationFailed(
            f"Unable to create bridge. Possible duplicate bridge id '{new.id or '(null)'}'",
            detail=str(unknown),
        ) from None
    bridge = new.tenant.create_bridge(
        new.id or None,
        name=name,
        kind=kind,
        video_mode=video_mode,
        application_name=new.application,
    )
    for variable in wanted:
        _set(bridge, variable)
    return bridge.snapshot


@operation("bridges.destroy", rest="DELETE /bridges/{bridgeId}", errors=IN_STASIS)
def destroy(bridge: Delete[Bridge]) -> None:
    """End a bridge; its channels stay in their applications."""
    in_stasis(bridge)
    bridge.destroy()


# --- who is in it


@operation("bridges.addChannel", rest="POST /bridges/{bridgeId}/addChannel", errors=MEMBERS)
def add_channel(
    bridge: Control[Bridge],
    channel: Channels,
    *,
    role: str = "",
    absorb_dtmf: Annotated[bool, Named("absorbDTMF")] = False,
    mute: bool = False,
    inhibit_connected_line_updates: bool = False,
) -> None:
    """Let channels join a bridge, out of whichever they are in."""
    in_stasis(bridge)
    joining = Joining(
        role=role,
        absorb_dtmf=absorb_dtmf,
        speaks=not mute,
        quiet=inhibit_connected_line_updates,
    )
    for candidate in channel:
        _check_may_join(candidate)
    for candidate in channel:
        bridge.join(candidate, joining)


def _check_may_join(channel: Channel) -> None:
    if channel.visit is None:
        raise Unprocessable("Channel not in Stasis application")
    if any(live.stage is channel for live in channel.tenant.recordings.values()):
        raise Conflict(f"Channel {channel.id} currently recording")


@operation("bridges.removeChannel", rest="POST /bridges/{bridgeId}/removeChannel", errors=MEMBERS)
def remove_channel(bridge: Control[Bridge], channel: Channels) -> None:
    """Take channels out of a bridge."""
    in_stasis(bridge)
    for leaving in channel:
        _check_is_here(bridge, leaving)
    for leaving in channel:
        bridge.leave(leaving)


def _check_is_here(bridge: Bridge, channel: Channel) -> None:
    if channel.visit is None:
        raise Unprocessable("Channel not in Stasis application")
    if channel.bridge is not bridge:
        raise Unprocessable("Channel not in this bridge")


# --- whose picture is shown


@operation(
    "bridges.setVideoSource",
    rest="POST /bridges/{bridgeId}/videoSource/{channelId}",
    errors=VIDEO,
)
def set_video_source(
    bridge: Control[Bridge],
    channel: Annotated[Control[Channel], Absent("Channel not found", InvalidParameter)],
) -> None:
    """Choose the channel whose picture all see. There is no video: clients see the choice."""
    in_stasis(bridge)
    _check_is_here(bridge, channel)
    bridge.show_video_of(channel)


@operation(
    "bridges.clearVideoSource", rest="DELETE /bridges/{bridgeId}/videoSource", errors=IN_STASIS
)
def clear_video_source(bridge: Control[Bridge]) -> None:
    """Let the picture follow who talks."""
    in_stasis(bridge)
    bridge.show_talkers_video()


# --- variables


@operation("bridges.getBridgeVar", rest="GET /bridges/{bridgeId}/variable", errors=VARIABLE)
def get_variable(bridge: Read[Bridge], variable: VariableName) -> dict[str, str]:
    """Get a variable of a bridge."""
    in_stasis(bridge)
    return {"value": _value(bridge, variable)}


def _value(bridge: Bridge, name: str) -> str:
    value = bridge.variables.get(name.strip())
    if value is None:
        raise NotFound("Provided variable was not found")
    return value


@operation("bridges.setBridgeVar", rest="POST /bridges/{bridgeId}/variable", errors=VARIABLE)
def set_variable(
    bridge: Control[Bridge],
    variable: VariableName,
    value: str = "",
    *,
    report_events: Annotated[bool, Named("report_events")] = False,
) -> None:
    """Set a variable of a bridge, or take it away where the value is empty."""
    in_stasis(bridge)
    _set(bridge, Assignment(variable.strip(), value, report_events))


def _set(bridge: Bridge, assignment: Assignment) -> None:
    if not assignment.name:
        raise InvalidParameter("Failed to execute function", detail="a variable has no name")
    bridge.set_variable(assignment.name, assignment.value, show=assignment.reported)


@operation("bridges.getBridgeVars", rest="GET /bridges/{bridgeId}/variables", errors=VARIABLE)
def get_variables(
    bridge: Read[Bridge],
    variables: Annotated[list[str], Required("At least one variable name is required")],
) -> dict[str, dict[str, str]]:
    """Get several variables of a bridge."""
    in_stasis(bridge)
    for name in variables:
        if name.endswith(")"):
            raise OperationFailed(
                "Unable to read provided function", detail="a bridge has variables only"
            )
    return {"variables": {name: _value(bridge, name) for name in variables}}


@operation("bridges.setBridgeVars", rest="POST /bridges/{bridgeId}/variables", errors=VARIABLE)
def set_variables(
    bridge: Control[Bridge],
    variables: Annotated[dict[str, Any], Required("The 'variables' field is required")],
) -> None:
    """Set several variables of a bridge."""
    in_stasis(bridge)
    for variable in assignments(variables):
        _set(bridge, variable)
