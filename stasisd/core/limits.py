"""What a tenant may have at most, and how fast it may ask.

A rate is a bucket of tokens that fills with time: no task, no list of moments.
"""

from collections.abc import Callable

import msgspec

from .technology import AllocationFailed


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one tenant; None is no bound."""

    channels: int | None = None
    originates_per_second: float | None = None
    requests_per_second: float | None = None
    sockets: int | None = None
    recording_bytes: int | None = None


class TooSoon(Exception):
    """More is asked for than the rate allows; ``wait`` is how many seconds it takes until then."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class TooManyChannels(AllocationFailed):
    """The tenant has as many channels as it may have."""


class NoRoom(Exception):
    """The tenant's recordings have as many bytes as they may have."""


class Rate:
    """So many a second, and as many at once as come in one; without a bound, any."""

    def __init__(self, per_second: float | None, now: Callable[[], float]) -> None:
        """``now`` is in seconds; where it is put back, time stands still for a moment."""
        self._per_second = per_second
        self._now = now
        self._most = self._left = max(1.0, per_second or 0.0)
        self._at = now()

    def take(self) -> None:
        """Have one. Raises :class:`TooSoon`."""
        if self._per_second is None:
            return
        now = self._now()
        passed, self._at = max(0.0, now - self._at), now
        self._left = min(self._most, self._left + passed * self._per_second)
        if self._left < 1.0:
            raise TooSoon((1.0 - self._left) / self._per_second)
        self._left -= 1.0
