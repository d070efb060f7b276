"""Operations on channels: looking, ending, and signalling."""

import re
from typing import Annotated, Literal

from stasisd.core import causes
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot

from .declare import AtLeast, Control, Delete, Each, Named, OneOf, Read, Required, operation
from .errors import InvalidParameter
from .in_stasis import in_stasis

NOT_FOUND = {404: "Channel not found"}
IN_STASIS = {
    404: "Channel not found",
    409: "Channel not in a Stasis application",
    412: "Channel in invalid state",
}
NUMBER = re.compile(r"[0-9]{1,9}")
# What one command of the media process holds without trouble.
MOST_DIGITS = 256

Direction = Annotated[
    Literal["both", "in", "out"], OneOf(("both", "in", "out"), "Invalid direction specified")
]


@operation("channels.list", rest="GET /channels")
def list_(channels: Each[Channel]) -> list[ChannelSnapshot]:
    """List all channels."""
    return [channel.snapshot for channel in channels]


@operation("channels.get", rest="GET /channels/{channelId}", errors=NOT_FOUND)
def get(channel: Read[Channel]) -> ChannelSnapshot:
    """Get one channel."""
    return channel.snapshot


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
    channel.sound.send_dtmf(
        digits, before_ms=before, between_ms=between, duration_ms=duration or 100, after_ms=after
    )


@operation("channels.mute", rest="POST /channels/{channelId}/mute", errors=IN_STASIS)
def mute(channel: Control[Channel], direction: Direction = "both") -> None:
    """Silence what the channel hears (out), says (in), or both."""
    in_stasis(channel)
    channel.sound.mute(direction)


@operation("channels.unmute", rest="DELETE /channels/{channelId}/mute", errors=IN_STASIS)
def unmute(channel: Control[Channel], direction: Direction = "both") -> None:
    """Take mute back."""
    in_stasis(channel)
    channel.sound.unmute(direction)


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
    channel.sound.send_silence(on=True)


@operation("channels.stopSilence", rest="DELETE /channels/{channelId}/silence", errors=IN_STASIS)
def stop_silence(channel: Control[Channel]) -> None:
    """Stop sending silence."""
    in_stasis(channel)
    channel.sound.send_silence(on=False)
