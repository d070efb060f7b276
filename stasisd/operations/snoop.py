"""The operation that makes a channel at the media of another one."""

from typing import Annotated, Literal

from stasisd.core import dialing
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot
from stasisd.core.technology import NewChannel, Snooping

from .channel_origins import making
from .channel_places import MISSING_APP, arguments
from .declare import Control, Create, Named, OneOf, Required, operation
from .errors import InvalidParameter
from .parameters import ApplicationName

DIRECTIONS = ("none", "both", "out", "in")
Direction = Literal["none", "both", "out", "in"]


@operation(
    "channels.snoopChannel",
    rest="POST /channels/{channelId}/snoop",
    also={"snoopChannelWithId": "POST /channels/{channelId}/snoop/{snoopId}"},
    errors={400: "Invalid parameters", 404: "Channel not found", 409: "The id is taken"},
)
async def snoop_channel(
    channel: Control[Channel],
    new: Annotated[Create[Channel], Named("snoopId")],
    *,
    spy: Annotated[Direction, OneOf(DIRECTIONS, "Invalid direction specified for spy")] = "none",
    whisper: Annotated[
        Direction, OneOf(DIRECTIONS, "Invalid direction specified for whisper")
    ] = "none",
    app: Annotated[ApplicationName, Required(MISSING_APP)],
    app_args: str = "",
) -> ChannelSnapshot:
    """Make a channel that hears a channel, and can be heard on it, in each direction by itself."""
    if spy == whisper == "none":
        raise InvalidParameter("spy or whisper must name a direction")
    wanted = NewChannel(channel_id=new.id or None)
    with making(new.tenant, new.id):
        snooping = dialing.snoop(channel, Snooping(spy=spy, whisper=whisper), wanted)
    shown = snooping.snapshot
    await dialing.enter(snooping, app, arguments(app_args), heard=False)
    return shown
