"""Operations on recordings, live and stored."""

from pathlib import Path
from typing import Annotated

import msgspec
import trio

from stasisd.core.recording import LiveRecording, NotRecording
from stasisd.core.snapshots import LiveRecordingSnapshot, StoredRecordingSnapshot
from stasisd.core.stored_recordings import AlreadyExists, BadName, StoredRecording, delete

from .declare import Control, Create, Delete, Each, Named, Read, operation
from .errors import Conflict, InvalidParameter, NotFound, OperationFailed, StorageFull
from .media import FULL

LIVE = {404: "Recording not found"}
CONTROLLED = {404: "Recording not found", 409: "Recording not in session"}


class MediaFile(msgspec.Struct, frozen=True):
    """A recording's file, for a binding to send: ``format`` is ARI's name of it."""

    path: Path
    format: str


def _stored(recording: StoredRecording) -> StoredRecordingSnapshot:
    return StoredRecordingSnapshot(recording.name, recording.format)


@operation("recordings.listStored", rest="GET /recordings/stored")
def list_stored(recordings: Each[StoredRecording]) -> list[StoredRecordingSnapshot]:
    """List all recordings on disk."""
    return [_stored(recording) for recording in recordings]


@operation("recordings.getStored", rest="GET /recordings/stored/{recordingName}", errors=LIVE)
def get_stored(recording: Read[StoredRecording]) -> StoredRecordingSnapshot:
    """Get one recording on disk."""
    return _stored(recording)


@operation(
    "recordings.getStoredFile",
    rest="GET /recordings/stored/{recordingName}/file",
    errors={403: "The recording file could not be opened", **LIVE},
)
def get_stored_file(recording: Read[StoredRecording]) -> MediaFile:
    """Get the file of a recording."""
    return MediaFile(recording.path, recording.format)


@operation("recordings.deleteStored", rest="DELETE /recordings/stored/{recordingName}", errors=LIVE)
async def delete_stored(recording: Delete[StoredRecording]) -> None:
    """Delete a recording."""
    try:
        await delete(recording)
    except FileNotFoundError:
        raise NotFound("Recording not found") from None
    except OSError as error:
        raise OperationFailed("Delete failed", detail=str(error.strerror)) from None


@operation(
    "recordings.copyStored",
    rest="POST /recordings/stored/{recordingName}/copy",
    errors={409: "A recording with the same name already exists on the system", **LIVE},
)
async def copy_stored(
    recording: Read[StoredRecording],
    new: Annotated[Create[StoredRecording], Named("destinationRecordingName")],
) -> StoredRecordingSnapshot:
    """Copy a recording."""
    room = await new.tenant.stored_recordings.room(new.tenant.limits.recording_bytes)
    try:
        if room is not None and (await trio.Path(recording.path).stat()).st_size > room:
            raise StorageFull(FULL)
        return _stored(await new.tenant.stored_recordings.copy(recording, new.id or ""))
    except BadName:
        raise InvalidParameter("Invalid destination recording name") from None
    except AlreadyExists:
        raise Conflict("A recording with the same name already exists on the system") from None
    except OSError as error:
        raise OperationFailed("Copy failed", detail=str(error.strerror)) from None


@operation("recordings.getLive", rest="GET /recordings/live/{recordingName}", errors=LIVE)
def get_live(recording: Read[LiveRecording]) -> LiveRecordingSnapshot:
    """Get a recording that is being made."""
    return recording.snapshot


@operation("recordings.cancel", rest="DELETE /recordings/live/{recordingName}", errors=LIVE)
def cancel(recording: Delete[LiveRecording]) -> None:
    """Stop a recording and throw it away."""
    recording.discard()


@operation("recordings.stop", rest="POST /recordings/live/{recordingName}/stop", errors=LIVE)
async def stop(recording: Control[LiveRecording]) -> None:
    """Stop a recording and keep it."""
    recording.stop()
    await recording.finished.wait()


def _control(recording: LiveRecording, action: str) -> None:
    try:
        recording.control(action)
    except NotRecording as refused:
        raise Conflict(str(refused)) from None


@operation(
    "recordings.pause", rest="POST /recordings/live/{recordingName}/pause", errors=CONTROLLED
)
def pause(recording: Control[LiveRecording]) -> None:
    """Pause a recording: what is said meanwhile is left out."""
    _control(recording, "pause")


@operation(
    "recordings.unpause", rest="DELETE /recordings/live/{recordingName}/pause", errors=CONTROLLED
)
def unpause(recording: Control[LiveRecording]) -> None:
    """Go on recording."""
    _control(recording, "unpause")


@operation("recordings.mute", rest="POST /recordings/live/{recordingName}/mute", errors=CONTROLLED)
def mute(recording: Control[LiveRecording]) -> None:
    """Record silence instead of what is said."""
    _control(recording, "mute")


@operation(
    "recordings.unmute", rest="DELETE /recordings/live/{recordingName}/mute", errors=CONTROLLED
)
def unmute(recording: Control[LiveRecording]) -> None:
    """Record what is said again."""
    _control(recording, "unmute")
