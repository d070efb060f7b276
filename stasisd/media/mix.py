"""A mix as control hands it out: any number of ports that hear each other."""

import trio

from . import commands, reports
from .handles import Port


class Mix:
    """Made by `Media.open_mix`, until `close`. All verbs are synchronous, and never raise.

    A mix belongs to no media process: it outlives one that dies, and takes ports of the next.
    """

    def __init__(self, number: int, mixes: "dict[int, Mix]", *, watched: bool) -> None:
        self._number = number
        self._mixes = mixes
        self._watched = watched
        self._ports: dict[tuple[int, int], Port] = {}
        self._speakers: list[Port] = []
        self._changed = trio.Event()
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
        self._ports = {name: other for name, other in self._ports.items() if not other.closed}
        self._ports[port.slot, port.generation] = port
        part = hears, speaks, digits, self._watched
        port._send(commands.JoinMix(port.slot, port.generation, self._number, *part))

    def remove(self, port: Port) -> None:
        """Take a port out; one that is not in here stays where it is."""
        name = port.slot, port.generation
        if self._ports.get(name) is port:
            del self._ports[name]
            port._send(commands.LeaveMix(port.slot, port.generation, self._number))

    def close(self) -> None:
        """Take all ports out, and take no more."""
        for port in list(self._ports.values()):
            self.remove(port)
        self._mixes.pop(self._number, None)
        self._changed.set()

    # ---- who speaks

    @property
    def speakers(self) -> list[Port]:
        """Who speaks now, the active speaker first; a few at most, and only of a watched mix."""
        here = self._ports.values()
        return [port for port in self._speakers if not port.closed and port in here]

    async def wait_speakers(self) -> list[Port]:
        """The speakers as soon as they have changed, or the mix is closed."""
        await self._changed.wait()
        return self.speakers

    def _on_report(self, report: reports.Speakers) -> None:
        names = [(speaker.slot, speaker.generation) for speaker in report.speakers]
        self._speakers = [self._ports[name] for name in names if name in self._ports]
        changed, self._changed = self._changed, trio.Event()
        changed.set()
