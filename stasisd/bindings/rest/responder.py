"""ARI over HTTP: authenticate, find the operation, let the gate perform it, write the answer."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import trio

from caps.grant import Grant
from stasisd.bindings.ari.encoding import Encoder
from stasisd.bindings.ari.errors import body_of, status_of
from stasisd.operations import OPERATIONS
from stasisd.operations.authentication import MESSAGE, Authenticator
from stasisd.operations.declare import Operation
from stasisd.operations.errors import NotAuthenticated, OperationError
from stasisd.operations.events import Hearing
from stasisd.operations.gate import Gate
from stasisd.operations.recordings import MediaFile

from .answers import JSON, html_answer, json_answer, message_answer
from .exchange import FileBody, Headers, HttpRequest, HttpResponse, WebSocketSession
from .parameters import collect
from .routes import Match, Routes

CHALLENGE: Headers = ((b"www-authenticate", b'Basic realm="Asterisk REST Interface"'),)
CONTENT_TYPES = {
    "wav": b"audio/wav",
    "ulaw": b"audio/basic",
    "alaw": b"audio/x-alaw-basic",
    "flac": b"audio/flac",
}
EVENTS = OPERATIONS["events.eventWebsocket"]

# The JSON of a document by its name and the host it is asked at, or None.
Documents = Callable[[str, str], bytes | None]
OpenSession = Callable[[Hearing, Grant], WebSocketSession]


class AriResponder:
    """Answers every request below the prefix."""

    def __init__(
        self,
        gate: Gate,
        authenticator: Authenticator,
        encoder: Encoder,
        *,
        documents: Documents,
        open_session: OpenSession,
        server: str,
        operations: Iterable[Operation] = tuple(OPERATIONS.values()),
    ) -> None:
        """``open_session`` makes the session that carries a hearing over a WebSocket."""
        self._gate = gate
        self._authenticator = authenticator
        self._encoder = encoder
        self._documents = documents
        self._open_session = open_session
        self._server = server
        self._routes = Routes(operations)

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        path = request.path[1:]
        try:
            if request.method == "OPTIONS":
                return self._options(path)
            grant = self._authenticate(request)
            if path[:1] == ("api-docs",):
                return self._document(request, path[1:])
            match = self._routes.match("GET" if request.method == "HEAD" else request.method, path)
            if match is None:
                return self._no_route(path)
            if match.operation is EVENTS:
                return html_answer(426, "", self._server)
            result = await self._gate.perform(grant, match.operation, _raw(request, match))
            return await self._success(request, match.operation, result)
        except OperationError as error:
            return _refusal(error)

    async def open_events(self, request: HttpRequest) -> HttpResponse | WebSocketSession:
        """Decide on a WebSocket upgrade."""
        try:
            grant = self._authenticate(request)
            match = self._routes.match("GET", request.path[1:])
            if match is None or match.operation is not EVENTS:
                return message_answer(404, "Resource not found")
            raw = _raw(request, match)
            if not raw.get("app"):
                text = "HTTP request is missing param: [app]"
                return html_answer(400, text, self._server)
            hearing = await self._gate.perform(grant, EVENTS, raw)
        except OperationError as error:
            return _refusal(error)
        return self._open_session(hearing, grant)

    # --- who asks

    def _authenticate(self, request: HttpRequest) -> Grant:
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, value = header.partition(" ")
            if scheme.lower() == "basic":
                return self._authenticator.password(*_basic(value))
            if scheme.lower() == "bearer":
                return self._authenticator.token(value.strip())
            raise NotAuthenticated(MESSAGE)
        for name, value in request.query:
            if name == "api_key":
                return self._authenticator.api_key(value)
        raise NotAuthenticated(MESSAGE)

    # --- answers

    def _options(self, path: tuple[str, ...]) -> HttpResponse:
        allowed = self._routes.allowed(path)
        if allowed is None:
            return message_answer(404, "Resource not found")
        return HttpResponse(204, (_allow(allowed),))

    def _no_route(self, path: tuple[str, ...]) -> HttpResponse:
        allowed = self._routes.allowed(path)
        if allowed is None:
            return message_answer(404, "Resource not found")
        return message_answer(405, "Invalid method", (_allow(allowed),))

    def _document(self, request: HttpRequest, path: tuple[str, ...]) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return message_answer(405, "Invalid method", (_allow(("OPTIONS", "GET")),))
        document = self._documents("/".join(path), request.headers.get("host", ""))
        if document is None:
            return message_answer(404, "Resource not found")
        return HttpResponse(200, (JSON,), document)

    async def _success(
        self, request: HttpRequest, operation: Operation, result: Any
    ) -> HttpResponse:
        if result is None:
            return HttpResponse(204)
        if isinstance(result, MediaFile):
            return await trio.to_thread.run_sync(_file, result)
        body = self._encoder.result(result)
        if operation.location:
            location = f"/{request.path[0]}{_location(operation.location, result)}"
            return HttpResponse(201, ((b"location", location.encode()), JSON), body)
        return HttpResponse(200, (JSON,), body)


def _location(template: str, result: Any) -> str:
    """The path of what was made, its fields percent-encoded."""
    return re.sub(r"{(\w+)}", lambda field: quote(getattr(result, field[1]), safe=""), template)


def _allow(methods: Iterable[str]) -> tuple[bytes, bytes]:
    return b"allow", ",".join(methods).encode()


def _refusal(error: OperationError) -> HttpResponse:
    headers = CHALLENGE if isinstance(error, NotAuthenticated) else ()
    return json_answer(status_of(error), body_of(error), headers)


def _basic(value: str) -> tuple[str, str]:
    """The name and password of RFC 7617."""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise NotAuthenticated(MESSAGE) from None
    name, colon, password = text.partition(":")
    if not colon:
        raise NotAuthenticated(MESSAGE)
    return name, password


def _raw(request: HttpRequest, match: Match) -> dict[str, Any]:
    """All parameters by their wire names: those in the path win, then the query and the form."""
    collected = collect(request)
    named = {
        name: values[0] if len(values) == 1 else list(values)
        for name, values in collected.named.items()
    }
    return {**collected.fields, **named, **match.parameters}


def _file(media: MediaFile) -> HttpResponse:
    """Open a recording's file; blocks."""
    try:
        descriptor = os.open(media.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return message_answer(404, "Recording not found")
    except OSError:
        return message_answer(403, "The recording file could not be opened")
    status = os.fstat(descriptor)
    body = FileBody(os.fdopen(descriptor, "rb"), status.st_size, status.st_mtime)
    content_type = CONTENT_TYPES.get(media.format, b"application/octet-stream")
    return HttpResponse(200, ((b"content-type", content_type),), body)
