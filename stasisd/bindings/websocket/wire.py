"""One event WebSocket that a client opened: messages on top of the bytes of its connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import trio

from . import frames
from .frames import Closed, FrameError, FrameReader, Ping
from .session import EventSession


class Stream(Protocol):
    """The bytes of an upgraded connection. Given by the HTTP server."""

    @property
    def shutdown(self) -> trio.Event:
        """Set when the server begins to drain."""

    async def send(self, data: bytes) -> None:
        """Send all of it. Returns even when the peer is gone or stuck: it is cut off."""

    async def receive(self) -> bytes:
        """Return what comes next; nothing once the peer is gone."""

    def abort(self) -> None:
        """Cut the connection without a word; ends `receive`."""


class ServerWire:
    """Whole messages over a `Stream`: RFC 6455 at the server's end."""

    def __init__(self, stream: Stream, max_message: int) -> None:
        """``max_message`` bounds a message of the client, in bytes; 1009 beyond."""
        self.shutdown = stream.shutdown
        self._stream = stream
        self._frames = FrameReader(max_message)
        self._said_close = False
        self._ended = False

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send text messages in one write, or drop them after the close frame."""
        await self.send_frames(frames.text_frames(messages))

    async def send_frames(self, data: bytes) -> None:
        """Send what is framed already, or drop it after the close frame."""
        if not self._said_close:
            await self._stream.send(data)

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self.send_frames(frames.PING)

    async def receive(self) -> Sequence[str | bytes] | None:
        """Return the messages that came, none for another sign of life, None after the end."""
        data = b"" if self._ended else await self._stream.receive()
        if not data:
            return None
        try:
            return await self._read(data)
        except FrameError as error:
            await self.close(error.code, error.reason)
            return None

    async def close(self, code: int, reason: str) -> None:
        """Send the close frame, once. The peer's own ends `receive`."""
        await self.send_frames(frames.close_frame(code, reason))
        self._said_close = True

    def abort(self) -> None:
        """Cut the connection without a word; ends `receive`."""
        self._stream.abort()

    async def _read(self, data: bytes) -> Sequence[str | bytes]:
        messages: list[str | bytes] = []
        for said in self._frames.receive(data):
            if isinstance(said, str | bytes):
                messages.append(said)
            elif isinstance(said, Ping):
                await self.send_frames(frames.pong_frame(said.payload))
            elif isinstance(said, Closed):
                self._ended = True
                await self.close(said.code, "")
                break
        return messages


class ServedSocket:
    """A session on a WebSocket that a client opened, for the HTTP server to run."""

    subprotocols = ("ari",)

    def __init__(self, session: EventSession, max_message: int = 1 << 20) -> None:
        """``max_message`` bounds a message of the client, in bytes."""
        self._session = session
        self._max_message = max_message

    async def run(self, stream: Stream) -> None:
        """Speak until the end; a bug is told to the peer and raised."""
        wire = ServerWire(stream, self._max_message)
        try:
            await self._session.run(wire)
        except Exception:  # no barrier: the connection's is outside
            await wire.close(frames.INTERNAL_ERROR, "")
            raise

    def close(self) -> None:
        """Give up what the session holds."""
        self._session.close()
