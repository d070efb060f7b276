"""A mix as control hands it out: any number of ports that hear each other."""

from . import commands
from .handles import Port


class Mix:
    """Made by `Media.open_mix`, until `close`. All verbs are synchronous, and never raise.

    A mix belongs to no media process: it outlives one that dies, and takes ports of the next.
    """

    def __init__(self, number: int, mixes: "dict[int, Mix]") -> None:
        self._number = number
        self._mixes = mixes
        self._ports: set[Port] = set()
        mixes[number] = self

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._number not in self._mixes

    def add(
        self, port: Port, *, hears: bool = True, speaks: bool = True, digits: bool = True
    ) -> None:
        """Let a port hear the others, and be heard; again, to change its part.

        It leaves its former mix or peer. `digits` says whether what its far end presses goes on to
        the others.
        """
        if port.closed or self.closed:
            return
        self._ports = {port, *(other for other in self._ports if not other.closed)}
        part = hears, speaks, digits
        port._send(commands.JoinMix(port.slot, port.generation, self._number, *part))

    def remove(self, port: Port) -> None:
        """Take a port out; one that is not in here stays where it is."""
        if port in self._ports:
            self._ports.discard(port)
            port._send(commands.LeaveMix(port.slot, port.generation, self._number))

    def close(self) -> None:
        """Take all ports out, and take no more."""
        for port in list(self._ports):
            self.remove(port)
        self._mixes.pop(self._number, None)
