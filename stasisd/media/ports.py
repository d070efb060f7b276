"""The ports of one (rate, frame length), as arrays over slots.

Every port has `rx`, what came from its far end in this frame, and `tx`, what goes there; each with
a flag that says whether there is any. Ports are ticked in phases, a quarter of the frame apart, so
that their packets don't leave in one burst.
"""

import numpy as np
from numpy.typing import NDArray

from .commands import MAX_PORTS

PHASES = 4
TOGETHER = 64  # neighbouring slots that share a phase, so that few ports need few ticks
FREE, RTP, PAIR, SNOOP, STREAM = range(5)
NOBODY = -1

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Ports:
    """State that all kinds of ports have. Arrays are lazily backed: unused slots cost nothing."""

    def __init__(self, rate: int = 8000, frame: int = 160, slots: int = MAX_PORTS) -> None:
        self.rate = rate
        self.frame = frame
        self.slots = slots
        self.generation = np.zeros(slots, np.int64)
        self.kind = np.zeros(slots, np.uint8)
        self.peer = np.full(slots, NOBODY, np.int64)
        self.twin = np.full(slots, NOBODY, np.int64)
        self.rx = np.zeros((slots, frame), np.int16)
        self.tx = np.zeros((slots, frame), np.int16)
        self.rx_ok = np.zeros(slots, np.bool_)
        self.tx_ok = np.zeros(slots, np.bool_)
        self.mute_in = np.zeros(slots, np.bool_)
        self.mute_out = np.zeros(slots, np.bool_)
        self.echo = np.zeros(slots, np.bool_)
        self.silence = np.zeros(slots, np.bool_)
        self.detect = np.zeros(slots, np.bool_)
        self.count = 0
        self._rows: dict[tuple[int, int], Rows] = {}
        self._due: dict[int, Rows] = {}

    def open(self, slot: int, generation: int, kind: int) -> None:
        """Take a free slot."""
        self.generation[slot] = generation
        self.kind[slot] = kind
        for flags in (
            self.rx_ok,
            self.tx_ok,
            self.mute_in,
            self.mute_out,
            self.echo,
            self.silence,
            self.detect,
        ):
            flags[slot] = False
        self.count += 1
        self._changed()

    def close(self, slot: int) -> None:
        """Free a slot, and part it from its peer and its twin."""
        self.disconnect(slot)
        twin = self.twin[slot]
        if twin != NOBODY:
            self.twin[twin] = self.twin[slot] = NOBODY
        self.generation[slot] = 0
        self.kind[slot] = FREE
        self.rx_ok[slot] = self.tx_ok[slot] = False
        self.count -= 1
        self._changed()

    def _changed(self) -> None:
        self._rows.clear()
        self._due.clear()

    def is_open(self, slot: int, generation: int) -> bool:
        """Whether the name still means a port."""
        return 0 <= slot < self.slots and generation > 0 and self.generation[slot] == generation

    def connect(self, slot: int, other: int) -> None:
        """Make two ports peers of each other."""
        self.disconnect(slot)
        self.disconnect(other)
        self.peer[slot], self.peer[other] = other, slot

    def disconnect(self, slot: int) -> None:
        """Part a port from its peer."""
        peer = self.peer[slot]
        if peer != NOBODY:
            self.peer[peer] = self.peer[slot] = NOBODY

    def rows(self, phase: int, kind: int) -> Rows:
        """The open slots of one kind that are due in `phase`."""
        found = self._rows.get((phase, kind))
        if found is None:
            due = self.due(phase)
            found = self._rows[phase, kind] = due[self.kind[due] == kind]
        return found

    def due(self, phase: int) -> Rows:
        """The open slots of all kinds that are due in `phase`."""
        found = self._due.get(phase)
        if found is None:
            slots = np.flatnonzero(self.kind)
            found = self._due[phase] = slots[phase_of(slots) == phase]
        return found


def phase_of(slots: Rows) -> Rows:
    """The phase in which each slot is due."""
    return slots // TOGETHER % PHASES
