"""An application that is reached only when a call wants it.

The call asks with a `Summons` and waits; who can reach the application (an outbound WebSocket)
serves it under a name of this call's own, `APPLICATION:CHANNEL`, and says so. Core knows no more of
how that is done.
"""

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from .application import Application
    from .channel import Channel
    from .stasis import Visit

# Seconds that a caller waits for somebody to answer the summons, at the most.
PATIENCE = 30.0
# Calls that may wait to be noticed; those beyond find nobody.
WAITING = 1000

# Where the summonses of applications go that can be reached, by the application's name.
Reachable = dict[str, "trio.MemorySendChannel[Summons]"]


class Summons:
    """One call that wants an application which no socket serves."""

    def __init__(self, application: str, channel_name: str) -> None:
        """Made by :func:`summon`."""
        self.application = application
        self.instance = f"{application}:{channel_name}"
        self.failed = False
        self.over = trio.Event()  # set when the call needs the application no more
        self._settled = trio.Event()
        self._visit: Visit | None = None

    def settle(self) -> None:
        """The instance is served now. Idempotent."""
        self._settled.set()

    def give_up(self) -> None:
        """It can't be reached, or not any more: the call goes on without it."""
        self.failed = True
        self._settled.set()
        if self._visit is not None:
            self._visit.leave()

    async def wait(self, channel: "Channel") -> "Application | None":
        """Wait until the instance is served; None where it is not, in time."""
        with trio.move_on_after(PATIENCE):
            await self._settled.wait()
        served = channel.tenant.applications.get(self.instance)
        return served if served is not None and served.is_served else None

    def begin(self, visit: "Visit") -> None:
        """The application has the channel now."""
        self._visit = visit


def summon(channel: "Channel", name: str) -> Summons | None:
    """Ask for an application; None where nobody can reach it."""
    reached_by = channel.tenant.reachable.get(name)
    if reached_by is None:
        return None
    made = Summons(name, channel.name)
    try:
        reached_by.send_nowait(made)
    except (trio.WouldBlock, trio.BrokenResourceError):
        return None
    return made
