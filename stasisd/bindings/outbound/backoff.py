"""How long to wait before the next attempt. Pure."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Twice as long each time, up to a limit, each time a little less by chance.

    The chance keeps servers apart that lost the same peer at the same moment.
    """

    def __init__(self, first: float, longest: float, chance: Callable[[], float]) -> None:
        """``first`` and ``longest`` in seconds; ``chance`` draws from 0 to 1."""
        self._first = first
        self._longest = longest
        self._chance = chance
        self._next = first
        self.attempts = 0

    def delay(self) -> float:
        """The seconds before the next attempt, which counts as made."""
        self.attempts += 1
        delay, self._next = self._next, min(self._next * 2, self._longest)
        return delay * (1 - 0.25 * self._chance())

    def reset(self) -> None:
        """It worked: begin anew."""
        self._next = self._first
        self.attempts = 0
