"""A WebSocket that we open to a program: TCP, TLS, the handshake, then messages (RFC 6455)."""

import base64
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import trio
import wsproto
from wsproto import events
from wsproto.utilities import ProtocolError

from stasisd.core.media_socket import SocketLost

SUBPROTOCOL = "media"
HANDSHAKE_SECONDS = 3
SEND_SECONDS = 10  # a peer that takes nothing for so long is cut off
GOODBYE_SECONDS = 0.2
CHUNK = 16 * 1024
LONGEST = 1 << 20  # octets of a message

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class Target(msgspec.Struct, frozen=True):
    """What the program's server is asked for: the ``Host`` header, the path with its query."""

    host: str
    resource: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Client:
    """An open connection; a `core.media_socket.MediaSocket` once it is upgraded."""

    def __init__(self, tcp: trio.SocketStream, stream: Stream) -> None:
        """``tcp`` is what lies below ``stream``."""
        self._tcp = tcp
        self._stream = stream
        self._protocol = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._sending = trio.Lock()
        self._text = ""
        self._octets = b""

    async def upgrade(self, target: Target) -> None:
        """Ask for the WebSocket. Raises SocketLost."""
        request = events.Request(
            host=target.host,
            target=target.resource,
            subprotocols=[SUBPROTOCOL],
            extra_headers=list(target.headers),
        )
        await self._send([request])
        while True:
            for event in await self._receive():
                match event:
                    case events.AcceptConnection():
                        return
                    case events.RejectConnection():
                        raise SocketLost(f"it answers with status {event.status_code}")
                    case events.CloseConnection():
                        raise SocketLost("it closed the connection")

    async def send(self, messages: Sequence[str | bytes]) -> None:
        """Send messages in order. Raises SocketLost, also for a peer that is stuck."""
        await self._send([_framed(message) for message in messages])

    async def receive(self) -> list[str | bytes]:
        """Wait for messages, which may be none. Raises SocketLost at the end."""
        messages: list[str | bytes] = []
        for event in await self._receive():
            match event:
                case events.Ping():
                    await self._send([event.response()])
                case events.TextMessage() | events.BytesMessage():
                    messages += self._joined(event)
                case events.CloseConnection():
                    await self._send([event.response()])
                    raise SocketLost("the program closed the connection")
        return messages

    async def close(self, code: int) -> None:
        """Say goodbye; returns even when the peer is gone."""
        with trio.move_on_after(GOODBYE_SECONDS):
            try:
                await self._send([events.CloseConnection(code=code)])
            except SocketLost:
                pass

    def abort(self) -> None:
        """Cut the connection without a word. Idempotent."""
        self._tcp.socket.close()

    def _joined(self, event: events.TextMessage | events.BytesMessage) -> list[str | bytes]:
        """The message that this piece ends, if it does."""
        if isinstance(event, events.TextMessage):
            self._text += event.data
        else:
            self._octets += bytes(event.data)
        if len(self._text) + len(self._octets) > LONGEST:
            raise SocketLost(f"a message has at most {LONGEST} octets")
        if not event.message_finished:
            return []
        message = self._text if isinstance(event, events.TextMessage) else self._octets
        self._text, self._octets = "", b""
        return [message]

    async def _send(self, said: Sequence[events.Event]) -> None:
        """Send, or cut the connection: half a frame can't be taken back."""
        whole = False
        try:
            with _declared(), trio.fail_after(SEND_SECONDS):
                async with self._sending:
                    await self._write(b"".join(map(self._protocol.send, said)))
            whole = True
        finally:
            if not whole:
                self.abort()

    async def _write(self, data: bytes) -> None:
        """Send, and wait only where the kernel's buffer is full.

        So what is cancelled while it waits is seldom in the middle of a frame, and the connection
        can still be closed with a goodbye.
        """
        rest = data if self._stream is not self._tcp else data[_send_now(self._tcp, data) :]
        if rest:
            await self._stream.send_all(rest)

    async def _receive(self) -> list[events.Event]:
        with _declared():
            data = await self._stream.receive_some(CHUNK)
            self._protocol.receive_data(bytes(data) or None)
            return list(self._protocol.events())


def _send_now(tcp: trio.SocketStream, data: bytes) -> int:
    """Send what the kernel takes at once; returns how much. Raises `trio.BrokenResourceError`."""
    try:
        return os.write(tcp.socket.fileno(), data)
    except BlockingIOError:
        return 0
    except OSError as error:
        raise trio.BrokenResourceError from error


@contextmanager
def _declared() -> Iterator[None]:
    """Turn what the layers below raise into SocketLost."""
    try:
        yield
    except trio.TooSlowError:
        raise SocketLost("the program takes nothing") from None
    except (*GONE, ProtocolError) as error:
        raise SocketLost(str(error.__cause__ or error) or "the connection broke") from None


def _framed(message: str | bytes) -> events.Event:
    if isinstance(message, str):
        return events.TextMessage(message)
    return events.BytesMessage(message)


def authorization(username: str, password: str) -> tuple[bytes, bytes]:
    """The header of HTTP Basic (RFC 7617)."""
    pair = f"{username}:{password}".encode()
    return b"authorization", b"Basic " + base64.b64encode(pair)
