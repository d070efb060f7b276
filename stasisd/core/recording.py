"""A recording being made of a channel or a bridge."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import trio

from stasisd.media.commands import IfExists, RecordingFormat, RecordSpec
from stasisd.media.control import Recording
from stasisd.media.reports import RecordingEnded

from . import events
from .cause import Ending
from .conversion import CODINGS, convert
from .limits import NoRoom
from .snapshots import LiveRecordingSnapshot
from .stored_recordings import AlreadyExists

if TYPE_CHECKING:
    from .stage import Stage
    from .tenant import Tenant

# ARI's names of formats, and what the media process makes of them.
FORMATS: dict[str, RecordingFormat] = {
    "wav": "wav",
    "wav_ulaw": "wav_ulaw",
    "wav_alaw": "wav_alaw",
    "ulaw": "ulaw",
    "alaw": "alaw",
    "slin": "sln",
    "sln": "sln",
    "raw": "sln",
    # These are made of a WAV when it has ended.
    "flac": "wav",
    "ogg": "wav",
}
# How long a hangup waits for the media process to finish the file.
FINISH_SECONDS = 2

BYTES_PER_MS: dict[RecordingFormat, int] = {
    "wav": 16, "sln": 16, "wav_ulaw": 8, "wav_alaw": 8, "ulaw": 8, "alaw": 8,
}  # fmt: skip
EXTENSIONS = {
    name: f".{'wav' if form.startswith('wav') else form}" for name, form in FORMATS.items()
}
IF_EXISTS: dict[str, IfExists] = {
    "fail": "fail",
    "overwrite": "overwrite",
    "append": "append",
}
TERMINATORS = {"none": "", "any": "0123456789*#ABCD", "*": "*", "#": "#"}

# The state that a control leads to. Muting is no state in ARI.
CONTROLS = {
    ("recording", "pause"): "paused",
    ("paused", "pause"): "paused",
    ("paused", "unpause"): "recording",
    ("recording", "unpause"): "recording",
    ("recording", "mute"): "recording",
    ("recording", "unmute"): "recording",
    ("paused", "mute"): "paused",
    ("paused", "unmute"): "paused",
}


class NotRecording(Exception):
    """A control was asked for in a state that does not allow it; the message names the state."""


class LiveRecording:
    """Made by :func:`record`; known by its name until it has ended."""

    def __init__(self, stage: "Stage", wanted: "Wanted", path: Path, handle: Recording) -> None:
        """``handle`` is the recording in the media process, ``path`` its file."""
        self.stage = stage
        self.name = wanted.name
        self.finished = trio.Event()
        self.snapshot = LiveRecordingSnapshot(
            name=wanted.name,
            format=wanted.format,
            target_uri=stage.target_uri,
            state="queued",
        )
        self._handle = handle
        self._path = path
        self._ending = Ending()
        self._watches_silence = wanted.max_silence_ms > 0

    @property
    def application_name(self) -> str | None:
        """The application that has what is recorded, for caveats."""
        return self.stage.application_name

    async def run(self) -> None:
        """Record until it ends by itself, is stopped, or the channel is hung up.

        The hangup finishes the recording: what was said is kept, and told before the channel
        is destroyed.
        """
        handle = self._handle
        self._change(events.RecordingStarted, state="recording")
        ended = None
        try:
            ended = await handle.wait_ended()
        finally:
            if ended is None:
                handle.stop()
                with trio.move_on_after(FINISH_SECONDS, shield=True):
                    ended = await handle.wait_ended()
            if ended is not None and ended.ok and ended.why != "discarded":
                await self._convert()
            self._ending.take_over()
            self._finish(ended)

    async def _convert(self) -> None:
        """Give the file the format that was asked for; what can't have it stays a WAV."""
        form = self.snapshot.format
        if form in CODINGS and not await convert(self._path, form, self.stage.tenant.converting):
            self.snapshot = msgspec.structs.replace(self.snapshot, format="wav")

    def _finish(self, ended: RecordingEnded | None) -> None:
        self.stage.tenant.recordings.pop(self.name, None)
        if ended is None:
            self._change(
                events.RecordingFailed, state="failed", cause="the media process did not answer"
            )
        elif not ended.ok:
            self._change(events.RecordingFailed, state="failed", cause=ended.reason)
        elif ended.why == "discarded":
            self._change(events.RecordingFailed, state="canceled", cause="it was discarded")
        else:
            self._change(events.RecordingFinished, state="done", **self._durations(ended))
        self.finished.set()

    def _durations(self, ended: RecordingEnded) -> dict[str, int]:
        """Whole seconds; talking and silence are told where silence was watched for."""
        durations = {"duration": ended.duration_ms // 1000}
        if self._watches_silence:
            durations["talking_duration"] = ended.talking_ms // 1000
            durations["silence_duration"] = ended.silence_ms // 1000
        return durations

    def _change(self, event: type[events.RecordingEvent], **fields: object) -> None:
        self.snapshot = msgspec.structs.replace(self.snapshot, **fields)
        self.stage.tenant.publish(event, self.stage.topics, recording=self.snapshot)

    def stop(self) -> None:
        """End it and keep the file."""
        self._ending.by_now()
        self._handle.stop()

    def discard(self) -> None:
        """End it and throw the file away."""
        self._ending.by_now()
        self._handle.discard()

    def control(self, operation: str) -> None:
        """Carry out pause, unpause, mute or unmute. Raises :class:`NotRecording`."""
        after = CONTROLS.get((self.snapshot.state, operation))
        if after is None:
            raise NotRecording(f"The recording is {self.snapshot.state}")
        handle = self._handle
        if operation == "pause":
            handle.pause()
        elif operation == "unpause":
            handle.unpause()
        elif operation == "mute":
            handle.mute()
        else:
            handle.unmute()
        self.snapshot = msgspec.structs.replace(self.snapshot, state=after)


class NotRecordable(Exception):
    """The channel or bridge is over and can't be recorded."""


class NotAppendable(Exception):
    """The format's files can't be made longer."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A recording as it is asked for; ``format`` is ARI's name, durations of 0 are endless."""

    name: str
    format: str
    max_duration_ms: int = 0
    max_silence_ms: int = 0
    if_exists: str = "fail"
    beep: bool = False
    terminate_on: str = ""


async def record(stage: "Stage", wanted: Wanted) -> LiveRecording:
    """Start to record what comes in where the stage is.

    Raises what :func:`prepare` and :func:`begin` raise.
    """
    return begin(stage, wanted, await prepare(stage.tenant, wanted))


async def prepare(tenant: "Tenant", wanted: Wanted) -> RecordSpec:
    """Find the file that a recording goes to. To be begun before anything is awaited.

    Raises :class:`~.stored_recordings.BadName`, :class:`~.stored_recordings.AlreadyExists` (also
    for one that is being made), :class:`NotAppendable`, :class:`~.limits.NoRoom`, or OSError.
    """
    longest_ms = await _room_for(tenant, wanted)
    path = await tenant.stored_recordings.place(
        wanted.name, EXTENSIONS[wanted.format], may_exist=wanted.if_exists != "fail"
    )
    if wanted.name in tenant.recordings:
        raise AlreadyExists(wanted.name)
    if wanted.format in CODINGS and wanted.if_exists == "append":
        raise NotAppendable(f"{wanted.format} can't be appended to")
    return RecordSpec(
        path=str(path),
        format=FORMATS[wanted.format],
        if_exists=IF_EXISTS[wanted.if_exists],
        max_duration_ms=longest_ms,
        max_silence_ms=wanted.max_silence_ms,
        terminate_on=wanted.terminate_on,
        beep=wanted.beep,
    )


async def _room_for(tenant: "Tenant", wanted: Wanted) -> int:
    """How long a recording may be, in milliseconds: as asked for, and as there is room."""
    room = await tenant.stored_recordings.room(tenant.limits.recording_bytes)
    if room is None:
        return wanted.max_duration_ms
    longest = room // BYTES_PER_MS[FORMATS[wanted.format]]
    if not longest:
        raise NoRoom
    return min(wanted.max_duration_ms or longest, longest)


def begin(stage: "Stage", wanted: Wanted, spec: RecordSpec) -> LiveRecording:
    """Start what was prepared. Raises :class:`NotRecordable`."""
    if not stage.is_open or stage.port is None:
        raise NotRecordable
    recording = LiveRecording(stage, wanted, Path(spec.path), stage.port.record(spec))
    stage.tenant.recordings[wanted.name] = recording
    stage.start_soon(recording.run)
    return recording
