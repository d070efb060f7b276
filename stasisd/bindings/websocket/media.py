"""A WebSocket that a program opened for the sound of one channel."""

from __future__ import annotations

from collections.abc import Sequence

from stasisd.core.media_socket import Expected, SocketLost

from . import frames
from .wire import ServerWire, Stream


class MediaWire:
    """Whole messages over the bytes of a connection: a `core.media_socket.MediaSocket`."""

    def __init__(self, stream: Stream, max_message: int) -> None:
        """``max_message`` bounds a message of the program, in bytes; 1009 beyond."""
        self._wire = ServerWire(stream, max_message)

    async def send(self, messages: Sequence[str | bytes]) -> None:
        """Send messages in one write. A peer that is gone or stuck is cut, and `receive` tells."""
        await self._wire.send_frames(b"".join(map(_framed, messages)))

    async def receive(self) -> Sequence[str | bytes]:
        """Wait for messages, which may be none. Raises SocketLost at the end."""
        messages = await self._wire.receive()
        if messages is None:
            raise SocketLost("the program is gone, or closed the connection")
        return messages

    async def close(self, code: int) -> None:
        """Say goodbye; returns even when the peer is gone."""
        await self._wire.close(code, "")

    def abort(self) -> None:
        """Nothing to cut: the server ends the connection when the session is over."""


def _framed(message: str | bytes) -> bytes:
    if isinstance(message, str):
        return frames.text_frame(message.encode())
    return frames.binary_frame(message)


class MediaSession:
    """Brings the socket to the channel that expects it, and keeps it open as long as it is used."""

    subprotocols = ("media",)

    def __init__(self, expected: Expected, max_message: int) -> None:
        """Claims the place, which `close` gives back where nobody came."""
        expected.claim()
        self._expected = expected
        self._max_message = max_message

    async def run(self, stream: Stream) -> None:
        """Be there until the channel needs it no more."""
        self._expected.bring(MediaWire(stream, self._max_message))
        await self._expected.over.wait()

    def close(self) -> None:
        """Let another one come, if this one never did."""
        self._expected.give_up()
