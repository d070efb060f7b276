"""What a phone hears, in the order of time: packets by their timestamps, silence between them."""

import numpy as np
from numpy.typing import NDArray

RATE = 8000
Samples = NDArray[np.int16]

# How late a packet may be: this much of the past is not told yet.
_LATENESS = RATE // 10
# A timestamp further from the clock than this begins a new stream.
_ASTRAY = RATE


class Heard:
    """Sound as it was sent: a gap in the packets is a gap in the sound, however they travelled.

    ``now`` is in seconds on one clock; the sound begins at ``start``.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._samples: Samples = np.zeros(RATE, np.int16)
        self._end = 0
        self._source: int | None = None
        self._anchor = 0  # where the timestamp 0 of the source lies

    def receive(self, source: int, timestamp: int, samples: Samples, now: float) -> None:
        """Put the sound of a packet in its place."""
        arrived = self._position(now)
        place = arrived + _signed(self._anchor + timestamp - arrived)
        if source != self._source or abs(place - arrived) > _ASTRAY:
            self._source, self._anchor, place = source, arrived - timestamp, arrived
        self._put(max(place, 0), samples)

    def _put(self, place: int, samples: Samples) -> None:
        end = place + len(samples)
        self._reserve(end)
        self._samples[place:end] = samples
        self._end = max(self._end, end)

    def _reserve(self, length: int) -> None:
        if length > len(self._samples):
            more = np.zeros(max(length, 2 * len(self._samples)), np.int16)
            more[: self._end] = self._samples[: self._end]
            self._samples = more

    def _position(self, now: float) -> int:
        return int((now - self._start) * RATE)

    def samples(self, now: float) -> Samples:
        """All that was heard until now, with the silence since the last packet."""
        end = max(self._end, self._position(now) - _LATENESS, 0)
        self._reserve(end)
        return self._samples[:end]


def _signed(difference: int) -> int:
    """A difference of timestamps modulo 2**32, as the nearer of both."""
    return (difference + 0x80000000) % 0x100000000 - 0x80000000
