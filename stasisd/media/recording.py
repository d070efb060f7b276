"""Recordings of many ports: a second of frames each, written by the disk thread in turns.

Each tick appends the `rx` of all recorded ports to their buffers at once. The buffers are handed
to the disk in turns, a few per tick, so that a thousand files are not written in one burst.
"""

import numpy as np
from numpy.typing import NDArray

from .commands import Record, RecordingAction, RecordSpec
from .digits import BEEP_MS
from .disk import Disk
from .ports import Ports, Rows, phase_of
from .reports import RecordingEnd, RecordingEnded, RecordingStarted, Report
from .wave import CODINGS, WaveFile

EVERY = 50  # frames between two writes of one file
BEHIND = 30  # writes that a disk may owe a recording before it is given up
TALKING = 256  # mean absolute sample of a frame with speech
FRAME_MS = 20


class Sink:
    """A file as the disk sees it; after an error it takes nothing more."""

    def __init__(self, row: int, number: int, spec: RecordSpec) -> None:
        self.row = row
        self.number = number
        self.spec = spec
        self.file: WaveFile | None = None
        self.error: str | None = None
        self.owed = 0


class OpenFile:
    """Makes the file."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    def run(self) -> None:
        """Leave the file or the error in the sink."""
        sink = self.sink
        spec = sink.spec
        try:
            sink.file = WaveFile(spec.path, CODINGS[spec.format], spec.if_exists)
        except (OSError, ValueError) as error:
            sink.error = _reason(error)


class Append:
    """Writes some frames."""

    def __init__(self, sink: Sink, samples: NDArray[np.int16]) -> None:
        self.sink = sink
        self._samples = samples

    def run(self) -> None:
        """Write, or leave the error in the sink."""
        sink = self.sink
        if sink.file is None or sink.error is not None:
            return
        try:
            sink.file.append(CODINGS[sink.spec.format].encode(self._samples))
        except OSError as error:
            sink.error = _reason(error)


class CloseFile:
    """Ends the file, or takes it away."""

    def __init__(self, sink: Sink, end: RecordingEnded) -> None:
        self.sink = sink
        self.end = end

    def run(self) -> None:
        """Close; leave an error in the sink."""
        file, self.sink.file = self.sink.file, None
        if file is None:
            return
        try:
            if self.end.why == "discarded":
                file.discard()
            else:
                file.close()
        except OSError as error:
            self.sink.error = self.sink.error or _reason(error)


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


class Recorders:
    """All recordings, as arrays over rows of their own: a port may have several."""

    def __init__(self, ports: Ports, disk: Disk, reports: list[Report]) -> None:
        rows = ports.slots
        self._ports = ports
        self._disk = disk
        self._reports = reports
        self._frames = np.zeros((rows, EVERY, ports.frame), np.int16)
        self._count = np.zeros(rows, np.int64)  # frames in the buffer
        self._slot = np.zeros(rows, np.int64)
        self._paused = np.zeros(rows, np.bool_)
        self._muted = np.zeros(rows, np.bool_)
        self._wait = np.zeros(rows, np.int64)  # frames until it begins (the beep)
        self._total = np.zeros(rows, np.int64)
        self._talking = np.zeros(rows, np.int64)
        self._quiet = np.zeros(rows, np.int64)  # frames of silence at the end
        self._most = np.zeros(rows, np.int64)
        self._most_quiet = np.zeros(rows, np.int64)
        self._free = list(range(rows - 1, -1, -1))
        self._sinks: dict[int, Sink] = {}  # by row
        self._rows: dict[int, int] = {}  # by the recording's number
        self._closing = 0
        self._by_phase: dict[int, Rows] = {}

    @property
    def count(self) -> int:
        """Recordings that run."""
        return len(self._sinks)

    @property
    def files(self) -> int:
        """Files that are open, or on their way to be closed."""
        return len(self._sinks) + self._closing

    def record(self, command: Record) -> None:
        """Begin a recording."""
        spec, row = command.spec, self._free.pop()
        sink = Sink(row, command.recording, spec)
        self._sinks[row], self._rows[command.recording] = sink, row
        self._slot[row] = command.slot
        for counts in (self._count, self._total, self._talking, self._quiet):
            counts[row] = 0
        self._paused[row] = self._muted[row] = False
        self._wait[row] = BEEP_MS // FRAME_MS if spec.beep else 0
        self._most[row] = _frames(spec.max_duration_ms)
        self._most_quiet[row] = _frames(spec.max_silence_ms)
        self._by_phase.clear()
        self._submit(sink, OpenFile(sink))

    def _submit(self, sink: Sink, job: OpenFile | Append | CloseFile) -> None:
        sink.owed += 1
        self._disk.submit(job)

    def control(self, number: int, action: RecordingAction) -> None:
        """Change a recording; one that is over is left in peace."""
        row = self._rows.get(number)
        if row is None:
            return
        match action:
            case "pause" | "unpause":
                self._paused[row] = action == "pause"
            case "mute" | "unmute":
                self._muted[row] = action == "mute"
            case "stop":
                self._end(row, "stopped")
            case "discard":
                self._end(row, "discarded")

    def digit(self, slot: int, digit: str) -> None:
        """A port received a digit, which may end its recordings."""
        for row, sink in list(self._sinks.items()):
            if self._slot[row] == slot and digit in sink.spec.terminate_on:
                self._end(row, "dtmf")

    def close(self, slot: int) -> None:
        """A port ends, and its recordings with it."""
        for row in [row for row in self._sinks if self._slot[row] == slot]:
            self._end(row, "hangup")

    def end_all(self) -> None:
        """The process ends."""
        for row in list(self._sinks):
            self._end(row, "hangup")

    def collect(self) -> None:
        """See what the disk has done."""
        for job in self._disk.completed():
            if isinstance(job, CloseFile):
                self._closing -= 1
                self._reports.append(_ended(job))
            elif isinstance(job, OpenFile | Append):
                self._done(job)

    def _done(self, job: OpenFile | Append) -> None:
        sink = job.sink
        sink.owed -= 1
        if self._sinks.get(sink.row) is not sink:
            return
        if sink.error is not None:
            self._end(sink.row, "failed")
        elif isinstance(job, OpenFile):
            self._reports.append(RecordingStarted(sink.number))

    def tick(self, phase: int, frame_number: int) -> None:
        """Take a frame of each recorded port of this phase."""
        if not self._sinks:
            return
        rows = self._due(phase)
        live = rows[~self._paused[rows]]
        self._wait[live] -= 1
        live = live[self._wait[live] < 0]
        if len(live):
            self._take(live)
            self._check(live)
        turn = frame_number % EVERY
        for row in rows[(rows % EVERY == turn) | (self._count[rows] == EVERY)]:
            if int(row) in self._sinks:
                self._write(int(row))

    def _due(self, phase: int) -> Rows:
        found = self._by_phase.get(phase)
        if found is None:
            rows = np.array(sorted(self._sinks), np.int64)
            found = self._by_phase[phase] = rows[phase_of(self._slot[rows]) == phase]
        return found

    def _take(self, live: Rows) -> None:
        slots = self._slot[live]
        frames = self._ports.rx[slots]
        frames[~self._ports.rx_ok[slots] | self._muted[live]] = 0
        self._frames[live, self._count[live]] = frames
        self._count[live] += 1
        self._total[live] += 1
        talks = np.abs(frames.astype(np.float32)).mean(axis=1) >= TALKING
        self._talking[live] += talks
        self._quiet[live] = np.where(talks, 0, self._quiet[live] + 1)

    def _check(self, live: Rows) -> None:
        full = (self._most[live] > 0) & (self._total[live] >= self._most[live])
        quiet = (self._most_quiet[live] > 0) & (self._quiet[live] >= self._most_quiet[live])
        for row in live[full | quiet]:
            long_enough = 0 < self._most[row] <= self._total[row]
            self._end(int(row), "max_duration" if long_enough else "max_silence")

    def _write(self, row: int) -> None:
        sink, count = self._sinks[row], int(self._count[row])
        if sink.owed > BEHIND:
            sink.error = "the disk is too slow"
            self._end(row, "failed")
        elif count:
            self._submit(sink, Append(sink, self._frames[row, :count].reshape(-1).copy()))
            self._count[row] = 0

    def _end(self, row: int, why: RecordingEnd) -> None:
        if why != "failed":
            self._write(row)
        sink = self._sinks.pop(row, None)
        if sink is None:
            return  # the last write failed it
        del self._rows[sink.number]
        self._free.append(row)
        self._by_phase.clear()
        self._closing += 1
        total, talking = int(self._total[row]), int(self._talking[row])
        end = RecordingEnded(
            handle=sink.number,
            ok=why != "failed",
            why=why,
            reason="",
            duration_ms=total * FRAME_MS,
            talking_ms=talking * FRAME_MS,
            silence_ms=(total - talking) * FRAME_MS,
        )
        self._submit(sink, CloseFile(sink, end))


def _ended(job: CloseFile) -> RecordingEnded:
    end, error = job.end, job.sink.error
    if error is None:
        return end
    return RecordingEnded(
        end.handle, False, "failed", error, end.duration_ms, end.talking_ms, end.silence_ms
    )


def _frames(ms: int) -> int:
    return -(-ms // FRAME_MS)
