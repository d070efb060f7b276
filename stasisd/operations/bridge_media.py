"""Operations on what a bridge hears and says: play, record, and music."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from stasisd.core import attendant
from stasisd.core.attendant import NoMedia, NoMusic
from stasisd.core.bridge import Bridge
from stasisd.core.playback import Playback
from stasisd.core.recording import LiveRecording
from stasisd.core.snapshots import LiveRecordingSnapshot, PlaybackSnapshot

from .bridges import IN_STASIS, in_stasis
from .declare import Control, Create, Named, operation
from .errors import Conflict, OperationFailed, Unprocessable
from .media import RECORDING_ERRORS, ToPlay, ToRecord, begun, play_on, wanted_recording

# What a client may name as the format of the party that we put into the bridge. It changes
# nothing: all of a bridge is mixed in the one way.
FORMATS = {"ulaw", "alaw", "g722", "opus", "gsm", "slin", "slin12", "slin16", "slin24", "slin48"}


def _check_format(parameter: str, given: str) -> None:
    if given and given not in FORMATS:
        raise Unprocessable(
            f"specified {parameter} is unknown on this system",
            detail=f"known formats are {', '.join(sorted(FORMATS))}",
        )


@contextmanager
def _with_media(message: str) -> Iterator[None]:
    try:
        yield
    except NoMedia as unavailable:
        raise OperationFailed(message, detail=str(unavailable)) from None


@operation(
    "bridges.play",
    rest="POST /bridges/{bridgeId}/play",
    also={"playWithId": "POST /bridges/{bridgeId}/play/{playbackId}"},
    location="/playbacks/{id}",
    errors={**IN_STASIS, 422: "The format of the announcer is unknown"},
)
def play(
    bridge: Control[Bridge],
    new: Create[Playback],
    asked: ToPlay,
    announcer_format: Annotated[str, Named("announcer_format")] = "",
) -> PlaybackSnapshot:
    """Play a list of media to all in a bridge, after what is being played to it already."""
    in_stasis(bridge)
    _check_format("announcer_format", announcer_format)
    with _with_media("Could not create playback channel"):
        return play_on(new, lambda: attendant.announcer_of(bridge), asked)


@operation("bridges.startMoh", rest="POST /bridges/{bridgeId}/moh", errors=IN_STASIS)
def start_moh(bridge: Control[Bridge], moh_class: str = "") -> None:
    """Let all in a bridge hear music on hold: of a class, else the default one."""
    in_stasis(bridge)
    with _with_media("Allocation failed"):
        attendant.start_music(bridge, moh_class)


@operation("bridges.stopMoh", rest="DELETE /bridges/{bridgeId}/moh", errors=IN_STASIS)
def stop_moh(bridge: Control[Bridge]) -> None:
    """End the music on hold of a bridge."""
    in_stasis(bridge)
    try:
        attendant.stop_music(bridge)
    except NoMusic:
        raise Conflict("Bridge isn't playing music") from None


@operation(
    "bridges.record",
    rest="POST /bridges/{bridgeId}/record",
    location="/recordings/live/{name}",
    errors={404: "Bridge not found", **RECORDING_ERRORS},
)
async def record(
    bridge: Control[Bridge],
    new: Annotated[Create[LiveRecording], Named("name")],
    asked: ToRecord,
    recorder_format: Annotated[str, Named("recorder_format")] = "",
) -> LiveRecordingSnapshot:
    """Record what all in a bridge say together."""
    in_stasis(bridge)
    wanted = wanted_recording(new, asked)
    _check_format("recorder_format", recorder_format)
    with _with_media("Failed to create recording channel"):
        return await begun(attendant.record(bridge, wanted), wanted)
