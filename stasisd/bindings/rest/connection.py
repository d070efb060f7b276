"""Connections on hypercorn's protocols, with the traps of its TCP server closed.

hypercorn's `TCPServer` sends shielded from cancellation and without a bound, so that one reader
that is stuck hangs the shutdown; it holds a closed connection until its idle timer ends; and what
escapes one connection ends the server. This is the same server with those repaired. Its protocols
are kept, but for small changes: no HTTP/2 by upgrade, no WebSocket compression, errors in JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING, Any, cast

import h11
import msgspec
import trio
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body, Data, Request, StreamClosed
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol, H11WSConnection
from hypercorn.protocol.http_stream import HTTPStream
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import TrioSingleTask
from hypercorn.typing import ASGISendEvent, ConnectionState, H11SendableEvent
from wsproto.events import Event as WSProtoEvent

from . import transport
from .answers import reason

if TYPE_CHECKING:
    from .site import Site
    from .transport import Transport


def wants_websocket(request: h11.Request) -> bool:
    """Tell whether a request asks to become a WebSocket (RFC 6455 section 4.1)."""
    if request.method != b"GET":
        return False
    fields = {name: value.lower() for name, value in request.headers}
    tokens = (token.strip() for token in fields.get(b"connection", b"").split(b","))
    return fields.get(b"upgrade", b"").strip() == b"websocket" and b"upgrade" in tokens


class Connection:
    """One connection, from its first byte, or from where the hot path handed it over."""

    def __init__(self, site: Site, stream: Transport) -> None:
        self._site = site
        self._stream = stream
        self._send_lock = trio.Lock()
        self._reading = trio.CancelScope()
        self._idle = TrioSingleTask()
        self._group = TaskGroup()
        self._closing = False
        self._protocol: Http1

    async def run(self, received: bytes = b"") -> None:
        """Serve until the connection ends; `received` are bytes that were read already."""
        secure = isinstance(self._stream, trio.SSLStream)
        server = transport.tcp_of(self._stream).socket.getsockname()[:2]
        async with self._group:
            self._protocol = Http1(
                self._site,
                self._site.app,
                self._site.config,
                self._site.context,
                self._group,
                cast(ConnectionState, {"connection": self}),
                secure,
                transport.peer_of(self._stream),
                server,
                self._take,
            )
            await self._idle.restart(self._group, self._expire)
            with self._reading:
                await self._read(received)
            await self._idle.stop()
            await self._protocol.handle(Closed())

    async def write(self, data: bytes) -> None:
        """Send all of it, after what is being sent; drop it once the connection is ending."""
        async with self._send_lock:
            if not self._closing:
                await transport.send(self._stream, data, self._site.settings.send_timeout)

    def abort(self) -> None:
        """Cut the connection without a word."""
        transport.abort(self._stream)

    async def _take(self, event: Event) -> None:
        """Do what the protocol wants: hypercorn's `send`."""
        if isinstance(event, RawData):
            await self.write(event.data)
        elif isinstance(event, Closed):
            await self._hang_up()
            await self._protocol.handle(Closed())
        elif isinstance(event, Updated) and event.idle:
            await self._idle.restart(self._group, self._expire)
        elif isinstance(event, Updated):
            self._reading.deadline = inf
            await self._idle.stop()

    async def _read(self, received: bytes) -> None:
        data = received or await self._receive()
        while data is not None:
            if not self._closing:
                await self._protocol.handle(RawData(data))
                self._bound_header()
            data = await self._receive() if data else None

    async def _receive(self) -> bytes | None:
        """What comes next, b"" for the end; None where the connection is cut."""
        try:
            return bytes(await self._stream.receive_some(transport.CHUNK))
        except transport.GONE:
            return None

    def _bound_header(self) -> None:
        """Once the first bytes of a request have come, its header has to be whole in time."""
        between_requests = self._protocol.stream is None and self._reading.deadline == inf
        if between_requests and self._protocol.connection.trailing_data[0]:
            timeout = self._site.settings.header_timeout
            self._reading.deadline = trio.current_time() + timeout

    async def _hang_up(self) -> None:
        """Send the end; the reader drops what still comes until the peer ends too."""
        if self._closing:
            return
        self._closing = True
        self._reading.deadline = trio.current_time() + self._site.settings.linger_timeout
        try:
            await transport.tcp_of(self._stream).send_eof()
        except (*transport.GONE, trio.BusyResourceError):
            pass

    async def _expire(self) -> None:
        with trio.move_on_after(self._site.settings.keep_alive_timeout):
            await self._site.shutdown.wait()
        self._reading.cancel()


class Http1(H11Protocol):
    """hypercorn's HTTP/1.1, made to speak HTTP/1.1 only."""

    def __init__(self, site: Site, *args: Any) -> None:
        super().__init__(*args)
        self._site = site

    async def _check_protocol(self, event: h11.Request) -> None:
        """Let h2c be: it measured slower, and the upgrade may be ignored (RFC 9110, 7.8)."""

    async def _create_stream(self, request: h11.Request) -> None:
        """Begin a request; it is not counted, so that a client's pool may keep its connection."""
        kind: Callable[..., HTTPStream | WSStream] = HTTPStream
        if wants_websocket(request):
            kind = partial(WebSocketStream, self._site)
            self.connection = H11WSConnection(cast(h11.Connection, self.connection))
        self.stream = kind(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        await self.stream.handle(
            Request(
                stream_id=STREAM_ID,
                headers=list(request.headers),
                http_version=request.http_version.decode(),
                method=request.method.decode("ascii").upper(),
                raw_path=request.target,
                state=self.connection_state,
            )
        )

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        if isinstance(event, h11.Response) and not event.reason:
            event = h11.Response(
                headers=event.headers,
                status_code=event.status_code,
                reason=reason(event.status_code),
            )
        await super()._send_h11_event(event)

    async def _send_error_response(self, status_code: int) -> None:
        head, body = malformed(status_code)
        await self._send_h11_event(
            h11.Response(
                status_code=status_code, headers=[*head, *self.config.response_headers("h11")]
            )
        )
        await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())


def malformed(status: int) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return headers and body for bytes that are no request; the connection can't be kept."""
    message = "Malformed HTTP request" if status == 400 else HTTPStatus(status).phrase
    body = msgspec.json.encode({"message": message})
    return [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-cache, no-store"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ], body


class WebSocketStream(WSStream):
    """hypercorn's WebSocket without compression, and with an end to what a client may do wrong.

    Under the prefix it does the handshake alone: what comes afterwards goes to the session as it
    is, which knows RFC 6455 and makes less of it.
    """

    def __init__(self, site: Site, *args: Any) -> None:
        super().__init__(*args)
        self._site = site
        self._decided = trio.Event()
        self._raw = False

    async def handle(self, event: StreamEvent) -> None:
        """Take what came for this stream."""
        if isinstance(event, Request):
            await self._begin(event)
        elif isinstance(event, Body | Data):
            # A frame sent before we accepted waits, and the reader with it: hypercorn answers it
            # with 400 while the application accepts, and the two responses end the whole server.
            await self._decided.wait()
            if self.handshake.accepted:
                await self._incoming(event)
        else:
            await super().handle(event)

    async def app_send(self, message: ASGISendEvent | None) -> None:
        """Take what the application says; its first word accepts or refuses."""
        try:
            await super().app_send(message)
        finally:
            if message is None or self.state is not ASGIWebsocketState.HANDSHAKE:
                self._decided.set()

    async def _begin(self, request: Request) -> None:
        self._raw = self._site.answers(request.raw_path)
        headers = [pair for pair in request.headers if pair[0] != b"sec-websocket-extensions"]
        await super().handle(dataclasses.replace(request, headers=headers))
        if self.closed:  # not a valid handshake: hypercorn answers 400 and would leave it open
            await self.send(StreamClosed(stream_id=self.stream_id))

    async def _incoming(self, event: Body | Data) -> None:
        if not self._raw:
            await super().handle(event)
        elif event.data and not self.closed:
            assert self.app_put is not None
            await self.app_put({"type": "websocket.receive", "bytes": event.data})

    async def _send_wsproto_event(self, event: WSProtoEvent) -> None:
        if not self._raw:
            await super()._send_wsproto_event(event)
