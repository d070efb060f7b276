"""The hot path: plain HTTP/1.1 requests under the prefix, to the Responder and back.

Quart and hypercorn spend several tasks, scopes and queues on each request. Here one task serves a
connection: read a head, ask, send head and body at once; one cancel scope, whose deadline moves
from phase to phase, bounds whatever it waits for. Nothing reads while the Responder works, so that
a client that goes away cancels nothing, and one that pipelines waits in the kernel's buffer.

What is not plain (WebSockets, other routes, chunked bodies, HTTP/1.0, mistakes) is handed over to
`connection.Connection` with the bytes of it as they came, and stays there. `HttpSettings.lean =
False` sends everything there; the tests of HTTP run both ways.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import trio

from . import transport
from .answers import BodyTooLargeError, BodyTooSlowError, HttpError, reason
from .connection import Connection
from .exchange import HttpRequest, build_request
from .files import FileCutShortError, copy
from .head import Head, read_head
from .perform import Outgoing, complete, perform

if TYPE_CHECKING:
    from .site import Site
    from .transport import Transport

_CLOSE = (b"connection", b"close")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_END_WITHOUT_CR = b"\n\n"
_NO_BODY = frozenset({204, 304})


class LeanConnection:
    """One connection on the hot path."""

    def __init__(self, site: Site, stream: Transport) -> None:
        self._site = site
        self._stream = stream
        self._client = transport.peer_of(stream)
        self._secure = isinstance(stream, trio.SSLStream)
        self._received = b""
        self._scope = trio.CancelScope()
        self._idle = True

    async def run(self) -> None:
        """Serve until the connection ends, or hand it over and see that through."""
        handed_over = False
        self._site.lean_connections.add(self)
        try:
            with self._scope:
                handed_over = await self._serve()
        except transport.GONE:
            pass
        finally:
            self._site.lean_connections.remove(self)
        if handed_over:
            await Connection(self._site, self._stream).run(self._received)

    def drain(self) -> None:
        """Close now if no request is under way, else after its response."""
        if self._idle:
            self._scope.cancel()

    async def _serve(self) -> bool:
        """Answer request after request; returns whether the next is not for the hot path."""
        while True:
            end = await self._next_head()
            if end == 0:
                return bool(self._received)
            head = read_head(self._received[:end])
            if head is None or not self._site.answers(head.target):
                return True
            self._received = self._received[end:]
            if not await self._answer(head):
                return False

    async def _next_head(self) -> int:
        """Wait for a whole head in what was received; its length.

        0 where there will be none: nothing is left of a client that has hung up, and what is left
        of others is not plain.
        """
        settings = self._site.settings
        self._idle = True
        self._scope.deadline = trio.current_time() + settings.keep_alive_timeout
        started = False
        if self._received:  # pipelined: others have their turn between two requests
            await trio.lowlevel.checkpoint()
        while True:
            if self._received:
                end = self._received.find(_END_OF_HEAD)
                if end >= 0:
                    break
                if self._is_odd():
                    return 0
                if not started:
                    started = True
                    self._scope.deadline = trio.current_time() + settings.header_timeout
            if self._site.shutdown.is_set() or not await self._receive():
                self._received = b""
                return 0
        self._idle = False
        self._scope.deadline = inf
        return end + len(_END_OF_HEAD)

    def _is_odd(self) -> bool:
        """Whether half a head can't become a plain one that is short enough."""
        received = self._received
        too_long = len(received) > self._site.settings.max_header
        return too_long or _END_WITHOUT_CR in received or not received[:1].isalpha()

    async def _receive(self) -> bool:
        """Receive more; returns whether there is more."""
        data = bytes(await self._stream.receive_some(transport.CHUNK))
        self._received = self._received + data if self._received else data
        return bool(data)

    async def _answer(self, head: Head) -> bool:
        """Answer one request; returns whether the connection can serve another."""
        try:
            body = await self._body(head) if head.length else b""
        except HttpError as error:
            request = self._request(head, b"")
            return await self._send(request, complete(request, error.answer()), close=True)
        request = self._request(head, body)
        outgoing = await perform(self._site.responder, request, self._site.settings.allowed_origins)
        close = self._site.shutdown.is_set() or head.closes
        return await self._send(request, outgoing, close=close)

    def _request(self, head: Head, body: bytes) -> HttpRequest:
        return build_request(
            head.method, head.target, head.headers, body, self._client, secure=self._secure
        )

    async def _body(self, head: Head) -> bytes:
        """Read the whole body. Raises `BodyTooLargeError` and `BodyTooSlowError`."""
        settings = self._site.settings
        if head.length > settings.max_body:
            raise BodyTooLargeError(settings.max_body)
        if head.waits_for_continue:
            await self._write(_CONTINUE)
        with trio.move_on_after(settings.body_timeout):
            while len(self._received) < head.length:
                if not await self._receive():
                    raise trio.BrokenResourceError
            body = self._received[: head.length]
            self._received = self._received[head.length :]
            return body
        raise BodyTooSlowError

    async def _send(self, request: HttpRequest, outgoing: Outgoing, *, close: bool) -> bool:
        """Send a response; returns whether the connection can serve another request."""
        try:
            headers = (*outgoing.headers, *self._site.headers(), *((_CLOSE,) if close else ()))
            with_body = request.method != "HEAD" and outgoing.status not in _NO_BODY
            data = _head(outgoing.status, headers)
            if not with_body:
                await self._write(data)
            elif isinstance(outgoing.body, bytes):
                await self._write(data + outgoing.body)
            else:
                await self._write(data)
                await copy(outgoing.body, self._write)
        except FileCutShortError:
            transport.abort(self._stream)
            return False
        finally:
            outgoing.close()
        if close:
            await transport.hang_up(self._stream, self._site.settings.linger_timeout)
        return not close

    async def _write(self, data: bytes) -> None:
        if not await transport.send(self._stream, data, self._site.settings.send_timeout):
            raise trio.BrokenResourceError


def _head(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    lines = [b"HTTP/1.1 %d %s" % (status, reason(status))]
    lines += [b"%s: %s" % field for field in headers]
    return b"\r\n".join((*lines, b"", b""))
