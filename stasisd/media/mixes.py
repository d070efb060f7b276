"""Mixes: each port in one hears the sum of all others that speak in it.

Ports of one mix are ticked in different phases. So each mix has a running total of what its ports
said last; when a port is heard, what it said before is replaced in the total by what it says now.
Totals are integers, so that a port's own voice is taken out of what it hears without a rest.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ports import NOBODY, Mask, Ports, Rows, phase_of

_FULL_SCALE = 32767


class Group(NamedTuple):
    """Mixes (m) that have equally many speakers due in a phase, and those speakers (m x n)."""

    mixes: Rows
    speakers: Rows


class Mixes:
    """All mixes, as rows of their own: row `of[slot]` is the mix of a port, or NOBODY."""

    def __init__(self, ports: Ports) -> None:
        slots = ports.slots
        self._ports = ports
        self.of = np.full(slots, NOBODY, np.int64)
        self._hears = np.zeros(slots, np.bool_)
        self._speaks = np.zeros(slots, np.bool_)
        self._digits = np.zeros(slots, np.bool_)
        self.said = np.zeros((slots, ports.frame), np.int16)
        self._said_any = np.zeros(slots, np.bool_)
        self._total = np.zeros((slots, ports.frame), np.int32)
        self._voices = np.zeros(slots, np.int64)  # ports that said something in their last frame
        self._rows: dict[int, int] = {}  # by the mix's number
        self._numbers: dict[int, int] = {}  # and back
        self._free = list(range(slots - 1, -1, -1))
        self._watched: set[int] = set()  # rows
        self._groups: dict[int, list[Group]] = {}
        self._watched_speakers: dict[int, Rows] = {}

    @property
    def count(self) -> int:
        """Mixes that have a port."""
        return len(self._rows)

    # ---- who is in which

    def join(
        self,
        slot: int,
        number: int,
        *,
        hears: bool = True,
        speaks: bool = True,
        digits: bool = True,
        watched: bool = False,
    ) -> None:
        """Put a port into a mix and out of any other, or change its part in this one."""
        if number not in self._rows or self.of[slot] != self._rows[number]:
            self.leave(slot)
        if number not in self._rows:
            row = self._rows[number] = self._free.pop()
            self._numbers[row] = number
            self._total[row] = self._voices[row] = 0
        if not speaks:
            self._hush(slot)
        self.of[slot] = self._rows[number]
        self._hears[slot], self._speaks[slot], self._digits[slot] = hears, speaks, digits
        if watched:
            self._watched.add(self._rows[number])
        self._changed()

    def leave(self, slot: int) -> None:
        """Take a port out of its mix, if it is in one; a mix without ports is gone."""
        row = int(self.of[slot])
        if row == NOBODY:
            return
        self._hush(slot)
        self.of[slot] = NOBODY
        self._changed()
        if not (self.of == row).any():
            del self._rows[self._numbers.pop(row)]
            self._watched.discard(row)
            self._free.append(row)

    def _changed(self) -> None:
        self._groups.clear()
        self._watched_speakers.clear()

    def is_in(self, slot: int, number: int) -> bool:
        """Whether the port is in this mix now."""
        row = int(self.of[slot])
        return row != NOBODY and self._numbers[row] == number

    def _hush(self, slot: int) -> None:
        """Take out of the total what the port said last."""
        row = self.of[slot]
        if row != NOBODY:
            self._total[row] -= self.said[slot]
            self._voices[row] -= self._said_any[slot]
        self.said[slot] = self._said_any[slot] = 0

    def listeners(self, slot: int) -> list[int]:
        """To whom goes the digit of a port: all others of its mix that hear."""
        row = self.of[slot]
        if row == NOBODY or not self._digits[slot]:
            return []
        others = np.flatnonzero((self.of == row) & self._hears)
        return [int(other) for other in others if other != slot]

    # ---- who is watched

    def watched(self) -> dict[int, Rows]:
        """The speakers of each mix that is watched, by its number."""
        return {
            self._numbers[row]: np.flatnonzero((self.of == row) & self._speaks)
            for row in self._watched
        }

    def watched_speakers(self, phase: int) -> Rows:
        """Those of all such mixes that are due in a phase."""
        found = self._watched_speakers.get(phase)
        if found is None:
            slots = np.flatnonzero(np.isin(self.of, list(self._watched)) & self._speaks)
            found = self._watched_speakers[phase] = slots[phase_of(slots) == phase]
        return found

    # ---- what they say

    def hear(self, phase: int) -> None:
        """Bring the totals up to what the ports of this phase have in their `rx`."""
        for mixes, speakers in self._due(phase):
            now = self._ports.rx[speakers]
            any_now = self._ports.rx_ok[speakers]
            now[~any_now] = 0
            before, any_before = self.said[speakers], self._said_any[speakers]
            change = np.add.reduce(now, axis=1, dtype=np.int32)
            change -= np.add.reduce(before, axis=1, dtype=np.int32)
            self._total[mixes] += change
            self._voices[mixes] += np.count_nonzero(any_now, axis=1)
            self._voices[mixes] -= np.count_nonzero(any_before, axis=1)
            self.said[speakers], self._said_any[speakers] = now, any_now

    def _due(self, phase: int) -> list[Group]:
        found = self._groups.get(phase)
        if found is None:
            found = self._groups[phase] = self._grouped(phase)
        return found

    def _grouped(self, phase: int) -> list[Group]:
        """The speakers of this phase by mix, mixes with equally many of them together."""
        slots = np.flatnonzero((self.of != NOBODY) & self._speaks)
        slots = slots[phase_of(slots) == phase]
        slots = slots[np.argsort(self.of[slots], kind="stable")]
        mixes, first, counts = np.unique(self.of[slots], return_index=True, return_counts=True)
        return [
            Group(mixes[same], slots[first[same][:, None] + np.arange(count)])
            for count in np.unique(counts)
            for same in [counts == count]
        ]

    # ---- what they hear

    def fill(self, rows: Rows) -> Mask:
        """Put what others say into the `tx` of each row; which rows have others that speak."""
        mixes = self.of[rows]
        served: Mask = (mixes != NOBODY) & self._hears[rows]
        served &= self._voices[mixes] > self._said_any[rows]
        if served.any():
            hearing = rows[served]
            self._ports.tx[hearing] = self._without(hearing, mixes[served])
        return served

    def _without(self, rows: Rows, mixes: Rows) -> NDArray[np.int32]:
        """What is said in each mix, but for what this row says in it."""
        others = self._total[mixes]
        others -= self.said[rows]
        np.minimum(others, _FULL_SCALE, out=others)  # np.clip looks at types for longer than this
        return np.maximum(others, -_FULL_SCALE - 1, out=others)

    def hush_up(self, rows: Rows) -> Mask:
        """Silence for the rows that hear a mix in which nobody else speaks; which those are.

        A phone gets a frame each 20 ms as long as it is in a bridge, so that neither its NAT nor
        its watch over dead calls takes the bridge's silence for an end.
        """
        served: Mask = (self.of[rows] != NOBODY) & self._hears[rows]
        self._ports.tx[rows[served]] = 0
        return served
