"""DTMF in sound, for all ports that want it at once (ITU-T Q.23, Q.24).

Every 10 ms the last 20 ms of each port are projected on the eight frequencies, their second
harmonics, in one matrix product. A window is a digit when

* one low and one high frequency stand out from the others of their group,
* neither is much louder than the other (twist: 8 dB high over low, 4 dB low over high),
* together they hold nearly all of the window's energy, and
* their harmonics are weak: voices are rich in them, generators are not (talk-off).

A digit begins with `BEGIN` windows in a row and ends with `END` windows without it; what is
interrupted for less is one digit.
"""

import numpy as np
from numpy.typing import NDArray

from .commands import DTMF_FREQUENCIES
from .ports import Ports, Rows

WINDOW = 160
HOP = 80
HOP_MS = 10
BEGIN = 2  # windows: 40 ms of tone hold two whole ones at least
END = 3
_LOWS = (697, 770, 852, 941)
_HIGHS = (1209, 1336, 1477, 1633)
_QUIETEST = 2.5e6 * WINDOW / 160  # energy of a tone pair at -36 dBm0 or so
_DIGITS = [
    next(digit for digit, pair in DTMF_FREQUENCIES.items() if pair == (low, high))
    for low in _LOWS
    for high in _HIGHS
]
_TWIST_HIGH, _TWIST_LOW = 10**0.8, 10**0.4
_STANDS_OUT = 6.3  # 8 dB over the other frequencies of the group
_PURE = 0.82  # of the energy is in the two
_HARMONIC = 0.12  # of a frequency's energy may be in its second harmonic
_NOTHING = -1


def _projector() -> NDArray[np.float32]:
    """Columns: cosines of all 16 frequencies, then sines, scaled so that squares are energies."""
    base = np.array(_LOWS + _HIGHS)
    frequencies = np.concatenate([base, 2 * base])
    turns = 2 * np.pi / 8000 * np.arange(WINDOW)[:, None] * frequencies
    waves = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    scaled: NDArray[np.float32] = (waves * np.sqrt(2 / WINDOW)).astype(np.float32)
    return scaled


_PROJECTOR = _projector()


def digits_in(windows: NDArray[np.float32]) -> NDArray[np.int64]:
    """For K x 160 samples, the index of the digit in each window, or -1."""
    energy = np.einsum("kn,kn->k", windows, windows)
    waves = windows @ _PROJECTOR
    power = waves[:, :16] ** 2 + waves[:, 16:] ** 2
    rows = np.arange(len(windows))
    low, high = power[:, :4].argmax(axis=1), power[:, 4:8].argmax(axis=1)
    best_low, best_high = power[rows, low], power[rows, 4 + high]
    second_low = np.partition(power[:, :4], 2, axis=1)[:, 2]
    second_high = np.partition(power[:, 4:8], 2, axis=1)[:, 2]
    good = energy > _QUIETEST
    good &= best_low + best_high > _PURE * energy
    good &= (best_low > _STANDS_OUT * second_low) & (best_high > _STANDS_OUT * second_high)
    good &= (best_high < _TWIST_HIGH * best_low) & (best_low < _TWIST_LOW * best_high)
    good &= power[rows, 8 + low] < _HARMONIC * best_low
    good &= power[rows, 12 + high] < _HARMONIC * best_high
    found: NDArray[np.int64] = np.where(good, 4 * low + high, _NOTHING)
    return found


class Detector:
    """The detectors of all ports, as arrays over slots."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        slots = ports.slots
        self._before = np.zeros((slots, HOP), np.float32)  # the end of the frame before
        self._candidate = np.full(slots, _NOTHING, np.int64)
        self._seen = np.zeros(slots, np.int64)  # windows with the candidate
        self._gone = np.zeros(slots, np.int64)  # windows without it since
        self._sounding = np.zeros(slots, np.bool_)

    def reset(self, slot: int) -> None:
        """Forget what the port has heard."""
        self._before[slot] = 0
        self._candidate[slot] = _NOTHING
        self._seen[slot] = self._gone[slot] = 0
        self._sounding[slot] = False

    def listen(self, rows: Rows) -> list[tuple[int, str, int]]:
        """Hear the `rx` of ports that want it: (slot, digit, ms) for each digit that ended."""
        listening = rows[self._ports.detect[rows]]
        if not len(listening):
            return []
        frames = self._ports.rx[listening].astype(np.float32)
        frames[~self._ports.rx_ok[listening]] = 0
        span = np.concatenate([self._before[listening], frames], axis=1)
        self._before[listening] = frames[:, -HOP:]
        windows = np.concatenate([span[:, :WINDOW], span[:, HOP : HOP + WINDOW]])
        found = digits_in(windows)
        quiet = (found == _NOTHING).all() and (self._candidate[listening] == _NOTHING).all()
        if quiet:
            return []
        ended = self._step(listening, found[: len(listening)])
        return ended + self._step(listening, found[len(listening) :])

    def _step(self, rows: Rows, found: NDArray[np.int64]) -> list[tuple[int, str, int]]:
        """Go one window further, the rows with something in it one by one: they are few."""
        moving = (found != _NOTHING) | (self._candidate[rows] != _NOTHING)
        ended = []
        for index in np.flatnonzero(moving):
            digit = self._advance(int(rows[index]), int(found[index]))
            if digit is not None:
                ended.append((int(rows[index]), *digit))
        return ended

    def _advance(self, slot: int, found: int) -> tuple[str, int] | None:
        if found == self._candidate[slot]:
            self._seen[slot] += 1 + self._gone[slot]
            self._gone[slot] = 0
            self._sounding[slot] |= self._seen[slot] >= BEGIN
            return None
        if not self._sounding[slot]:
            self._candidate[slot], self._seen[slot] = found, int(found != _NOTHING)
            self._gone[slot] = 0
            return None
        self._gone[slot] += 1
        if self._gone[slot] < END:
            return None
        ended = _DIGITS[self._candidate[slot]], int(self._seen[slot] + 1) * HOP_MS
        self._candidate[slot] = found
        self._seen[slot], self._gone[slot] = int(found != _NOTHING), 0
        self._sounding[slot] = False
        return ended
