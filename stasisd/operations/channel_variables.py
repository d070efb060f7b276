"""Operations on the variables of channels."""

from typing import Annotated, Any

from caps.access import Right
from stasisd.core import variables as core
from stasisd.core.assignment import Assignment
from stasisd.core.channel import Channel
from stasisd.core.variables import UnknownFunction

from .assignments import assignments
from .declare import Absent, Control, Named, Read, Required, operation
from .errors import NotFound, OperationFailed
from .in_stasis import held
from .parameters import Mentions

VARIABLE = {
    400: "Missing variable parameter",
    404: "Channel or variable not found",
    409: "Channel not in a Stasis application",
}
# Who has the value may hear and speak in the channel.
GUARDED = "MEDIA_WEBSOCKET_CONNECTION_ID"


def _guarded(name: str) -> tuple[str, str] | None:
    return ("variable", GUARDED) if name.strip() == GUARDED else None


VariableName = Annotated[str, Named("variable"), Required("Variable name is required")]
READABLE = Mentions(Right.CONTROL, _guarded)
NAMED = Absent("Provided channel was not found")


@operation("channels.getChannelVar", rest="GET /channels/{channelId}/variable", errors=VARIABLE)
def get_variable(
    channel: Annotated[Read[Channel], NAMED], variable: Annotated[VariableName, READABLE]
) -> dict[str, str]:
    """Get a channel variable or the value of a function."""
    return {"value": _value(channel, variable)}


def _value(channel: Channel, name: str) -> str:
    try:
        value = core.read(channel, name)
    except UnknownFunction:
        raise OperationFailed("Unable to read provided function") from None
    if value is None:
        raise NotFound("Provided variable was not found")
    return value


@operation("channels.setChannelVar", rest="POST /channels/{channelId}/variable", errors=VARIABLE)
def set_variable(
    channel: Annotated[Control[Channel], NAMED],
    variable: VariableName,
    value: str = "",
    report_events: Annotated[bool, Named("report_events")] = False,
) -> None:
    """Set a channel variable or function, and show it in the channel's events if asked to."""
    held(channel)
    _set(channel, Assignment(variable, value, report_events))


def _set(channel: Channel, assignment: Assignment) -> None:
    try:
        core.assign(channel, assignment)
    except UnknownFunction as unknown:
        raise OperationFailed(
            "Failed to set variable", detail=f"a function can't be set so: {unknown}"
        ) from None


@operation("channels.getChannelVars", rest="GET /channels/{channelId}/variables", errors=VARIABLE)
def get_variables(
    channel: Annotated[Read[Channel], NAMED],
    variables: Annotated[list[str], Required("Variable names are required"), READABLE],
) -> dict[str, dict[str, str]]:
    """Get several channel variables; those that are not set read as empty."""
    names = [name.strip() for name in variables]
    return {"variables": {name: _read_or_empty(channel, name) for name in names}}


def _read_or_empty(channel: Channel, name: str) -> str:
    try:
        return _value(channel, name)
    except NotFound:
        return ""


@operation("channels.setChannelVars", rest="POST /channels/{channelId}/variables", errors=VARIABLE)
def set_variables(
    channel: Annotated[Control[Channel], NAMED],
    variables: Annotated[dict[str, Any], Required("Variables are required")],
) -> None:
    """Set several channel variables."""
    wanted = assignments(variables)
    held(channel)
    for assignment in wanted:
        _set(channel, assignment)
