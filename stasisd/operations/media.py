"""What playing and recording share, whether a channel or a bridge hears or is heard."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from stasisd.core import playback, recording
from stasisd.core.limits import NoRoom
from stasisd.core.playback import NotPlayable, Playback
from stasisd.core.recording import LiveRecording, NotAppendable, NotRecordable, Wanted
from stasisd.core.snapshots import LiveRecordingSnapshot, PlaybackSnapshot
from stasisd.core.stage import Stage
from stasisd.core.stored_recordings import AlreadyExists, BadName

from .declare import AtLeast, Create, OneOf, Together
from .errors import Conflict, OperationFailed, StorageFull, Unprocessable
from .parameters import MediaUri

Seconds = Annotated[int, AtLeast(0, "Durations cannot be negative")]


class ToPlay(Together, frozen=True, kw_only=True):
    """What to play, and how."""

    media: list[MediaUri] | None = None
    lang: str = ""
    offsetms: Annotated[int, AtLeast(0, "offsetms cannot be negative")] = 0
    skipms: Annotated[int, AtLeast(0, "skipms cannot be negative")] = playback.DEFAULT_SKIP_MS


class ToRecord(Together, frozen=True, kw_only=True):
    """How to record; the name is that of the recording to be made."""

    format: str = ""
    max_duration_seconds: Seconds = 0
    max_silence_seconds: Seconds = 0
    if_exists: Annotated[str, OneOf(("fail", "overwrite", "append"), "ifExists invalid")] = "fail"
    beep: bool = False
    terminate_on: Annotated[str, OneOf(tuple(recording.TERMINATORS), "terminateOn invalid")] = (
        "none"
    )


RECORDING_ERRORS = {
    400: "Invalid parameters",
    409: "Channel or bridge not in a Stasis application, or the recording exists",
    422: "The format is unknown",
}


def play_on(
    new: Create[Playback], find_stage: Callable[[], Stage], asked: ToPlay
) -> PlaybackSnapshot:
    """Queue media; the stage is only asked for when nothing speaks against it."""
    if not asked.media:
        raise OperationFailed("Failed to queue media for playback", detail="media is missing")
    if new.id is not None and new.id in new.tenant.playbacks:
        raise Conflict("Playback with given unique ID already exists")
    try:
        playing = playback.play(
            find_stage(),
            tuple(asked.media),
            playback_id=new.id or None,
            language=asked.lang or None,
            offset_ms=asked.offsetms,
            skip_ms=asked.skipms,
        )
    except NotPlayable:
        raise Conflict("Channel not in Stasis application") from None
    return playing.snapshot


def wanted_recording(new: Create[LiveRecording], asked: ToRecord) -> Wanted:
    """The recording that ARI's parameters mean."""
    if asked.format not in recording.FORMATS:
        raise Unprocessable(
            "specified format is unknown on this system",
            detail=f"known formats are {', '.join(recording.FORMATS)}",
        )
    return Wanted(
        name=new.id or "",
        format=asked.format,
        max_duration_ms=asked.max_duration_seconds * 1000,
        max_silence_ms=asked.max_silence_seconds * 1000,
        if_exists=asked.if_exists,
        beep=asked.beep,
        terminate_on=recording.TERMINATORS[asked.terminate_on],
    )


FULL = "The tenant's recordings have as many bytes as they may have"


async def begun(start: Awaitable[LiveRecording], wanted: Wanted) -> LiveRecordingSnapshot:
    """Await the start of a recording, and say in ARI's words what went wrong."""
    try:
        return (await start).snapshot
    except BadName:
        why = "must be a path without '..' or hidden parts" if wanted.name else "is missing"
        raise OperationFailed("Error parsing request", detail=f"name {why}") from None
    except AlreadyExists:
        raise Conflict(
            f"Recording '{wanted.name}' already exists and can not be overwritten"
        ) from None
    except NoRoom:
        raise StorageFull(FULL) from None
    except NotRecordable:
        raise Conflict("Channel not in Stasis application") from None
    except NotAppendable as error:
        raise Unprocessable("ifExists can't be append", detail=str(error)) from None
    except OSError as error:
        raise OperationFailed("Internal Server Error", detail=str(error.strerror)) from None
