"""The hot path: HTTP/1.1 requests under the prefix, from h11 to the Responder and back.

Quart and hypercorn spend several tasks, scopes and queues on each request. Here one task serves a
connection: parse, ask, send head and body at once; one cancel scope, whose deadline moves from
phase to phase, bounds whatever it waits for. Nothing reads while the Responder works, so that a
client that goes away cancels nothing, and one that pipelines waits in the kernel's buffer.

What is not hot (WebSockets, other routes) is handed over to `connection.Connection` with the
request parsed so far, and stays there. `HttpSettings.lean = False` sends everything there; the
tests of HTTP run both ways.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import h11
import trio

from . import transport
from .answers import BodyTooLargeError, BodyTooSlowError, HttpError, reason
from .connection import Connection, malformed, wants_websocket
from .exchange import HttpRequest, build_request, fold_headers
from .files import FileCutShortError, copy
from .perform import Outgoing, complete, perform

if TYPE_CHECKING:
    from .site import Site
    from .transport import Transport

_CLOSE = (b"connection", b"close")
_NO_BODY = frozenset({204, 304})


class LeanConnection:
    """One connection on the hot path."""

    def __init__(self, site: Site, stream: Transport) -> None:
        self._site = site
        self._stream = stream
        self._client = transport.peer_of(stream)
        self._secure = isinstance(stream, trio.SSLStream)
        self._h11 = h11.Connection(h11.SERVER, site.settings.max_header)
        self._scope = trio.CancelScope()
        self._idle = True

    async def run(self) -> None:
        """Serve until the connection ends, or hand it over and see that through."""
        handed_over: h11.Request | None = None
        self._site.lean_connections.add(self)
        try:
            with self._scope:
                handed_over = await self._serve()
        finally:
            self._site.lean_connections.remove(self)
        if handed_over is not None:
            await Connection(self._site, self._stream).run((self._h11, handed_over))

    def drain(self) -> None:
        """Close now if no request is under way, else after its response."""
        if self._idle:
            self._scope.cancel()

    async def _serve(self) -> h11.Request | None:
        """Answer request after request; returns one that is not for the hot path."""
        try:
            while (head := await self._next_head()) is not None:
                if wants_websocket(head) or not self._site.answers(head.target):
                    return head
                if not await self._answer(head):
                    break
        except h11.RemoteProtocolError as error:
            await self._send_malformed(error.error_status_hint)
        except transport.GONE:
            pass
        return None

    async def _next_head(self) -> h11.Request | None:
        """Wait for the next request line and header; None when the client has hung up."""
        settings = self._site.settings
        self._idle = True
        self._scope.deadline = trio.current_time() + settings.keep_alive_timeout
        started = False
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            if self._site.shutdown.is_set():
                return None
            self._h11.receive_data(bytes(await self._stream.receive_some(transport.CHUNK)))
            if not started:
                started = True
                self._scope.deadline = trio.current_time() + settings.header_timeout
        self._idle = False
        self._scope.deadline = inf
        return event if isinstance(event, h11.Request) else None

    async def _answer(self, head: h11.Request) -> bool:
        """Answer one request; returns whether the connection can serve another."""
        try:
            body = await self._body(head)
        except HttpError as error:
            request = self._request(head, b"")
            await self._send(request, complete(request, error.answer()), close=True)
            return False
        request = self._request(head, body)
        outgoing = await perform(self._site.responder, request, self._site.settings.allowed_origins)
        return await self._send(request, outgoing, close=self._site.shutdown.is_set())

    def _request(self, head: h11.Request, body: bytes) -> HttpRequest:
        return build_request(
            head.method.decode("ascii"),
            head.target,
            fold_headers(head.headers),
            body,
            self._client,
            secure=self._secure,
        )

    async def _body(self, head: h11.Request) -> bytes:
        """Read the whole body. Raises `BodyTooLargeError` and `BodyTooSlowError`."""
        limit = self._site.settings.max_body
        for name, value in head.headers:
            if name == b"content-length" and int(value) > limit:
                raise BodyTooLargeError(limit)
        event = self._h11.next_event()
        if type(event) is h11.EndOfMessage:  # no body, as almost always
            return b""
        with trio.move_on_after(self._site.settings.body_timeout):
            return await self._gather(event, limit)
        raise BodyTooSlowError

    async def _gather(self, event: object, limit: int) -> bytes:
        body = bytearray()
        while type(event) is not h11.EndOfMessage:
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > limit:
                    raise BodyTooLargeError(limit)
            else:  # NEED_DATA; an end in the middle is a RemoteProtocolError
                await self._continue()
                self._h11.receive_data(bytes(await self._stream.receive_some(transport.CHUNK)))
            event = self._h11.next_event()
        return bytes(body)

    async def _continue(self) -> None:
        if self._h11.they_are_waiting_for_100_continue:
            await self._write(
                self._h11.send(h11.InformationalResponse(status_code=100, headers=[]))
            )

    async def _send(self, request: HttpRequest, outgoing: Outgoing, *, close: bool) -> bool:
        """Send a response; returns whether the connection can serve another request."""
        try:
            headers = [*outgoing.headers, *self._site.headers(), *([_CLOSE] if close else ())]
            status = outgoing.status
            head = h11.Response(status_code=status, headers=headers, reason=reason(status))
            data = self._h11.send(head)
            with_body = request.method != "HEAD" and status not in _NO_BODY
            body = outgoing.body if with_body else b""
            if isinstance(body, bytes):
                await self._write(data + self._h11.send(h11.Data(data=body)))
            else:
                await self._write(data)
                await copy(body, self._send_data)
            self._h11.send(h11.EndOfMessage())
        except FileCutShortError:
            transport.abort(self._stream)
            return False
        finally:
            outgoing.close()
        return await self._recycle()

    async def _send_data(self, data: bytes) -> None:
        self._h11.send(h11.Data(data=data))
        await self._write(data)

    async def _write(self, data: bytes) -> None:
        if not await transport.send(self._stream, data, self._site.settings.send_timeout):
            raise trio.BrokenResourceError

    async def _recycle(self) -> bool:
        try:
            self._h11.start_next_cycle()
        except h11.LocalProtocolError:  # closing, or a body that was not read to its end
            await transport.hang_up(self._stream, self._site.settings.linger_timeout)
            return False
        return True

    async def _send_malformed(self, status: int) -> None:
        if self._h11.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            head, body = malformed(status)
            headers = [*head, *self._site.headers()]
            response = h11.Response(status_code=status, headers=headers, reason=reason(status))
            await self._write(self._h11.send(response) + body)
        await transport.hang_up(self._stream, self._site.settings.linger_timeout)
