"""One open WebSocket, as the session that speaks on it sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable

if TYPE_CHECKING:
    from .connection import Connection

PONG = "websocket.pong"


class Wire:
    """An accepted WebSocket: whole frames out, whole messages in.

    Frames go past ASGI straight to the connection, since no extension was agreed on that would
    change them; what comes in, and the close frame, go through hypercorn's state machine.
    """

    def __init__(
        self,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        connection: Connection,
        shutdown: trio.Event,
    ) -> None:
        self.shutdown = shutdown
        self._receive = receive
        self._send = send
        self._connection = connection

    async def send(self, data: bytes) -> None:
        """Send whole frames, joined. Returns even when the peer is gone or stuck: it is cut off."""
        await self._connection.write(data)

    async def receive(self) -> str | bytes | None:
        """Return the next message, an empty one for a pong, None once the peer is gone."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.receive":
                return event.get("text") or event.get("bytes") or b""
            if event["type"] == "websocket.disconnect":
                return None
            if event["type"] == PONG:
                return b""

    async def close(self, code: int, reason: str) -> None:
        """Send a close frame. The peer's own ends `receive`."""
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def abort(self) -> None:
        """Cut the connection without a word; ends `receive`."""
        self._connection.abort()
