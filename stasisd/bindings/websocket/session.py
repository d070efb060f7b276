"""The session of one event WebSocket: who writes, who reads, who notices that nobody is there.

In one nursery: a writer that sends whole backlogs of events, and another for the answers to
requests; the reader, which always reads, so that the end is always seen; the pinger, which cuts a
peer that stays silent; one that waits for the server's drain, and one for the end of the right to
be here. Nothing cancels a writer inside a send, since half a frame can't be taken back: it is only
called away from waiting.

Outside of that nursery the requests are performed, so that the end of the socket ends none of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import trio

from .frames import GOING_AWAY, POLICY
from .queue import Answer, RequestQueue


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

    def close(self) -> None:
        """Unsubscribe. Called once, whatever happened."""


class Wire(Protocol):
    """An open WebSocket: whole messages, either way."""

    @property
    def shutdown(self) -> trio.Event:
        """Set when the server begins to drain."""

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send texts, in order. Returns even when the peer is gone or stuck: it is cut off."""

    async def ping(self) -> None:
        """Ask for a sign of life."""

    async def receive(self) -> Sequence[str | bytes] | None:
        """Return the messages that came, none for another sign of life, None after the end."""

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
    dismiss_timeout: float = 0.9
    """From the end of the peer's right until the connection is cut, whatever the peer does."""


class EventSession:
    """Sends an `EventStream` over a `Wire`, and answers the requests that come by it, once."""

    def __init__(
        self,
        stream: EventStream,
        answer: Answer,
        settings: WebSocketSettings,
        wait_dismissal: Callable[[], Awaitable[str]] = trio.sleep_forever,
    ) -> None:
        """``answer`` performs a request and returns the message that answers it.

        ``wait_dismissal`` waits for the end of the peer's right to be here, and says why.
        """
        self._stream = stream
        self._requests = RequestQueue(answer)
        self._settings = settings
        self._heard = trio.Event()
        self._wait_dismissal = wait_dismissal
        self._dismissed = False
        self._farewell: Ended | None = None
        self._waiting = trio.CancelScope()
        self._closed = False

    async def run(self, wire: Wire) -> None:
        """Speak until the stream ends, the peer goes, or the server drains."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._requests.run)
            try:
                await self._serve(wire)
            finally:
                self._requests.abandon()
                self.close()

    def end(self, code: int, reason: str) -> None:
        """Send what was heard so far, then close for this reason."""
        self._farewell = Ended(code, reason)
        self._waiting.cancel()

    def close(self) -> None:
        """Give the stream back. Idempotent."""
        if not self._closed:
            self._closed = True
            self._stream.close()

    async def _serve(self, wire: Wire) -> None:
        replied = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, wire, nursery.cancel_scope)
            nursery.start_soon(self._reply, wire, replied)
            nursery.start_soon(self._dismiss, wire)
            ended = await self._speak(wire)
            self._requests.finish()
            if not self._dismissed:
                with trio.move_on_after(self._settings.close_timeout):
                    await replied.wait()
            await wire.close(ended.code, ended.reason)
            # The reader cancels this wait when it sees the peer's own close frame.
            await trio.sleep(self._settings.close_timeout)
            nursery.cancel_scope.cancel()

    async def _dismiss(self, wire: Wire) -> None:
        """Close once the right has ended: what waits is not sent, nor what was asked performed."""
        reason = await self._wait_dismissal()
        self._dismissed = True
        self._requests.abandon()
        self.end(POLICY, reason)
        await trio.sleep(self._settings.dismiss_timeout)
        wire.abort()

    async def _speak(self, wire: Wire) -> Ended:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ping, wire)
            nursery.start_soon(self._await_shutdown, wire)
            ended = await self._write(wire)
            nursery.cancel_scope.cancel()
        return ended

    async def _write(self, wire: Wire) -> Ended:
        while True:
            backlog: Sequence[bytes] | Ended = ()
            with trio.CancelScope() as self._waiting:
                if self._farewell is not None:
                    self._waiting.cancel()  # take what is there, and wait for no more
                backlog = await self._stream.receive()
            if self._dismissed and self._farewell is not None:
                return self._farewell
            if isinstance(backlog, Ended):
                return backlog
            if backlog:
                await wire.send(backlog)
            elif self._farewell is not None:
                return self._farewell

    async def _reply(self, wire: Wire, replied: trio.Event) -> None:
        while (replies := await self._requests.replies()) is not None:
            await wire.send(replies)
        replied.set()

    async def _read(self, wire: Wire, session: trio.CancelScope) -> None:
        while (messages := await wire.receive()) is not None:
            self._heard.set()
            await self._requests.take(message for message in messages if message)
        session.cancel()

    async def _ping(self, wire: Wire) -> None:
        """Ping a peer that answers pings, and cut it when it stops to.

        Some clients never answer (asyncari 0.20 among them): after one ping they are left in
        peace, and a dead one is found by the keep-alive of its connection. One whose requests
        fill the line is not heard, for it is not read.
        """
        answered = False
        while True:
            await trio.sleep(self._settings.ping_interval)
            self._heard = trio.Event()
            await wire.ping()
            with trio.move_on_after(self._settings.ping_timeout) as patience:
                await self._heard.wait()
            if patience.cancelled_caught and not self._requests.full:
                if answered:
                    wire.abort()
                return
            answered = True

    async def _await_shutdown(self, wire: Wire) -> None:
        await wire.shutdown.wait()
        self.end(GOING_AWAY, "the server is shutting down")
