"""Operations on what a channel hears and says: play, record, and how well it comes through."""

from typing import Annotated

from stasisd.core import playback, quality, recording
from stasisd.core.channel import Channel
from stasisd.core.playback import Playback
from stasisd.core.quality import RtpQuality
from stasisd.core.recording import LiveRecording
from stasisd.core.snapshots import LiveRecordingSnapshot, PlaybackSnapshot

from .channels import IN_STASIS, NOT_FOUND
from .declare import Control, Create, Named, Read, operation
from .errors import NotFound
from .in_stasis import in_stasis
from .media import (
    RECORDING_ERRORS,
    IfExists,
    Offset,
    Seconds,
    Skip,
    TerminateOn,
    begun,
    play_on,
    wanted_recording,
)
from .parameters import MediaUri


@operation(
    "channels.play",
    rest="POST /channels/{channelId}/play",
    also={"playWithId": "POST /channels/{channelId}/play/{playbackId}"},
    location="/playbacks/{id}",
    errors=IN_STASIS,
)
def play(
    channel: Control[Channel],
    new: Create[Playback],
    *,
    media: list[MediaUri] | None = None,
    lang: str = "",
    offsetms: Offset = 0,
    skipms: Skip = playback.DEFAULT_SKIP_MS,
) -> PlaybackSnapshot:
    """Play a list of media after what is being played already."""
    in_stasis(channel)
    return play_on(new, lambda: channel, media, language=lang, offset_ms=offsetms, skip_ms=skipms)


@operation(
    "channels.record",
    rest="POST /channels/{channelId}/record",
    location="/recordings/live/{name}",
    errors={404: "Channel not found", **RECORDING_ERRORS},
)
async def record(
    channel: Control[Channel],
    new: Annotated[Create[LiveRecording], Named("name")],
    *,
    format: str = "",  # noqa: A002 - ARI's name
    max_duration_seconds: Seconds = 0,
    max_silence_seconds: Seconds = 0,
    if_exists: IfExists = "fail",
    beep: bool = False,
    terminate_on: TerminateOn = "none",
) -> LiveRecordingSnapshot:
    """Record what the far end says."""
    in_stasis(channel)
    wanted = wanted_recording(
        new,
        form=format,
        max_duration_seconds=max_duration_seconds,
        max_silence_seconds=max_silence_seconds,
        if_exists=if_exists,
        beep=beep,
        terminate_on=terminate_on,
    )
    return await begun(recording.record(channel, wanted), wanted)


@operation("channels.startMoh", rest="POST /channels/{channelId}/moh", errors=IN_STASIS)
def start_moh(channel: Control[Channel], moh_class: str = "") -> None:  # noqa: ARG001 - see below
    """Let the channel hear music on hold. There is one music, whatever class is asked for."""
    in_stasis(channel)
    channel.sound.hold_music(on=True)


@operation("channels.stopMoh", rest="DELETE /channels/{channelId}/moh", errors=IN_STASIS)
def stop_moh(channel: Control[Channel]) -> None:
    """Stop the music on hold."""
    in_stasis(channel)
    channel.sound.hold_music(on=False)


@operation(
    "channels.rtpstatistics", rest="GET /channels/{channelId}/rtp_statistics", errors=NOT_FOUND
)
async def rtp_statistics(channel: Read[Channel]) -> RtpQuality:
    """Get what the channel's RTP has counted."""
    measured = await quality.measure(channel)
    if measured is None:
        raise NotFound("RTP info not found", detail="the channel has no RTP")
    return measured
