"""SIP's timers (RFC 3261 table 4) and a heap of deadlines. Seconds everywhere."""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)


class Timers(Struct, frozen=True, gc=False):
    """The three values from which all of RFC 3261's timers are made."""

    t1: float = 0.5  # an estimate of the round trip
    t2: float = 4.0  # the longest interval between retransmissions
    t4: float = 5.0  # how long a message may stay in the network

    @property
    def give_up(self) -> float:
        """64*T1: timers B, F, H, J, L and M, and the wait for the ACK to a 2xx."""
        return 64 * self.t1


class Deadlines(Generic[K]):
    """When what is due. One deadline per key; setting it again replaces it."""

    def __init__(self) -> None:
        self._due: dict[K, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    def set(self, key: K, when: float) -> None:
        """Let ``key`` be due at ``when``."""
        # The count keeps keys from being compared, and their order that of their setting.
        self._count += 1
        self._due[key] = (when, self._count)
        heapq.heappush(self._heap, (when, self._count, key))

    def cancel(self, key: K) -> None:
        """Forget the deadline of ``key``, if there is one."""
        self._due.pop(key, None)
        # Cancelled entries stay in the heap until they come up, unless they are most of it.
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._due):
            self._heap = [entry for entry in self._heap if self._is_live(entry)]
            heapq.heapify(self._heap)

    def _is_live(self, entry: tuple[float, int, K]) -> bool:
        when, count, key = entry
        return self._due.get(key) == (when, count)

    def next(self) -> float | None:
        """The earliest deadline, or None."""
        while self._heap and not self._is_live(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> K | None:
        """Take the earliest key that is due at ``now``, or None."""
        earliest = self.next()
        if earliest is None or earliest > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._due[key]
        return key
