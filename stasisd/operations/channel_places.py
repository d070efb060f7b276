"""Operations that send a channel elsewhere: on in the dialplan, to another application or phone."""

from typing import Annotated

from stasisd.core import stasis
from stasisd.core.channel import Channel
from stasisd.core.router import Router
from stasisd.core.technology import CannotRedirect, NoTransfer, Redirects, ReportsTransfer

from .channels import IN_STASIS, NUMBER
from .declare import Control, OneOf, Required, operation
from .errors import NotFound, Unprocessable, WrongState
from .in_stasis import held, in_stasis
from .parameters import Address, ApplicationName, ContextName

MISSING_APP = "app cannot be empty"
TRANSFER_STATES = (
    "channel_progress",
    "channel_answered",
    "channel_unavailable",
    "channel_declined",
)


def priority_of(router: Router, context: str, extension: str, priority: int, label: str) -> int:
    """The priority meant: a label's, or the number given. Raises :class:`NotFound`."""
    if not label:
        return priority
    if NUMBER.fullmatch(label):
        return int(label)
    found = router.priority_of(context, extension, label)
    if found is None:
        raise NotFound("Requested label can not be found")
    return found


def arguments(text: str) -> tuple[str, ...]:
    """The arguments for an application, as ``appArgs`` writes them."""
    return tuple(text.split(",")) if text else ()


@operation(
    "channels.continueInDialplan", rest="POST /channels/{channelId}/continue", errors=IN_STASIS
)
def continue_in_dialplan(
    channel: Control[Channel],
    context: ContextName = "",
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
        number = priority_of(router, context, exten, priority or 1, label)
        visit.leave((context, exten, number))
    else:
        visit.leave()


@operation(
    "channels.move",
    rest="POST /channels/{channelId}/move",
    errors={404: "Channel not found", 409: "Channel not in a Stasis application"},
)
def move(
    channel: Control[Channel],
    app: Annotated[ApplicationName, Required(MISSING_APP)],
    app_args: str = "",
) -> None:
    """Hand the channel to another application; where nobody serves that, it stays and is told."""
    held(channel)
    stasis.move(channel, app, arguments(app_args))


@operation(
    "channels.redirect",
    rest="POST /channels/{channelId}/redirect",
    errors={
        400: "Endpoint parameter not provided",
        422: "Endpoint is not the same type as the channel, or can't be redirected to",
        **IN_STASIS,
    },
)
def redirect(
    channel: Control[Channel],
    endpoint: Annotated[Address, Required("endpoint is required")],
) -> None:
    """Send a phone to another endpoint: its channel ends when it has got there."""
    technology, _, resource = endpoint.partition("/")
    if not technology or not resource:
        raise Unprocessable("endpoint must be TECH/resource")
    in_stasis(channel)
    own = channel.name.partition("/")[0]
    if technology.lower() != own.lower():
        raise Unprocessable(f"A channel of {own} can't be redirected to one of {technology}")
    if not isinstance(channel.leg, Redirects):
        raise Unprocessable(f"Channels of {own} can't be redirected")
    try:
        channel.leg.redirect(resource)
    except CannotRedirect as problem:
        raise Unprocessable(str(problem)) from None


@operation(
    "channels.transfer_progress",
    rest="POST /channels/{channelId}/transfer_progress",
    errors={400: "States parameter not provided or unknown", **IN_STASIS},
)
def transfer_progress(
    channel: Control[Channel],
    states: Annotated[
        str, Required("states is required"), OneOf(TRANSFER_STATES, "Unknown state {value}")
    ],
) -> None:
    """Tell a phone that asked for a transfer how it goes."""
    in_stasis(channel)
    try:
        if not isinstance(channel.leg, ReportsTransfer):
            raise NoTransfer
        channel.leg.transfer_progress(states)
    except NoTransfer:
        raise WrongState(
            "Channel in invalid state", detail="no transfer of its phone's is left to applications"
        ) from None
