"""Operations on what a channel hears and says: play, record, and how well it comes through."""

from typing import Annotated

from stasisd.core import quality, recording
from stasisd.core.channel import Channel
from stasisd.core.playback import Playback
from stasisd.core.quality import RtpQuality
from stasisd.core.recording import LiveRecording
from stasisd.core.snapshots import LiveRecordingSnapshot, PlaybackSnapshot

from .channels import IN_STASIS, NOT_FOUND
from .declare import Control, Create, Named, Read, operation
from .errors import NotFound
from .in_stasis import in_stasis
from .media import RECORDING_ERRORS, ToPlay, ToRecord, begun, play_on, wanted_recording


@operation(
    "channels.play",
    rest="POST /channels/{channelId}/play",
    also={"playWithId": "POST /channels/{channelId}/play/{playbackId}"},
    location="/playbacks/{id}",
    errors=IN_STASIS,
)
def play(channel: Control[Channel], new: Create[Playback], asked: ToPlay) -> PlaybackSnapshot:
    """Play a list of media after what is being played already."""
    in_stasis(channel)
    return play_on(new, lambda: channel, asked)


@operation(
    "channels.record",
    rest="POST /channels/{channelId}/record",
    location="/recordings/live/{name}",
    errors={404: "Channel not found", **RECORDING_ERRORS},
)
async def record(
    channel: Control[Channel],
    new: Annotated[Create[LiveRecording], Named("name")],
    asked: ToRecord,
) -> LiveRecordingSnapshot:
    """Record what the far end says."""
    in_stasis(channel)
    wanted = wanted_recording(new, asked)
    return await begun(recording.record(channel, wanted), wanted)


@operation("channels.startMoh", rest="POST /channels/{channelId}/moh", errors=IN_STASIS)
def start_moh(channel: Control[Channel], moh_class: str = "") -> None:
    """Let the channel hear music on hold: of a class, else of its own, else the default one."""
    in_stasis(channel)
    channel.sound.hold_music(on=True, music_class=moh_class)


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
