"""A limit for each of many: so many at once, then one every so many seconds.

The token bucket in its cell form (GCRA, ITU-T I.371): of each key only one number is kept, the time
when its bucket will be full again, and none of a key whose bucket is full.
"""

from collections.abc import Hashable


class Throttle:
    """Bounded buckets; all times are those of the caller's clock, in seconds."""

    def __init__(self, burst: int, interval: float, most: int = 8192) -> None:
        """``burst`` at once, then one in each ``interval``; ``most`` keys are remembered."""
        self._interval = interval
        self._patience = (burst - 1) * interval
        self._most = most
        self._full_at: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: Hashable, now: float) -> float:
        """How long this one would have to wait for its turn; 0 for not at all."""
        return max(0.0, self._full_at.get(key, now) - self._patience - now)

    def take(self, key: Hashable, now: float) -> None:
        """Count one; `wait` says whether it was allowed."""
        full_at = max(self._full_at.pop(key, now), now) + self._interval
        if len(self._full_at) >= self._most:
            self._make_room(now)
        self._full_at[key] = full_at

    def give_back(self, key: Hashable, now: float) -> None:
        """Let one not have counted."""
        full_at = self._full_at.get(key, now) - self._interval
        if full_at > now:
            self._full_at[key] = full_at
        else:
            self._full_at.pop(key, None)

    def _make_room(self, now: float) -> None:
        """Forget who is as good as new, and if all are still waited for, who came first."""
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        if len(self._full_at) >= self._most:
            del self._full_at[next(iter(self._full_at))]
