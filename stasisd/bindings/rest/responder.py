"""ARI over HTTP: authenticate, have it performed, write the answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

import trio

from caps.grant import Grant
from stasisd.bindings.ari.performing import EVENTS, Answer, Performer, Request, raw, said
from stasisd.operations.asking import Asked
from stasisd.operations.errors import OperationError
from stasisd.operations.events import Hearing
from stasisd.operations.recordings import MediaFile

from .answers import JSON, html_answer, message_answer, patience
from .door import Door
from .exchange import FileBody, Headers, HttpRequest, HttpResponse, WebSocketSession

CONTENT_TYPES = {
    "wav": b"audio/wav",
    "ulaw": b"audio/basic",
    "alaw": b"audio/x-alaw-basic",
    "flac": b"audio/flac",
    "ogg": b"audio/ogg",
}

# The JSON of a document by its name and the host it is asked at, or None.
Documents = Callable[[str, str], bytes | None]
OpenSession = Callable[[Hearing, Grant], WebSocketSession]


class AriResponder:
    """Answers every request below the prefix."""

    def __init__(
        self,
        performer: Performer,
        door: Door,
        *,
        documents: Documents,
        open_session: OpenSession,
        server: str,
        prefix: str = "ari",
    ) -> None:
        """``open_session`` makes the session that carries a hearing over a WebSocket.

        ``prefix`` are the first segments of every path, which are the server's and not ARI's.
        """
        self._performer = performer
        self._door = door
        self._documents = documents
        self._open_session = open_session
        self._server = server
        self._prefix = prefix
        self._depth = prefix.count("/") + 1

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        asked = self._asked(request)
        if request.method == "OPTIONS":  # a browser asks without credentials
            return self._written(self._performer.options(asked.path))
        try:
            grant = await self._door.admit(request)
        except OperationError as error:
            return self._door.refuse(error, request)
        if asked.path[:1] == ("api-docs",):
            return self._document(request, asked.path[1:])
        answer = await self._performer.perform(grant, asked)
        if isinstance(answer.body, MediaFile):
            return await trio.to_thread.run_sync(_file, answer.body)
        if answer.status == HTTPStatus.UPGRADE_REQUIRED:
            return html_answer(answer.status, "", self._server)
        return self._written(answer, asked.asked)

    async def open_events(self, request: HttpRequest) -> HttpResponse | WebSocketSession:
        """Decide on a WebSocket upgrade."""
        asked = self._asked(request)
        try:
            grant = await self._door.admit(request)
            match = self._performer.match(asked)
            if match is None or match.operation is not EVENTS:
                return message_answer(404, "Resource not found")
            parameters = raw(asked, match)
            if not parameters.get("app"):
                text = "HTTP request is missing param: [app]"
                return html_answer(400, text, self._server)
            hearing = await self._performer.gate.perform(grant, EVENTS, parameters, asked.asked)
        except OperationError as error:
            return self._door.refuse(error, request)
        return self._open_session(hearing, grant)

    def _asked(self, request: HttpRequest) -> Request:
        """The request as it would be over any wire."""
        return Request(
            request.method,
            request.path[self._depth :],
            request.query,
            request.headers.get("content-type", ""),
            request.body,
            Asked(request.request_id, request.headers.get("idempotency-key")),
        )

    def _written(self, answer: Answer, asked: Asked | None = None) -> HttpResponse:
        """An answer without a file, with the headers that clients expect, and our remarks."""
        assert isinstance(answer.body, bytes)
        headers: Headers = (JSON,) if answer.body else ()
        if answer.allow:
            headers = ((b"allow", ",".join(answer.allow).encode()), *headers)
        if answer.location:
            headers = ((b"location", f"/{self._prefix}{answer.location}".encode()), *headers)
        headers += patience(answer)
        if asked is not None:
            headers += _remarks(asked)
        return HttpResponse(answer.status, headers, answer.body)

    def _document(self, request: HttpRequest, path: tuple[str, ...]) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return self._written(said(405, "Invalid method", ("OPTIONS", "GET")))
        document = self._documents("/".join(path), request.headers.get("host", ""))
        if document is None:
            return message_answer(404, "Resource not found")
        return HttpResponse(200, (JSON,), document)


def _remarks(asked: Asked) -> Headers:
    """What the request caused, and whether the answer is that of an earlier one."""
    remarks: Headers = ()
    if asked.sequences:
        heard = ", ".join(f"{quote(name)}={last}" for name, last in asked.sequences.items())
        remarks = ((b"x-event-sequence", heard.encode()),)
    return (*remarks, (b"idempotency-replayed", b"true")) if asked.replayed else remarks


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
