"""asyncari's HTTP client on the responder itself: everything is real but the sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from asyncswagger11.http_client import (  # type: ignore[import-untyped]  # it has no types
    ApiKeyAuthenticator,
    AsynchronousHttpClient,
)
from wsproto.events import CloseConnection, TextMessage

from stasisd.bindings.documents import SwaggerDocuments
from stasisd.bindings.rest.exchange import build_request
from stasisd.bindings.websocket.session import Ended
from stasisd.operations import OPERATIONS
from tests.support.server import USER, Server

HOST = "pbx.example"
URL = f"http://{HOST}:8088/"
# asyncari leaves its queues to the garbage collector, and calls Logger.warn; asyncswagger11
# hands httpx a body in a way that httpx has given up.
QUIRKS = [
    pytest.mark.usefixtures("garbage_collected"),
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning"),
]
DOCUMENTS = SwaggerDocuments(OPERATIONS.values(), host="unused")


class Transport(httpx.AsyncBaseTransport):
    """Requests go to the responder. `requests` are their methods and targets."""

    def __init__(self, server: Server) -> None:
        self.requests: list[str] = []
        self.broken = "nothing"  # what stands in targets that are answered with 500
        self._server = server

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        document = DOCUMENTS(
            request.url.path.removeprefix("/ari/api-docs/"), request.headers["host"]
        )
        if document is not None:
            return httpx.Response(200, content=document)
        target = request.url.copy_remove_param("api_key").raw_path.decode()
        self.requests.append(f"{request.method} {target}")
        if self.broken in target:
            return httpx.Response(500)
        body = await request.aread()
        reply = await self._server.request(
            request.method, request.url.raw_path.decode(), body=body, headers=request.headers
        )
        return httpx.Response(reply.status, content=reply.body)


class WebSocket:
    """The events as asyncari reads them."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._messages: deque[TextMessage | CloseConnection] = deque()

    def __aiter__(self) -> WebSocket:
        return self

    async def __anext__(self) -> TextMessage | CloseConnection:
        while not self._messages:
            taken = await self._stream.receive()
            if isinstance(taken, Ended):
                return CloseConnection(taken.code, taken.reason)
            self._messages += [TextMessage(message.decode()) for message in taken]
        return self._messages.popleft()

    async def close(self) -> None:
        self._stream.close()


class Direct(AsynchronousHttpClient):  # type: ignore[misc]  # it has no types
    """asyncswagger11's own client but for the way to the server."""

    def __init__(self, server: Server) -> None:
        super().__init__(auth=ApiKeyAuthenticator(HOST, USER))
        self.transport = Transport(server)
        self.session = httpx.AsyncClient(transport=self.transport)
        self._server = server

    async def ws_connect(
        self, url: str, params: Mapping[str, Any] | None = None, headers: Any = None
    ) -> WebSocket:
        parts = urlsplit(url)
        assert parts.scheme == "ws", "the client has understood `upgrade`"
        target = f"{parts.path}?{urlencode({**(params or {}), 'api_key': USER})}"
        request = build_request("GET", target.encode(), {}, b"", ("192.0.2.9", 40000), secure=False)
        opened: Any = await self._server.responder.open_events(request)
        return WebSocket(opened.stream)
