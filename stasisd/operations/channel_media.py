"""Operations on what a channel hears and says: play, record, and how well it comes through."""

from typing import Annotated

from stasisd.core import playback, quality, recording
from stasisd.core.channel import Channel
from stasisd.core.playback import NotPlayable, Playback
from stasisd.core.quality import RtpQuality
from stasisd.core.recording import LiveRecording, NotRecordable
from stasisd.core.snapshots import LiveRecordingSnapshot, PlaybackSnapshot
from stasisd.core.stored_recordings import AlreadyExists, BadName

from .channels import IN_STASIS, NOT_FOUND
from .declare import AtLeast, Control, Create, Named, OneOf, Read, operation
from .errors import Conflict, NotFound, OperationFailed, Unprocessable
from .in_stasis import in_stasis
from .parameters import MediaUri

Seconds = Annotated[int, AtLeast(0, "Durations cannot be negative")]


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
    offsetms: Annotated[int, AtLeast(0, "offsetms cannot be negative")] = 0,
    skipms: Annotated[int, AtLeast(0, "skipms cannot be negative")] = playback.DEFAULT_SKIP_MS,
) -> PlaybackSnapshot:
    """Play a list of media after what is being played already."""
    in_stasis(channel)
    if not media:
        raise OperationFailed("Failed to queue media for playback", detail="media is missing")
    if new.id is not None and new.id in new.tenant.playbacks:
        raise Conflict("Playback with given unique ID already exists")
    try:
        playing = playback.play(
            channel,
            tuple(media),
            playback_id=new.id or None,
            language=lang or None,
            offset_ms=offsetms,
            skip_ms=skipms,
        )
    except NotPlayable:
        raise Conflict("Channel not in Stasis application") from None
    return playing.snapshot


@operation(
    "channels.record",
    rest="POST /channels/{channelId}/record",
    location="/recordings/live/{name}",
    errors={
        400: "Invalid parameters",
        404: "Channel not found",
        409: "Channel not in a Stasis application, or the recording exists",
        422: "The format is unknown",
    },
)
async def record(
    channel: Control[Channel],
    new: Annotated[Create[LiveRecording], Named("name")],
    *,
    format: str = "",  # noqa: A002 - ARI's name
    max_duration_seconds: Seconds = 0,
    max_silence_seconds: Seconds = 0,
    if_exists: Annotated[str, OneOf(("fail", "overwrite", "append"), "ifExists invalid")] = "fail",
    beep: bool = False,
    terminate_on: Annotated[
        str, OneOf(tuple(recording.TERMINATORS), "terminateOn invalid")
    ] = "none",
) -> LiveRecordingSnapshot:
    """Record what the far end says."""
    in_stasis(channel)
    if format not in recording.FORMATS:
        raise Unprocessable(
            "specified format is unknown on this system",
            detail=f"known formats are {', '.join(recording.FORMATS)}",
        )
    wanted = recording.Wanted(
        name=new.id or "",
        format=format,
        max_duration_ms=max_duration_seconds * 1000,
        max_silence_ms=max_silence_seconds * 1000,
        if_exists=if_exists,
        beep=beep,
        terminate_on=recording.TERMINATORS[terminate_on],
    )
    try:
        started = await recording.record(channel, wanted)
    except BadName:
        raise OperationFailed(
            "Error parsing request", detail="name must be a path without '..' or hidden parts"
        ) from None
    except AlreadyExists:
        raise Conflict(
            f"Recording '{wanted.name}' already exists and can not be overwritten"
        ) from None
    except NotRecordable:
        raise Conflict("Channel not in Stasis application") from None
    except OSError as error:
        raise OperationFailed("Internal Server Error", detail=str(error.strerror)) from None
    return started.snapshot


@operation(
    "channels.rtpstatistics", rest="GET /channels/{channelId}/rtp_statistics", errors=NOT_FOUND
)
async def rtp_statistics(channel: Read[Channel]) -> RtpQuality:
    """Get what the channel's RTP has counted."""
    measured = await quality.measure(channel)
    if measured is None:
        raise NotFound("RTP info not found", detail="the channel has no RTP")
    return measured
