"""A jitter buffer for many streams at once, as arrays.

The unit is 10 ms of audio, placed by RTP timestamp, so that packets of 10, 20, 30, 40 or 60 ms
all fit the same ring. Each stream (row) has a ring of `UNITS` units with a tag per cell (which
unit lies there), and `read`, the next unit to be played. A frame of two units is taken each tick.

* reordered: lands in its own cell; duplicate: its tag is there already, ignored
* late (before `read`): ignored and counted, unless it is new and nothing is queued: then play-out
  has run ahead of the sender (jitter or drift), and moves back to the packet
* far ahead, another SSRC, or a jump of the sequence number: the stream starts again
* missing: the last frame is repeated and fades; after `CONCEALED` frames the row falls silent
* too much queued for a second (drift, or a burst is over): one frame is dropped
"""

import numpy as np
from numpy.typing import NDArray

UNITS = 32  # 320 ms
DELAY = 2  # units queued before a stream begins: one frame beyond the wait for the next tick
CONCEALED = 3  # frames
SEQUENCE_JUMP = 100
_FADE = np.array([1.0, 0.8, 0.5, 0.25, 0.0], np.float32)
_SHRINK_EVERY = 64  # frames
_SHRINK_ABOVE = DELAY + 4  # units that were never needed for as long
_NONE = -1
_PAIR = np.arange(2)

Rows = NDArray[np.int64]


class JitterBuffer:
    """Rings for `rows` streams of int16 samples; `unit` is the number of samples in 10 ms."""

    def __init__(self, rows: int, unit: int = 80) -> None:
        self.unit = unit
        self._cells = np.zeros((rows, UNITS, unit), np.int16)
        self._tags = np.full((rows, UNITS), _NONE, np.int64)
        self._heard = np.zeros((rows, 2, unit), np.int16)
        self._active = np.zeros(rows, np.bool_)
        self._ssrc = np.zeros(rows, np.uint32)
        self._sequence = np.zeros(rows, np.uint16)
        self._read = np.zeros(rows, np.int64)
        self._read_timestamp = np.zeros(rows, np.uint32)
        self._end = np.zeros(rows, np.int64)
        self._missed = np.zeros(rows, np.int64)
        self._spare = np.full(rows, UNITS, np.int64)
        self._taken = np.zeros(rows, np.int64)
        self.late = np.zeros(rows, np.int64)
        self.duplicates = np.zeros(rows, np.int64)
        self.resyncs = np.zeros(rows, np.int64)
        self.concealed = np.zeros(rows, np.int64)

    def reset(self, row: int) -> None:
        """Forget the stream of `row` and its counts."""
        self._active[row] = False
        self._tags[row] = _NONE
        for count in (self.late, self.duplicates, self.resyncs, self.concealed):
            count[row] = 0

    def put(
        self,
        rows: Rows,
        sequence: NDArray[np.uint16],
        timestamp: NDArray[np.uint32],
        ssrc: NDArray[np.uint32],
        samples: NDArray[np.int16],
    ) -> None:
        """Store one packet for each of K different rows; `samples` is K x (n units)."""
        units = samples.shape[1] // self.unit
        step = (sequence - self._sequence[rows]).view(np.int16).astype(np.int32)
        jump = np.abs(step) > SEQUENCE_JUMP
        fresh = ~self._active[rows] | (ssrc != self._ssrc[rows]) | jump
        ahead = self._ahead(rows, timestamp)
        fresh |= (ahead + units > UNITS) | (ahead < -UNITS)
        if fresh.any():
            self._start(rows[fresh], timestamp[fresh])
            ahead[fresh] = DELAY
        self._ssrc[rows] = ssrc
        self._sequence[rows] = sequence
        first = self._read[rows] + ahead
        late = ahead < 0
        if late.any():
            kept = ~self._step_back(rows, first, late, newer=step > 0)
            rows, first, samples = rows[kept], first[kept], samples[kept]
        self._store(rows, first, samples.reshape(len(rows), units, self.unit))

    def _ahead(self, rows: Rows, timestamp: NDArray[np.uint32]) -> Rows:
        """By how many units each timestamp is ahead of play-out, to the nearest."""
        distance = (timestamp - self._read_timestamp[rows]).view(np.int32).astype(np.int64)
        return (distance + self.unit // 2) // self.unit

    def _start(self, rows: Rows, timestamp: NDArray[np.uint32]) -> None:
        self.resyncs[rows] += self._active[rows]
        self._active[rows] = True
        self._tags[rows] = _NONE
        self._read_timestamp[rows] = timestamp - np.uint32(DELAY * self.unit)
        self._end[rows] = self._read[rows]
        self._missed[rows] = 0
        self._spare[rows] = UNITS
        self._heard[rows] = 0

    def _step_back(
        self, rows: Rows, first: Rows, late: NDArray[np.bool_], *, newer: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Move play-out back to late packets where nothing else is queued; which stay late."""
        back = late & newer & (self._end[rows] <= self._read[rows])
        moved, by = rows[back], (self._read[rows] - first)[back]
        self._read[moved] -= by
        self._read_timestamp[moved] -= (by * self.unit).astype(np.uint32)
        self._spare[moved] = UNITS
        self.resyncs[moved] += 1
        self.late[rows[late & ~back]] += 1
        return late & ~back

    def _store(self, rows: Rows, first: Rows, samples: NDArray[np.int16]) -> None:
        units = samples.shape[1]
        numbers = first[:, None] + (_PAIR if units == 2 else np.arange(units))
        cells = numbers % UNITS
        seen = self._tags[rows[:, None], cells] == numbers
        self.duplicates[rows] += seen[:, 0]
        self._tags[rows[:, None], cells] = numbers
        self._cells[rows[:, None], cells] = samples
        self._end[rows] = np.maximum(self._end[rows], first + units)

    def take(self, rows: Rows) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """The next 20 ms of each row: (K x 2 units of samples, whether there is sound at all)."""
        active = self._active[rows]
        numbers = self._read[rows, None] + _PAIR
        cells = numbers % UNITS
        at = rows[:, None]
        present = (self._tags[at, cells] == numbers) & active[:, None]
        frames = self._cells[at, cells]
        whole = present.all(axis=1)
        if not whole.all():
            self._conceal(rows, frames, present, active & ~whole)
        self._missed[rows] = np.where(whole, 0, self._missed[rows] + 1)
        self._heard[rows] = frames
        self._advance(rows, active)
        return frames.reshape(len(rows), 2 * self.unit), active

    def _conceal(
        self,
        rows: Rows,
        frames: NDArray[np.int16],
        present: NDArray[np.bool_],
        torn: NDArray[np.bool_],
    ) -> None:
        missed = self._missed[rows]
        gain = _FADE[np.minimum(missed, len(_FADE) - 1)]
        repeated = (self._heard[rows] * gain[:, None, None]).astype(np.int16)
        frames[~present] = repeated[~present]
        self.concealed[rows[torn]] += 1
        over = torn & (missed >= CONCEALED) & (self._end[rows] <= self._read[rows])
        self._active[rows[over]] = False

    def _advance(self, rows: Rows, active: NDArray[np.bool_]) -> None:
        live = rows[active]
        self._read[live] += 2
        self._read_timestamp[live] += np.uint32(2 * self.unit)
        self._taken[live] += 1
        self._spare[live] = np.minimum(self._spare[live], self._end[live] - self._read[live])
        due = live[self._taken[live] % _SHRINK_EVERY == 0]
        if len(due):
            full = due[self._spare[due] >= _SHRINK_ABOVE]
            self._read[full] += 2
            self._read_timestamp[full] += np.uint32(2 * self.unit)
            self._spare[due] = UNITS
