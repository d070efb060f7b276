"""Operations on playbacks."""

from typing import Annotated

from stasisd.core.playback import OPERATIONS, NotPlaying, Playback
from stasisd.core.snapshots import PlaybackSnapshot

from .declare import Control, Delete, OneOf, Read, Required
from .declare import operation as declared
from .errors import Conflict

NOT_FOUND = {404: "The playback cannot be found"}


@declared("playbacks.get", rest="GET /playbacks/{playbackId}", errors=NOT_FOUND)
def get(playback: Read[Playback]) -> PlaybackSnapshot:
    """Get one playback."""
    return playback.snapshot


@declared("playbacks.stop", rest="DELETE /playbacks/{playbackId}", errors=NOT_FOUND)
def stop(playback: Delete[Playback]) -> None:
    """Stop a playback at once."""
    playback.stop()


@declared(
    "playbacks.control",
    rest="POST /playbacks/{playbackId}/control",
    errors={
        400: "The operation is unknown",
        404: "The playback cannot be found",
        409: "The playback is not in a state for this",
    },
)
def control(
    playback: Control[Playback],
    operation: Annotated[
        str, Required("Missing operation"), OneOf(OPERATIONS, "Invalid operation {value}")
    ],
) -> None:
    """Pause, go on, or move to another place of the media."""
    try:
        playback.control(operation)
    except NotPlaying as refused:
        raise Conflict(str(refused)) from None
