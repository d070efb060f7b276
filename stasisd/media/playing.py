"""Playbacks of many ports: most frames are one gather, the rest are put together one by one.

A port that plays is inside a run of the library's arena: `at` is where, `left` how many samples
of the run remain. While a whole frame remains the port costs a row of a fancy index; at the end
of a run the frame is assembled from what follows, and a new run begins.
"""

import numpy as np

from .commands import AnySegment, ControlPlayback, FileSegment
from .library import Audio, Library
from .ports import Mask, Ports, Rows
from .reports import PlaybackEnded, PlaybackStarted, Report
from .timeline import Failed, Timeline

_RATE_MS = 8


class Playback:
    """One playback on one port; `position` is where its run ends on the timeline."""

    def __init__(self, number: int, slot: int, timeline: Timeline) -> None:
        self.number = number
        self.slot = slot
        self.timeline = timeline
        self.position = 0
        self.paused = False
        self.started = False
        self.heard = False  # some of it was sent: what is missing now is a gap


class Player:
    """The playbacks of all ports, one for each at most. Number 0 is one nobody waits for."""

    def __init__(self, ports: Ports, library: Library, reports: list[Report]) -> None:
        self._ports = ports
        self._library = library
        self._reports = reports
        self._at = np.zeros(ports.slots, np.int64)
        self._left = np.zeros(ports.slots, np.int64)
        self._on = np.zeros(ports.slots, np.bool_)  # plays and is not paused
        self.playbacks: dict[int, Playback] = {}

    def play(
        self,
        slot: int,
        number: int,
        segments: tuple[AnySegment, ...],
        offset_ms: int = 0,
        paused: bool = False,
        *,
        repeat: bool = False,
    ) -> None:
        """Begin a playback in place of the one there is."""
        self.stop(slot, "replaced")
        playback = Playback(number, slot, Timeline(segments, repeat=repeat))
        playback.position = offset_ms * _RATE_MS
        playback.paused = paused
        self.playbacks[slot] = playback
        self._left[slot] = 0
        for path in {part.path for part in segments if isinstance(part, FileSegment)}:
            self._library.open(path)
        self._go(playback)

    def opened(self, path: str, audio: Audio | str) -> None:
        """A file was looked at, which some playbacks may have waited for."""
        for playback in [p for p in self.playbacks.values() if path in p.timeline.missing]:
            if isinstance(audio, str):
                self._end(playback, ok=False, reason=audio)
            else:
                playback.timeline.enter(path, audio)
                self._go(playback)

    def _go(self, playback: Playback) -> None:
        ready = not playback.timeline.missing
        self._on[playback.slot] = ready and not playback.paused
        if ready and not playback.started:
            playback.started = True
            if playback.number:
                self._reports.append(PlaybackStarted(playback.number))

    def control(self, command: ControlPlayback) -> None:
        """Change a playback; one that is over is left in peace."""
        playback = self.playbacks.get(command.slot)
        if playback is None or playback.number != command.playback:
            return
        match command.action:
            case "pause" | "unpause":
                self._pause(playback, command.action == "pause")
            case "restart":
                self._seek(playback, 0)
            case "forward":
                self._seek(playback, self._position(playback) + command.ms * _RATE_MS)
            case "reverse":
                self._seek(playback, max(0, self._position(playback) - command.ms * _RATE_MS))
            case "stop":
                self.stop(command.slot, "stopped")

    def _position(self, playback: Playback) -> int:
        return playback.position - int(self._left[playback.slot])

    def _seek(self, playback: Playback, position: int) -> None:
        playback.position = position
        self._left[playback.slot] = 0

    def _pause(self, playback: Playback, paused: bool) -> None:
        self._seek(playback, self._position(playback))  # the arena is not held while paused
        playback.paused = paused
        self._go(playback)

    def stop(self, slot: int, reason: str) -> None:
        """End what the port plays, if anything."""
        playback = self.playbacks.get(slot)
        if playback is not None:
            self._end(playback, ok=True, reason=reason)

    def _end(self, playback: Playback, *, ok: bool, reason: str) -> None:
        del self.playbacks[playback.slot]
        self._on[playback.slot] = False
        position = self._position(playback)
        if not playback.timeline.missing:
            position = min(position, playback.timeline.length)
        if playback.number:
            milliseconds = position // _RATE_MS
            self._reports.append(PlaybackEnded(playback.number, ok, reason, milliseconds))

    def fill(self, rows: Rows) -> Mask:
        """Put the next frame of each row that plays into its `tx`; which rows those were."""
        playing = self._on[rows]
        if not playing.any():
            return playing
        frame = self._ports.frame
        whole = playing & (self._left[rows] >= frame)
        fast = rows[whole]
        self._ports.tx[fast] = self._library.frames[self._at[fast]]
        self._at[fast] += frame
        self._left[fast] -= frame
        for index in np.flatnonzero(playing & ~whole):
            playing[index] = self._assemble(int(rows[index]))
        return playing

    def _assemble(self, slot: int) -> bool:
        """Put a frame together over the seams of runs; False where there is nothing to send."""
        playback, out = self.playbacks[slot], self._ports.tx[slot]
        filled = 0
        try:
            while filled < len(out) and self._has_run(playback):
                filled += self._copy(slot, out[filled:])
        except Failed as failed:
            self._end(playback, ok=False, reason=str(failed))
            return False
        out[filled:] = 0
        if playback.position >= playback.timeline.length and not self._left[slot]:
            self._end(playback, ok=True, reason="finished")
            return filled > 0
        playback.heard |= filled > 0
        return playback.heard

    def _has_run(self, playback: Playback) -> bool:
        """Whether samples are at hand, if need be by entering the next run; raises Failed."""
        slot, timeline = playback.slot, playback.timeline
        if self._left[slot]:
            return True
        if playback.position >= timeline.length:
            return False
        run = timeline.run(self._library, playback.position)
        if run is not None:
            self._at[slot], self._left[slot] = run.at, run.count
            playback.position += run.count
        timeline.prepare(self._library, playback.position)
        return run is not None

    def _copy(self, slot: int, out: np.ndarray[tuple[int], np.dtype[np.int16]]) -> int:
        at, count = int(self._at[slot]), min(len(out), int(self._left[slot]))
        out[:count] = self._library.samples[at : at + count]
        self._at[slot] += count
        self._left[slot] -= count
        return count
