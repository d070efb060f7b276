"""The session of one event WebSocket: who writes, who reads, who notices that nobody is there.

Three tasks and a writer, in one nursery. The writer sends whole backlogs; the reader always reads,
so that inbound never queues and the end is always seen; the pinger cuts a peer that stays silent;
the last one waits for the server's drain. Nothing cancels the writer inside a send, since half a
frame can't be taken back: it is only called away from waiting for events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import trio

from . import frames

GOING_AWAY = 1001


class Ended(msgspec.Struct, frozen=True):
    """No more events: the close code and the reason that the client is told (RFC 6455, 7.4)."""

    code: int
    reason: str


class EventStream(Protocol):
    """The events of one subscriber, encoded. Given by the one who allowed the WebSocket."""

    async def receive(self) -> Sequence[bytes] | Ended:
        """Wait for events and return all there are, in order, each a JSON text in UTF-8.

        May be cancelled while it waits, and loses nothing then.
        """

    def received(self, message: str | bytes) -> None:
        """Take a message of the client; must not raise. A reply comes out of `receive`."""

    def close(self) -> None:
        """Unsubscribe. Called once, whatever happened."""


class Wire(Protocol):
    """An accepted WebSocket: whole frames out, whole messages in."""

    @property
    def shutdown(self) -> trio.Event:
        """Set when the server begins to drain."""

    async def send(self, data: bytes) -> None:
        """Send whole frames, joined. Returns even when the peer is gone or stuck: it is cut off."""

    async def receive(self) -> str | bytes | None:
        """Return the next message, an empty one for a pong, None once the peer is gone."""

    async def close(self, code: int, reason: str) -> None:
        """Send a close frame. The peer's own ends `receive`."""

    def abort(self) -> None:
        """Cut the connection without a word; ends `receive`."""


class WebSocketSettings(msgspec.Struct, frozen=True):
    """Seconds, all of them."""

    ping_interval: float = 20.0
    """Between a sign of life and the next ping."""
    ping_timeout: float = 20.0
    """A peer that answered pings before and sends nothing for so long after one is cut off."""
    close_timeout: float = 2.0
    """How long a peer may take to answer our close frame."""


class EventSession:
    """Runs an `EventStream` over a `Wire`, once."""

    subprotocols = ("ari",)

    def __init__(self, stream: EventStream, settings: WebSocketSettings) -> None:
        self._stream = stream
        self._settings = settings
        self._heard = trio.Event()
        self._going_away = False
        self._waiting = trio.CancelScope()

    async def run(self, wire: Wire) -> None:
        """Speak until the stream ends, the peer goes, or the server drains."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, wire, nursery.cancel_scope)
            ended = await self._speak(wire)
            await wire.close(ended.code, ended.reason)
            # The reader cancels this wait when it sees the peer's own close frame.
            await trio.sleep(self._settings.close_timeout)
            nursery.cancel_scope.cancel()

    def close(self) -> None:
        """Give the stream back."""
        self._stream.close()

    async def _speak(self, wire: Wire) -> Ended:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ping, wire)
            nursery.start_soon(self._await_shutdown, wire)
            ended = await self._write(wire)
            nursery.cancel_scope.cancel()
        return ended

    async def _write(self, wire: Wire) -> Ended:
        while not self._going_away:
            backlog: Sequence[bytes] | Ended = ()
            with trio.CancelScope() as self._waiting:
                backlog = await self._stream.receive()
            if isinstance(backlog, Ended):
                return backlog
            await wire.send(frames.text_frames(backlog))
        return Ended(GOING_AWAY, "the server is shutting down")

    async def _read(self, wire: Wire, session: trio.CancelScope) -> None:
        while (message := await wire.receive()) is not None:
            self._heard.set()
            if message:
                self._stream.received(message)
        session.cancel()

    async def _ping(self, wire: Wire) -> None:
        """Ping a peer that answers pings, and cut it when it stops to.

        Some clients never answer (asyncari 0.20 among them): after one ping they are left in
        peace, and a dead one is found by the keep-alive of its connection.
        """
        answered = False
        while True:
            await trio.sleep(self._settings.ping_interval)
            self._heard = trio.Event()
            await wire.send(frames.PING)
            with trio.move_on_after(self._settings.ping_timeout) as patience:
                await self._heard.wait()
            if patience.cancelled_caught and answered:
                wire.abort()
            if patience.cancelled_caught:
                return
            answered = True

    async def _await_shutdown(self, wire: Wire) -> None:
        await wire.shutdown.wait()
        self._going_away = True
        self._waiting.cancel()
