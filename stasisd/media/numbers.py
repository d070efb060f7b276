"""Which slots and UDP ports are free."""

import secrets
from collections.abc import Callable


class NoPortsLeft(Exception):
    """No slot, or no UDP port of the range, is free."""


class UdpPorts:
    """Even UDP ports of a range, each rested for a while before it is used again.

    Which one comes is chance, so that nobody learns from it how many calls others have, or guesses
    where their sound is: of the free ones, any of that half that has rested longest.
    """

    def __init__(
        self, first: int, last: int, chance: Callable[[int], int] = secrets.randbelow
    ) -> None:
        """``chance`` gives a number below its argument."""
        self._chance = chance
        self._free = list(range(first + first % 2, last, 2))
        self.taken = 0

    def take(self) -> int:
        """A free number; raises NoPortsLeft."""
        if not self._free:
            raise NoPortsLeft("all UDP ports of the range are taken")
        self.taken += 1
        return self._free.pop(self._chance((len(self._free) + 1) // 2))

    def give_back(self, number: int) -> None:
        """Free a number."""
        self.taken -= 1
        self._free.append(number)
