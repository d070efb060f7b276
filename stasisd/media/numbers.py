"""Which slots and UDP ports are free."""


class NoPortsLeft(Exception):
    """No slot, or no UDP port of the range, is free."""


class UdpPorts:
    """Even UDP ports of a range, each rested as long as can be before it is used again."""

    def __init__(self, first: int, last: int) -> None:
        self._free = list(range(first + first % 2, last, 2))
        self.taken = 0

    def take(self) -> int:
        """A free number; raises NoPortsLeft."""
        if not self._free:
            raise NoPortsLeft("all UDP ports of the range are taken")
        self.taken += 1
        return self._free.pop(0)

    def give_back(self, number: int) -> None:
        """Free a number."""
        self.taken -= 1
        self._free.append(number)
