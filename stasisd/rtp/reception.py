"""What RFC 3550 counts about received packets, for many streams at once (appendices A.1, A.3, A.8).

Loss is what the sequence numbers promised less what came; jitter is smoothed by 1/16.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
_RESTART = 3000  # a sequence number this far off is a sender that began again (MAX_DROPOUT)


class Reception:
    """Counts of `rows` streams; times in seconds, timestamps in ticks of `clock` hertz."""

    def __init__(self, rows: int, clock: int = 8000) -> None:
        self._clock = clock
        self.packets = np.zeros(rows, np.int64)
        self.octets = np.zeros(rows, np.int64)
        self.ssrc = np.zeros(rows, np.uint32)
        self._lost_before = np.zeros(rows, np.int64)
        self._counted = np.zeros(rows, np.int64)
        self._first = np.zeros(rows, np.int64)
        self._highest = np.zeros(rows, np.int64)  # extended by the cycles
        self._transit = np.zeros(rows, np.int64)
        self._jitter = np.zeros(rows, np.float64)
        self._reported_expected = np.zeros(rows, np.int64)
        self._reported_received = np.zeros(rows, np.int64)

    def reset(self, row: int) -> None:
        """Begin to count `row` from nothing."""
        for array in vars(self).values():
            if isinstance(array, np.ndarray):
                array[row] = 0

    def update(
        self,
        rows: Rows,
        sequence: NDArray[np.uint16],
        timestamp: NDArray[np.uint32],
        ssrc: NDArray[np.uint32],
        octets: Rows,
        now: float,
    ) -> None:
        """Count one packet of each of K different rows, all read at `now`."""
        step = (sequence - self._highest[rows].astype(np.uint16)).view(np.int16).astype(np.int64)
        begun = (self._counted[rows] == 0) | (ssrc != self.ssrc[rows]) | (np.abs(step) > _RESTART)
        arrival = int(now * self._clock)
        transit = (arrival - timestamp.astype(np.int64)) & 0xFFFFFFFF
        if begun.any():
            self._begin(rows[begun], sequence[begun], ssrc[begun], transit[begun])
            step[begun] = 0
        self._highest[rows] += np.maximum(step, 0)
        self._counted[rows] += 1
        self.packets[rows] += 1
        self.octets[rows] += octets
        change = (transit - self._transit[rows]).astype(np.int32).astype(np.float64)
        self._transit[rows] = transit
        self._jitter[rows] += (np.abs(change) - self._jitter[rows]) / 16

    def _begin(
        self, rows: Rows, sequence: NDArray[np.uint16], ssrc: NDArray[np.uint32], transit: Rows
    ) -> None:
        self._lost_before[rows] += self.expected(rows) - self._counted[rows]
        self._counted[rows] = 0
        self._first[rows] = self._highest[rows] = sequence
        self.ssrc[rows] = ssrc
        self._transit[rows] = transit
        self._jitter[rows] = 0
        self._reported_expected[rows] = self._reported_received[rows] = 0

    def expected(self, rows: Rows) -> Rows:
        """How many packets each sender has sent by its sequence numbers."""
        return np.where(self._counted[rows] > 0, self._highest[rows] - self._first[rows] + 1, 0)

    def lost(self, row: int) -> int:
        """Packets that never came, over all senders of this row; duplicates can't make it less."""
        now = int(self.expected(np.array([row]))[0] - self._counted[row])
        return max(0, int(self._lost_before[row]) + now)

    def jitter(self, row: int) -> float:
        """Interarrival jitter in ticks of the clock."""
        return float(self._jitter[row])

    def highest(self, row: int) -> int:
        """Extended highest sequence number received."""
        return int(self._highest[row]) & 0xFFFFFFFF

    def fraction_lost(self, row: int) -> int:
        """Loss since the last call in 1/256 (for a report block)."""
        expected, received = int(self.expected(np.array([row]))[0]), int(self._counted[row])
        due = expected - int(self._reported_expected[row])
        lost = due - (received - int(self._reported_received[row]))
        self._reported_expected[row], self._reported_received[row] = expected, received
        return min(255, lost * 256 // due) if due > 0 and lost > 0 else 0
