"""The QuartTrio application behind `Connection`: the Responder by ASGI, and other routes.

What lies under the prefix goes to the Responder, past Quart's routing. The rest is Quart's as
usual, for blueprints of other rooms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import structlog
import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, WebsocketScope
from quart.asgi import ASGIHTTPConnection
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection, TrioASGIWebsocketConnection

from .answers import BodyTooLargeError, BodyTooSlowError, HttpError
from .exchange import HttpRequest, HttpResponse, WebSocketSession, build_request, fold_headers
from .files import FileCutShortError, copy
from .perform import Outgoing, complete, open_events, perform
from .wire import Wire

if TYPE_CHECKING:
    from quart.wrappers import Request

    from .connection import Connection
    from .site import Site

log = structlog.get_logger(__name__)


class ClientGoneError(Exception):
    """The client hung up before its request was whole: there is nobody to answer."""


class HttpExchange(TrioASGIHTTPConnection):
    """One HTTP request, by ASGI."""

    app: ShellApp
    scope: HTTPScope

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer: by the Responder under the prefix, else by a route."""
        self._responding = False
        if not self.app.site.answers(target_of(self.scope)):
            await super().__call__(receive, send)
            return
        try:
            body = await self._body(receive)
        except ClientGoneError:
            return
        except HttpError as error:
            await self._refuse(error, receive, send)
            return
        request = request_of(self.scope, body)
        site = self.app.site
        outgoing = await perform(site.responder, request, site.settings.allowed_origins)
        await self._send(request, outgoing, send)

    async def _body(self, receive: ASGIReceiveCallable) -> bytes:
        settings = self.app.site.settings
        for name, value in self.scope["headers"]:
            if name == b"content-length" and int(value) > settings.max_body:
                raise BodyTooLargeError(settings.max_body)
        with trio.move_on_after(settings.body_timeout):
            return await gather(receive, settings.max_body)
        raise BodyTooSlowError

    async def _refuse(
        self, error: HttpError, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Answer before the body has been read: somebody has to go on emptying the queue."""
        request = request_of(self.scope, b"")
        refusal = error.answer()
        headers = (*refusal.headers, (b"connection", b"close"))
        outgoing = complete(request, HttpResponse(refusal.status, headers, refusal.body))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(discard, receive)
            await self._send(request, outgoing, send)
            nursery.cancel_scope.cancel()

    async def _send(self, request: HttpRequest, outgoing: Outgoing, send: ASGISendCallable) -> None:
        async def send_chunk(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": outgoing.status,
                    "headers": list(outgoing.headers),
                }
            )
            body = b""
            if isinstance(outgoing.body, bytes):
                body = outgoing.body
            elif request.method != "HEAD":
                await copy(outgoing.body, send_chunk)
            await send({"type": "http.response.body", "body": body, "more_body": False})
        except FileCutShortError:
            connection_of(self.scope).abort()
        finally:
            outgoing.close()

    async def handle_messages(  # type: ignore[override]  # quart-trio adds the nursery, too
        self, nursery: trio.Nursery, request: Request, receive: ASGIReceiveCallable
    ) -> None:
        """Feed the body to a route; cancel it when the client goes before the response begins.

        Once it has begun, what comes is hypercorn's own end of the exchange: to be cancelled by
        that would leave the connection without its idle timer, open for ever.
        """
        await ASGIHTTPConnection.handle_messages(self, request, receive)
        if not self._responding:
            nursery.cancel_scope.cancel()

    async def _send_response(self, send: ASGISendCallable, response: Any) -> None:
        self._responding = True
        await super()._send_response(send, response)


class WebSocketExchange(TrioASGIWebsocketConnection):
    """One WebSocket, by ASGI: the Responder's under the prefix, else a route's."""

    app: ShellApp
    scope: WebsocketScope

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Ask the Responder, then refuse or accept, and run the session."""
        site = self.app.site
        if not site.answers(target_of(self.scope)):
            await super().__call__(receive, send)
            return
        request = request_of(self.scope, b"")
        opened = await open_events(site.responder, request, site.settings.allowed_origins)
        if isinstance(opened, Outgoing):
            await self._refuse(opened, send)
            return
        try:
            await self._accept(opened, request, send)
            await opened.run(Wire(receive, connection_of(self.scope), site.shutdown))
        except Exception:  # the barrier: a bug ends one WebSocket
            log.exception("websocket failed", request_id=request.request_id)
        finally:
            opened.close()

    async def _accept(
        self, session: WebSocketSession, request: HttpRequest, send: ASGISendCallable
    ) -> None:
        offered = self.scope["subprotocols"]
        chosen = next((name for name in session.subprotocols if name in offered), None)
        headers = [(b"x-request-id", request.request_id.encode("latin-1"))]
        await send({"type": "websocket.accept", "subprotocol": chosen, "headers": headers})

    async def _refuse(self, outgoing: Outgoing, send: ASGISendCallable) -> None:
        assert isinstance(outgoing.body, bytes), "an upgrade is not refused with a file"
        await send(
            {
                "type": "websocket.http.response.start",
                "status": outgoing.status,
                "headers": [*outgoing.headers, (b"connection", b"close")],
            }
        )
        await send(
            {"type": "websocket.http.response.body", "body": outgoing.body, "more_body": False}
        )


class ShellApp(QuartTrio):
    """Quart with the Responder in front of its routes; `site` is set before it serves."""

    asgi_http_class = HttpExchange
    asgi_websocket_class = WebSocketExchange
    site: Site

    async def nothing_here(self, _error: Exception) -> tuple[dict[str, str], int]:
        """Tell who asks for what no route is that ARI is elsewhere."""
        detail = f"ARI is under /{self.site.settings.prefix}/"
        return {"message": "Resource not found", "detail": detail}, 404


def target_of(scope: HTTPScope | WebsocketScope) -> bytes:
    """Return the request target as it was sent."""
    query = scope["query_string"]
    return scope["raw_path"] + b"?" + query if query else scope["raw_path"]


def request_of(scope: HTTPScope | WebsocketScope, body: bytes) -> HttpRequest:
    """Make the request that a Responder sees of an ASGI scope."""
    return build_request(
        scope["method"] if scope["type"] == "http" else "GET",
        target_of(scope),
        fold_headers(scope["headers"]),
        body,
        scope["client"] or ("", 0),
        secure=scope["scheme"] in {"https", "wss"},
    )


def connection_of(scope: HTTPScope | WebsocketScope) -> Connection:
    """Return the connection that a scope came by."""
    return cast("Connection", scope["state"]["connection"])


async def gather(receive: ASGIReceiveCallable, limit: int) -> bytes:
    """Read a whole body. Raises `BodyTooLargeError` and `ClientGoneError`."""
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise ClientGoneError
        body += event["body"]
        if len(body) > limit:
            raise BodyTooLargeError(limit)
        if not event["more_body"]:
            return bytes(body)


async def discard(receive: ASGIReceiveCallable) -> None:
    """Take what comes, for as long as it comes."""
    while (await receive())["type"] == "http.request":
        pass
