"""Single tones in what comes in and goes out, for the ports that listen for one.

Each frame is projected on the two waves of the frequency that its port listens for, all in one
product. The waves are orthonormal, so that the squares of the two numbers are the tone's part of
the frame's energy, whatever its phase. A frame holds the tone when that part is so many decibels
above the rest. A tone is told once, when its frames are as many as its shortest duration holds; a
single frame without it does not end it.
"""

import numpy as np
from numpy.typing import NDArray

from .ports import Ports, Rows, phase_of
from .reports import Report, ToneDetected

FRAME_MS = 20
_SLACK = 0.9  # of the duration is enough
_QUIETEST = 80.0**2 / 2  # mean square of a tone at -49 dBm0


def frames_of(duration_ms: int, frame: int = 160) -> int:
    """How many frames in a row a tone of this duration fills at least, however they are cut."""
    samples = int(duration_ms * 8 * _SLACK)
    return max(1, (samples - (frame - 1)) // frame)


def waves_of(frequency: int, rate: int, frame: int) -> NDArray[np.float32]:
    """2 x n: an orthonormal base of all waves of this frequency in hertz."""
    turns = 2 * np.pi * frequency / rate * np.arange(frame)
    base, _ = np.linalg.qr(np.stack([np.cos(turns), np.sin(turns)], axis=1))
    waves: NDArray[np.float32] = base.T.astype(np.float32)
    return waves


class Ear:
    """One side of all ports: `frames` and `flags` over slots, and what is listened for there."""

    def __init__(self, ports: Ports, frames: NDArray[np.int16], flags: NDArray[np.bool_]) -> None:
        slots = ports.slots
        self._ports = ports
        self._frames = frames
        self._flags = flags
        self._waves = np.zeros((slots, 2, ports.frame), np.float32)
        self._part = np.zeros(slots, np.float32)  # of the energy that has to be the tone's
        self._wanted = np.zeros(slots, np.int64)  # frames; 0: nobody listens
        self._seen = np.zeros(slots, np.int64)
        self._missed = np.zeros(slots, np.bool_)  # the last frame was without the tone
        self._due: dict[int, Rows] = {}

    def detect(self, slot: int, frequency: int, duration_ms: int, decibels: int) -> None:
        """Listen for a tone from now on; a frequency of 0 ends that."""
        self._seen[slot] = self._wanted[slot] = 0
        if frequency:
            self._wanted[slot] = frames_of(duration_ms, self._ports.frame)
            self._waves[slot] = waves_of(frequency, self._ports.rate, self._ports.frame)
            ratio = 10 ** (decibels / 10)
            self._part[slot] = ratio / (ratio + 1)
        self._due.clear()

    def _listening(self, phase: int) -> Rows:
        found = self._due.get(phase)
        if found is None:
            slots = np.flatnonzero(self._wanted)
            found = self._due[phase] = slots[phase_of(slots) == phase]
        return found

    def listen(self, phase: int) -> Rows:
        """Hear the next frame of the ports of this phase; those where a tone is long enough now."""
        rows = self._listening(phase)
        if not len(rows):
            return rows
        frames = self._frames[rows].astype(np.float32)
        energy = np.einsum("kn,kn->k", frames, frames)
        tone = (np.matmul(self._waves[rows], frames[:, :, None]) ** 2).sum(axis=(1, 2))
        has_it = self._flags[rows] & (tone > _QUIETEST * frames.shape[1])
        has_it &= tone > self._part[rows] * energy
        goes_on = has_it | ((self._seen[rows] > 0) & ~self._missed[rows])
        self._seen[rows] = np.where(goes_on, self._seen[rows] + 1, 0)
        self._missed[rows] = ~has_it
        told: Rows = rows[self._seen[rows] == self._wanted[rows]]
        return told


class Tones:
    """The ears at both sides of the ports."""

    def __init__(self, ports: Ports, reports: list[Report]) -> None:
        self._ports = ports
        self._reports = reports
        self._in = Ear(ports, ports.rx, ports.rx_ok)
        self._out = Ear(ports, ports.tx, ports.tx_ok)

    def detect(
        self, slot: int, *, outgoing: bool, frequency: int, duration_ms: int, decibels: int
    ) -> None:
        """Listen for a tone on one side of a port; a frequency of 0 ends that."""
        ear = self._out if outgoing else self._in
        ear.detect(slot, frequency, duration_ms, decibels)

    def forget(self, slot: int) -> None:
        """The port ends."""
        for ear in (self._in, self._out):
            ear.detect(slot, 0, 0, 0)

    def coming_in(self, phase: int) -> None:
        """The `rx` of the ports of this phase is there."""
        self._tell(self._in.listen(phase), outgoing=False)

    def going_out(self, phase: int) -> None:
        """The `tx` of the ports of this phase is there."""
        self._tell(self._out.listen(phase), outgoing=True)

    def _tell(self, slots: Rows, *, outgoing: bool) -> None:
        for slot in slots:
            generation = int(self._ports.generation[slot])
            self._reports.append(ToneDetected(int(slot), generation, outgoing))
