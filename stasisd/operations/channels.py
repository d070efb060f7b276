"""Operations on channels: looking, making, ending, signalling and variables."""

import re
from typing import Annotated, Any, Literal

from stasisd.core import causes, dialing, variables
from stasisd.core.channel import Channel
from stasisd.core.router import Router
from stasisd.core.snapshots import ChannelSnapshot, Party
from stasisd.core.supervision import Body
from stasisd.core.technology import AllocationFailed as NoChannel
from stasisd.core.technology import IdTaken, NewChannel
from stasisd.core.tenant import Draining, Tenant
from stasisd.core.variables import UnknownFunction

from .declare import (
    Absent,
    AtLeast,
    Control,
    Create,
    Delete,
    Each,
    Named,
    OneOf,
    Read,
    Required,
    operation,
)
from .errors import AllocationFailed, Conflict, InvalidParameter, NotFound, OperationFailed
from .in_stasis import in_stasis
from .parameters import Address, ApplicationName, NewChannelId

NOT_FOUND = {404: "Channel not found"}
IN_STASIS = {
    404: "Channel not found",
    409: "Channel not in a Stasis application",
    412: "Channel in invalid state",
}
VARIABLE = {
    400: "Missing variable parameter",
    404: "Channel or variable not found",
    409: "Channel not in a Stasis application",
}
FORMATS = ("ulaw", "alaw")
NUMBER = re.compile(r"[0-9]{1,9}")
# What one command of the media process holds without trouble.
MOST_DIGITS = 256

Direction = Annotated[
    Literal["both", "in", "out"], OneOf(("both", "in", "out"), "Invalid direction specified")
]
VariableName = Annotated[str, Named("variable"), Required("Variable name is required")]
NAMED = Absent("Provided channel was not found")


# --- looking


@operation("channels.list", rest="GET /channels")
def list_(channels: Each[Channel]) -> list[ChannelSnapshot]:
    """List all channels."""
    return [channel.snapshot for channel in channels]


@operation("channels.get", rest="GET /channels/{channelId}", errors=NOT_FOUND)
def get(channel: Read[Channel]) -> ChannelSnapshot:
    """Get one channel."""
    return channel.snapshot


# --- making and ending


@operation(
    "channels.originate",
    rest="POST /channels",
    also={"originateWithId": "POST /channels/{channelId}"},
    errors={400: "Invalid parameters for originating a channel", 409: "The id is taken"},
)
def originate(  # noqa: PLR0913 - ARI's parameters, each by its name
    new: Create[Channel],
    *,
    endpoint: Annotated[Address, Required("Endpoint must be specified")],
    extension: str = "",
    context: str = "default",
    priority: int = 1,
    label: str = "",
    app: ApplicationName = "",
    app_args: str = "",
    caller_id: str = "",
    timeout: Annotated[int, AtLeast(-1, "timeout must be at least -1")] = int(
        dialing.DEFAULT_TIMEOUT
    ),
    variables: dict[str, Any] | None = None,
    other_channel_id: NewChannelId | None = None,
    originator: Annotated[
        Read[Channel] | None,
        Named("originator"),
        Absent("Provided originator channel was not found"),
    ] = None,
    formats: str = "",
) -> ChannelSnapshot:
    """Call an endpoint, and send it to an application or into the dialplan when it answers."""
    if not app and not extension:
        raise InvalidParameter("Application or extension must be specified")
    if originator is not None and formats:
        raise InvalidParameter("Originator and formats can't both be specified")
    caller = _caller(caller_id)
    wanted = NewChannel(
        channel_id=new.id or None,
        other_channel_id=other_channel_id or None,
        caller=caller,
        connected=caller,
        variables=texts(variables),
        formats=_formats(formats),
    )
    if app:
        then: Body = dialing.into_application(app, tuple(app_args.split(",")) if app_args else ())
    else:
        priority = _priority(new.tenant.router, context, extension, priority, label)
        then = dialing.into_dialplan
    channel = _request(new.tenant, endpoint, wanted)
    if not app:
        channel.go_to(context, extension, priority)
    dialing.originate(channel, then, seconds=timeout, follower=app or None)
    return channel.snapshot


def _request(tenant: Tenant, endpoint: str, wanted: NewChannel) -> Channel:
    if "/" not in endpoint:
        raise InvalidParameter("Invalid endpoint specified")
    given = [
        channel_id for channel_id in (wanted.channel_id, wanted.other_channel_id) if channel_id
    ]
    try:
        tenant.claim(*given)
        return dialing.request(tenant, endpoint, wanted)
    except Draining:
        raise
    except IdTaken:
        raise Conflict("Channel with given unique ID already exists") from None
    except NoChannel as failed:
        raise AllocationFailed("Allocation failed", detail=str(failed)) from None
    except UnknownFunction as unknown:
        raise InvalidParameter(f"There is no function to set variable {unknown}") from None


def _caller(text: str) -> Party:
    return variables.parse_caller(text) if text else Party()


def _formats(text: str) -> tuple[str, ...]:
    wanted = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in wanted:
        if name not in FORMATS:
            raise InvalidParameter(
                f"Provided format ({name}) was not found",
                detail=f"known formats are {', '.join(FORMATS)}",
            )
    return wanted


def texts(given: dict[str, Any] | None) -> dict[str, str]:
    """Variables of a JSON body as text. Raises :class:`InvalidParameter` where one is not."""
    for name, value in (given or {}).items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidParameter(f"The value of variable {name} must be text")
    return {name: str(value) for name, value in (given or {}).items()}


def _priority(router: Router, context: str, extension: str, priority: int, label: str) -> int:
    """The priority meant: a label's, or the number given."""
    if not label:
        return priority
    if NUMBER.fullmatch(label):
        return int(label)
    found = router.priority_of(context, extension, label)
    if found is None:
        raise NotFound("Requested label can not be found")
    return found


@operation(
    "channels.hangup",
    rest="DELETE /channels/{channelId}",
    errors={400: "Invalid reason for hangup provided", 404: "Channel not found"},
)
def hangup(
    channel: Delete[Channel],
    reason_code: Annotated[str, Named("reason_code")] = "",
    reason: Annotated[
        str, OneOf(tuple(causes.REASONS), "Invalid reason for hangup reason provided")
    ] = "",
) -> None:
    """Hang up, with a reason by name or by its Q.850 code."""
    if reason and reason_code:
        raise InvalidParameter("The reason and reason_code can't both be specified")
    cause = causes.REASONS[reason] if reason else causes.NORMAL_CLEARING
    if reason_code:
        if not NUMBER.fullmatch(reason_code) or int(reason_code) not in causes.TEXT:
            raise InvalidParameter("Invalid reason for hangup reason provided")
        cause = int(reason_code)
    channel.hangup(cause, soft=True, shown=causes.REQUESTED)


@operation(
    "channels.continueInDialplan", rest="POST /channels/{channelId}/continue", errors=IN_STASIS
)
def continue_in_dialplan(
    channel: Control[Channel],
    context: str = "",
    extension: str = "",
    priority: int | None = None,
    label: str = "",
) -> None:
    """Let the channel leave the application and go on in the dialplan."""
    visit = in_stasis(channel)
    here = channel.snapshot.dialplan
    context, exten = context or here.context, extension or here.exten
    if label or extension or context != here.context or priority is not None:
        router = channel.tenant.router
        number = _priority(router, context, exten, priority or 1, label)
        visit.leave((context, exten, number))
    else:
        visit.leave()


# --- signalling


@operation("channels.answer", rest="POST /channels/{channelId}/answer", errors=IN_STASIS)
def answer(channel: Control[Channel]) -> None:
    """Answer the call."""
    in_stasis(channel)
    channel.answer()


@operation("channels.ring", rest="POST /channels/{channelId}/ring", errors=IN_STASIS)
def ring(channel: Control[Channel]) -> None:
    """Let the caller hear ringing."""
    in_stasis(channel)
    channel.ring()


@operation("channels.ringStop", rest="DELETE /channels/{channelId}/ring", errors=IN_STASIS)
def ring_stop(channel: Control[Channel]) -> None:
    """Stop the ringing."""
    in_stasis(channel)
    channel.ring_stop()


@operation("channels.progress", rest="POST /channels/{channelId}/progress", errors=IN_STASIS)
def progress(channel: Control[Channel]) -> None:
    """Let the caller hear media before the answer."""
    in_stasis(channel)
    channel.progress()


@operation(
    "channels.sendDTMF",
    rest="POST /channels/{channelId}/dtmf",
    errors={400: "DTMF is required", **IN_STASIS},
)
def send_dtmf(
    channel: Control[Channel],
    dtmf: Annotated[str, Required("DTMF is required")],
    *,
    before: Annotated[int, AtLeast(0, "before cannot be negative")] = 0,
    between: Annotated[int, AtLeast(0, "between cannot be negative")] = 100,
    duration: Annotated[int, AtLeast(0, "duration cannot be negative")] = 100,
    after: Annotated[int, AtLeast(0, "after cannot be negative")] = 0,
) -> None:
    """Send digits to the far end; all times are in milliseconds."""
    in_stasis(channel)
    digits = dtmf.upper()
    if len(digits) > MOST_DIGITS:
        raise InvalidParameter(f"at most {MOST_DIGITS} digits can be sent at once")
    strange = set(digits) - set("0123456789*#ABCD")
    if strange:
        raise InvalidParameter(f"{''.join(sorted(strange))!r} are no DTMF digits")
    channel.send_dtmf(
        digits, before_ms=before, between_ms=between, duration_ms=duration or 100, after_ms=after
    )


@operation("channels.mute", rest="POST /channels/{channelId}/mute", errors=IN_STASIS)
def mute(channel: Control[Channel], direction: Direction = "both") -> None:
    """Silence what the channel hears (out), says (in), or both."""
    in_stasis(channel)
    channel.mute(direction)


@operation("channels.unmute", rest="DELETE /channels/{channelId}/mute", errors=IN_STASIS)
def unmute(channel: Control[Channel], direction: Direction = "both") -> None:
    """Take mute back."""
    in_stasis(channel)
    channel.unmute(direction)


@operation("channels.hold", rest="POST /channels/{channelId}/hold", errors=IN_STASIS)
def hold(channel: Control[Channel]) -> None:
    """Put the far end on hold."""
    in_stasis(channel)
    channel.leg.hold()


@operation("channels.unhold", rest="DELETE /channels/{channelId}/hold", errors=IN_STASIS)
def unhold(channel: Control[Channel]) -> None:
    """Take the far end off hold."""
    in_stasis(channel)
    channel.leg.unhold()


@operation("channels.startSilence", rest="POST /channels/{channelId}/silence", errors=IN_STASIS)
def start_silence(channel: Control[Channel]) -> None:
    """Send silence while there is nothing else to send."""
    in_stasis(channel)
    channel.send_silence(on=True)


@operation("channels.stopSilence", rest="DELETE /channels/{channelId}/silence", errors=IN_STASIS)
def stop_silence(channel: Control[Channel]) -> None:
    """Stop sending silence."""
    in_stasis(channel)
    channel.send_silence(on=False)


# --- variables


@operation("channels.getChannelVar", rest="GET /channels/{channelId}/variable", errors=VARIABLE)
def get_variable(
    channel: Annotated[Read[Channel], NAMED], variable: VariableName
) -> dict[str, str]:
    """Get a channel variable or the value of a function."""
    return {"value": _value(channel, variable)}


def _value(channel: Channel, name: str) -> str:
    try:
        value = variables.read(channel, name)
    except UnknownFunction:
        raise OperationFailed("Unable to read provided function") from None
    if value is None:
        raise NotFound("Provided variable was not found")
    return value


def _set(channel: Channel, name: str, value: str) -> None:
    try:
        variables.write(channel, name, value)
    except UnknownFunction:
        raise OperationFailed("Failed to set variable") from None


@operation("channels.setChannelVar", rest="POST /channels/{channelId}/variable", errors=VARIABLE)
def set_variable(
    channel: Annotated[Control[Channel], NAMED], variable: VariableName, value: str = ""
) -> None:
    """Set a channel variable or function."""
    in_stasis(channel)
    _set(channel, variable, value)


@operation("channels.getChannelVars", rest="GET /channels/{channelId}/variables", errors=VARIABLE)
def get_variables(
    channel: Annotated[Read[Channel], NAMED],
    variables: Annotated[list[str], Required("Variable names are required")],
) -> dict[str, dict[str, str]]:
    """Get several channel variables; those that are not set read as empty."""
    return {"variables": {name: _read_or_empty(channel, name) for name in variables}}


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
    in_stasis(channel)
    for name, value in texts(variables).items():
        _set(channel, name, value)
