"""Operations that make channels to endpoints: all at once, or step by step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from stasisd.core import dialing, variables
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot, Party
from stasisd.core.supervision import Body
from stasisd.core.technology import AllocationFailed as NoChannel
from stasisd.core.technology import IdTaken, NewChannel, OutOfReach
from stasisd.core.tenant import Draining, Tenant
from stasisd.core.variables import UnknownFunction

from .assignments import assignments
from .channel_places import arguments, priority_of
from .declare import Absent, AtLeast, Control, Create, IfThere, Named, Read, Required, operation
from .errors import AllocationFailed, Conflict, InvalidParameter, NotAllowed
from .in_stasis import BEFORE_THE_CALL, held
from .pace import not_too_soon
from .parameters import Address, ApplicationName, LeadsTo, NewChannelId

FORMATS = ("ulaw", "alaw")
LONGEST_ID = 149
TAKEN = "Channel with given unique ID already exists"
OUT_OF_REACH = "This server may not connect there"

Endpoint = Annotated[Address, Required("Endpoint must be specified")]
Originator = Annotated[
    Read[Channel], Named("originator"), Absent("Provided originator channel was not found")
]


@operation(
    "channels.originate",
    rest="POST /channels",
    also={"originateWithId": "POST /channels/{channelId}"},
    errors={400: "Invalid parameters for originating a channel", 409: "The id is taken"},
)
def originate(  # noqa: PLR0913 - ARI's parameters, each by its name
    new: Create[Channel],
    *,
    endpoint: Endpoint,
    extension: str = "",
    context: Annotated[str, LeadsTo(unless="app")] = "default",
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
    originator: Originator | None = None,
    formats: str = "",
) -> ChannelSnapshot:
    """Call an endpoint, and send it to an application or into the dialplan when it answers."""
    if not app and not extension:
        raise InvalidParameter("Application or extension must be specified")
    caller = _caller(caller_id)
    wanted = NewChannel(
        channel_id=new.id or None,
        other_channel_id=other_channel_id or None,
        caller=caller,
        connected=caller,
        variables=assignments(variables),
        formats=_formats(formats, originator),
    )
    if originator is not None:
        wanted = dialing.on_behalf_of(originator, wanted, dialled=True)
    if app:
        then: Body = dialing.into_application(app, arguments(app_args))
    else:
        priority = priority_of(new.tenant.router, context, extension, priority, label)
        then = dialing.into_dialplan
    channel = _request(new.tenant, endpoint, wanted)
    if not app:
        channel.go_to(context, extension, priority)
    dialing.originate(channel, then, seconds=timeout, follower=app or None)
    return channel.snapshot


@operation(
    "channels.create",
    rest="POST /channels/create",
    errors={400: "Invalid parameters for creating a channel", 409: "The id is taken"},
)
async def create(
    new: Create[Channel],
    *,
    endpoint: Endpoint,
    app: ApplicationName = "",
    app_args: str = "",
    other_channel_id: NewChannelId | None = None,
    originator: Annotated[Read[Channel] | None, Named("originator"), IfThere()] = None,
    formats: str = "",
    variables: dict[str, Any] | None = None,
) -> ChannelSnapshot:
    """Make a channel for an application, which dials it later."""
    wanted = NewChannel(
        channel_id=new.id or None,
        other_channel_id=other_channel_id or None,
        variables=assignments(variables),
        formats=_formats(formats, originator),
    )
    if originator is not None:
        wanted = dialing.on_behalf_of(originator, wanted, dialled=False)
    channel = _request(new.tenant, endpoint, wanted)
    dialing.follow(app, originator)
    shown = channel.snapshot
    # The next request, or one that the events cause, finds the channel in the application.
    await dialing.enter(channel, app, arguments(app_args))
    return shown


@operation(
    "channels.dial",
    rest="POST /channels/{channelId}/dial",
    errors={
        404: "Channel not found",
        409: "Channel not in a Stasis application, or dialled already",
    },
)
def dial(
    channel: Control[Channel],
    caller: Annotated[Read[Channel] | None, Named("caller"), IfThere()] = None,
    timeout: Annotated[int, AtLeast(0, "timeout must be at least 0")] = 0,
) -> None:
    """Dial a channel that was created; 0 seconds wait for ever."""
    held(channel)
    if channel.state not in BEFORE_THE_CALL or channel.attempt.asked:
        raise Conflict("Channel is not in the 'Down' state")
    dialing.dial_held(channel, seconds=timeout, caller=caller)


def _request(tenant: Tenant, endpoint: str, wanted: NewChannel) -> Channel:
    if "/" not in endpoint:
        raise InvalidParameter("Invalid endpoint specified")
    with making(tenant, wanted.channel_id, wanted.other_channel_id):
        not_too_soon(tenant.originates, "Too many calls are originated")
        return dialing.request(tenant, endpoint, wanted)


@contextmanager
def making(tenant: Tenant, *ids: str | None) -> Iterator[None]:
    """Make channels of these ids, where they are given; say in ARI's words why they can't be.

    An id is taken by a channel of whatever kind.
    """
    given = [channel_id for channel_id in ids if channel_id]
    if any(len(channel_id) > LONGEST_ID for channel_id in given):
        raise InvalidParameter(f"A channel's id has at most {LONGEST_ID} characters")
    try:
        tenant.claim(*given)
        yield
    except Draining:
        raise
    except IdTaken:
        raise Conflict(TAKEN) from None
    except OutOfReach as refused:
        raise NotAllowed(OUT_OF_REACH, detail=str(refused)) from None
    except NoChannel as failed:
        raise AllocationFailed("Allocation failed", detail=str(failed)) from None
    except UnknownFunction as unknown:
        raise InvalidParameter(f"There is no function to set variable {unknown}") from None


def _caller(text: str) -> Party:
    return variables.parse_caller(text) if text else Party()


def _formats(text: str, originator: Channel | None) -> tuple[str, ...]:
    if text and originator is not None:
        raise InvalidParameter("Originator and formats can't both be specified")
    wanted = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in wanted:
        if name not in FORMATS:
            raise InvalidParameter(
                f"Provided format ({name}) was not found",
                detail=f"known formats are {', '.join(FORMATS)}",
            )
    return wanted
