"""The log of what an application heard: numbered without a gap, bounded, in memory.

A client that lost its socket says which number it had last and gets what came after, in order
and once, as long as the log reaches back. Numbers never come twice under one name, also after a
restart: each log begins at the microsecond of its making, which stays below 2**53, so that every
client can hold them exactly.
"""

from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from .bus import Delivery
from .events import Event

_pack = msgspec.msgpack.Encoder().encode


class EventLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds for each application; bytes are those of the events' own fields, packed.

    ``log_seconds`` is how long the log is kept of an application that nothing needs any more,
    and ``logs`` how many such logs. ``waiting`` bounds what a reader may leave unread.
    """

    log_events: int = 10_000
    log_bytes: int = 8 << 20
    log_seconds: float = 300.0
    logs: int = 100
    waiting_events: int = 10_000
    waiting_bytes: int = 8 << 20


class Numbers:
    """Gives each log its first number, above all that were given before."""

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` is in seconds since the epoch."""
        self._now = now
        self._highest = 0

    def begin(self) -> int:
        """The number before the first one of a new log."""
        self._highest = max(int(self._now() * 1_000_000), self._highest + 1)
        return self._highest

    def passed(self, number: int) -> None:
        """A log ended with this number: none begins below it, also when the clock is put back."""
        self._highest = max(self._highest, number)


class Journal:
    """Numbers what an application hears, and keeps the last of it."""

    def __init__(self, begin: int, limits: EventLimits) -> None:
        """``begin`` is the number before the first."""
        self.last = begin
        self._limits = limits
        self._kept: deque[Delivery] = deque()
        self._bytes = 0

    @property
    def oldest(self) -> int:
        """The number of the oldest that is kept, or of the next to come where none is."""
        return self.last + 1 - len(self._kept)

    def reaches(self, sequence: int) -> bool:
        """Whether all that came after this number is kept."""
        return self.oldest - 1 <= sequence <= self.last

    def append(
        self, label: str, event: Event, caused_by: str | None, workers: tuple[str, ...]
    ) -> Delivery:
        """Number an event and keep it; the oldest go where a bound is passed."""
        self.last += 1
        size = len(_pack(event))
        delivery = Delivery(label, event, self.last, caused_by, size, workers)
        self._kept.append(delivery)
        self._bytes += size
        while len(self._kept) > self._limits.log_events or self._bytes > self._limits.log_bytes:
            self._bytes -= self._kept.popleft().size
        return delivery

    def after(self, sequence: int) -> Iterator[Delivery]:
        """What is kept that came after this number; all, where that is not one of ours."""
        known = self.reaches(sequence)
        return (d for d in self._kept if not known or (d.sequence or 0) > sequence)

    def reassign(self, before: str, worker: str) -> list[Delivery]:
        """Give what was for one worker to another; returns what that is, as it is now."""
        moved = []
        for index, delivery in enumerate(self._kept):
            if before in delivery.workers:
                after = tuple(worker if one == before else one for one in delivery.workers)
                self._kept[index] = delivery._replace(workers=after)
                moved.append(self._kept[index])
        return moved
