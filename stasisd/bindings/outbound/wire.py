"""An open outbound WebSocket as whole messages, either way.

trio-websocket waits where we must not: a send to a peer that is stuck, a close that it does not
answer, a ping that gets no pong. Each is bounded here and then cuts the connection, since half a
frame can't be taken back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

# What the peer says as it accepts: `demo=1795470049123456`, for each application the number of the
# last event that it has handled; several are joined by commas, names percent-encoded.
RESUME = b"x-resume"


class ClientWire:
    """One connection. `run` reads it; the rest is what a session does with it."""

    def __init__(
        self,
        connection: WebSocketConnection,
        tcp: trio.SocketStream,
        shutdown: trio.Event,
        *,
        send_timeout: float,
        close_timeout: float,
    ) -> None:
        """``shutdown`` is set when the daemon begins to drain; times are in seconds."""
        self.shutdown = shutdown
        self._connection = connection
        self._tcp = tcp
        self._send_timeout = send_timeout
        self._close_timeout = close_timeout
        self._deliver, self._inbox = trio.open_memory_channel[Sequence[str | bytes]](1)

    @property
    def known(self) -> dict[str, str]:
        """By application, what the peer says of the last event that it has handled, if it does."""
        headers = self._connection.handshake_headers
        said = ",".join(value.decode("latin-1") for name, value in headers if name == RESUME)
        pairs = (pair.partition("=") for pair in said.split(",") if pair)
        return {unquote(name.strip()): number.strip() for name, _, number in pairs}

    async def run(self) -> None:
        """Read until the connection has ended."""
        async with self._deliver:
            try:
                while True:
                    await self._deliver.send([await self._connection.get_message()])
            except (ConnectionClosed, trio.BrokenResourceError):
                pass

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send texts, in order. Returns even when the peer is gone or stuck: it is cut off."""
        for message in messages:
            await self._within(self._send_timeout, self._connection.send_message, message.decode())

    async def ping(self) -> None:
        """Ask for a sign of life, and wait for it a while."""
        with trio.move_on_after(self._send_timeout) as patience:
            try:
                await self._connection.ping()
            except ConnectionClosed:
                return
        if not patience.cancelled_caught:
            self._alive()

    async def receive(self) -> Sequence[str | bytes] | None:
        """Return the messages that came, none for another sign of life, None after the end."""
        try:
            return await self._inbox.receive()
        except trio.EndOfChannel:
            return None

    async def close(self, code: int, reason: str) -> None:
        """Close, and wait a while for the peer to do the same."""
        await self._within(self._close_timeout, self._connection.aclose, code, reason)

    def abort(self) -> None:
        """Cut the connection without a word; ends `receive`."""
        self._tcp.socket.close()

    def _alive(self) -> None:
        try:
            self._deliver.send_nowait([])
        except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # messages are coming, or it is over

    async def _within(
        self, patience: float, verb: Callable[..., Awaitable[None]], *arguments: object
    ) -> None:
        done = False
        try:
            with trio.move_on_after(patience):
                await verb(*arguments)
                done = True
        except ConnectionClosed:
            done = True
        finally:
            if not done:
                self.abort()
