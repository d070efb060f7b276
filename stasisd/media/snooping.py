"""Snoops: ports that listen to what passes another port, and speak into it.

Each port has two sides: what comes in from its far end (`rx`), and what goes out (`tx`). A snoop
hears a side before anything is whispered into it, so it does not hear itself.
"""

import numpy as np
from numpy.typing import NDArray

from .commands import Direction
from .ports import NOBODY, Mask, Ports, Rows, phase_of


class Tap:
    """One side of all ports: `frames` and `flags` over slots, and the snoops that are at it."""

    def __init__(self, frames: NDArray[np.int16], flags: Mask) -> None:
        self._frames = frames
        self._flags = flags
        self.spies = np.zeros(len(flags), np.bool_)
        self.whispers = np.zeros(len(flags), np.bool_)
        self._heard = np.zeros_like(frames)
        self._heard_any = np.zeros_like(flags)

    def open(self, slot: int, *, spies: bool, whispers: bool) -> None:
        """Begin with a snoop, which has heard nothing yet."""
        self.spies[slot], self.whispers[slot] = spies, whispers
        self._heard[slot] = self._heard_any[slot] = 0

    def passing(self, snoops: Rows, spied: Rows, ports: Ports) -> None:
        """Let snoops hear a new frame of the ports they spy on, then whisper into it."""
        spies = self.spies[snoops]
        self._heard[snoops[spies]] = self._frames[spied[spies]]
        self._heard_any[snoops[spies]] = self._flags[spied[spies]]
        whispers = self.whispers[snoops] & ports.tx_ok[snoops]
        if whispers.any():
            self._whisper(ports.tx[snoops[whispers]], spied[whispers])

    def _whisper(self, said: NDArray[np.int16], into: Rows) -> None:
        targets, place = np.unique(into, return_inverse=True)
        self._frames[targets[~self._flags[targets]]] = 0
        total = self._frames[targets].astype(np.int32)
        np.add.at(total, place, said)
        self._frames[targets] = np.clip(total, -32768, 32767)
        self._flags[targets] = True

    def take(self, snoops: Rows) -> tuple[NDArray[np.int16], Mask]:
        """What each snoop heard last on this side, once: (K x frame samples, whether any)."""
        heard, heard_any = self._heard[snoops], self._heard_any[snoops]
        heard[~heard_any] = 0
        self._heard_any[snoops] = False
        return heard, heard_any


class Snoops:
    """All snoops: `of[slot]` is the port that one is at, or NOBODY."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.of = np.full(ports.slots, NOBODY, np.int64)
        self._in = Tap(ports.rx, ports.rx_ok)
        self._out = Tap(ports.tx, ports.tx_ok)
        self._at: dict[int, Rows] = {}

    def open(self, slot: int, spied: int, spy: Direction, whisper: Direction) -> None:
        """Let the port `slot` be a snoop at `spied`."""
        self.of[slot] = spied
        for tap, side in ((self._in, "in"), (self._out, "out")):
            tap.open(slot, spies=spy in {side, "both"}, whispers=whisper in {side, "both"})
        self._at.clear()

    def close(self, slot: int) -> None:
        """A port ends: it is no snoop any more, and nobody is at it."""
        self.of[slot] = NOBODY
        self.of[self.of == slot] = NOBODY
        self._at.clear()

    def _due(self, phase: int) -> Rows:
        """Snoops whose port is due in a phase."""
        found = self._at.get(phase)
        if found is None:
            snoops = np.flatnonzero(self.of != NOBODY)
            found = self._at[phase] = snoops[phase_of(self.of[snoops]) == phase]
        return found

    def coming_in(self, phase: int) -> None:
        """The `rx` of the ports of this phase is there."""
        snoops = self._due(phase)
        if len(snoops):
            self._in.passing(snoops, self.of[snoops], self._ports)

    def going_out(self, phase: int) -> None:
        """The `tx` of the ports of this phase is there, and not sent yet."""
        snoops = self._due(phase)
        if len(snoops):
            self._out.passing(snoops, self.of[snoops], self._ports)

    def take(self, snoops: Rows) -> tuple[NDArray[np.int16], Mask]:
        """What snoops have for their `rx`: (K x frame samples, whether there is any)."""
        said, said_any = self._in.take(snoops)
        heard, heard_any = self._out.take(snoops)
        both: NDArray[np.int32] = said.astype(np.int32) + heard
        return np.clip(both, -32768, 32767).astype(np.int16), said_any | heard_any
