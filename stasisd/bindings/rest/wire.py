"""An upgraded connection, as the session that speaks on it sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from hypercorn.typing import ASGIReceiveCallable

if TYPE_CHECKING:
    from .connection import Connection


class Wire:
    """The bytes of an accepted WebSocket; what they mean is the session's.

    They go out past ASGI and hypercorn's state machine, and come in past the latter.
    """

    def __init__(
        self, receive: ASGIReceiveCallable, connection: Connection, shutdown: trio.Event
    ) -> None:
        self.shutdown = shutdown
        self._receive = receive
        self._connection = connection

    async def send(self, data: bytes) -> None:
        """Send all of it. Returns even when the peer is gone or stuck: it is cut off."""
        await self._connection.write(data)

    async def receive(self) -> bytes:
        """Return what comes next; nothing once the peer is gone."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.receive":
                return event["bytes"] or b""
            if event["type"] == "websocket.disconnect":
                return b""

    def abort(self) -> None:
        """Cut the connection without a word; ends `receive`."""
        self._connection.abort()
