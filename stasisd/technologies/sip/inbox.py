"""What comes in from sockets, and the one who waits for it."""

import msgspec
import trio

from stasisd.sip.flow import Flow


class Heard(msgspec.Struct, frozen=True):
    """Bytes that came in on a flow; none at all mean that its connection is over."""

    flow: Flow
    data: bytes


class Connected(msgspec.Struct, frozen=True):
    """The connection that a flow asked for is open, under this number; None where it failed."""

    flow: Flow
    connection: int | None


class Inbox:
    """What came and was not looked at yet, in order."""

    def __init__(self) -> None:
        self._heard: list[Heard | Connected] = []
        self._news = trio.Event()

    def put(self, heard: Heard | Connected) -> None:
        """Add what came."""
        self._heard.append(heard)
        self._news.set()

    def wake(self) -> None:
        """Let who waits look, though nothing came."""
        self._news.set()

    async def wait(self) -> None:
        """Wait for something to come, or to be woken; one task may wait."""
        await self._news.wait()
        self._news = trio.Event()

    def take(self) -> list[Heard | Connected]:
        """Take all there is."""
        taken, self._heard = self._heard, []
        return taken
