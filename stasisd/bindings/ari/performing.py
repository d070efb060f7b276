"""What a client asks of ARI, performed: the same for a request over HTTP and over a WebSocket.

A binding makes a `Request` of what came over its wire and writes the `Answer` in its own words.
Who asks is settled before: the grant comes with the call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import msgspec

from caps.grant import Grant
from stasisd.operations import OPERATIONS
from stasisd.operations.asking import Asked
from stasisd.operations.declare import Operation
from stasisd.operations.errors import InvalidParameter, OperationError, TooSoon
from stasisd.operations.gate import Gate
from stasisd.operations.recordings import MediaFile
from stasisd.operations.values import TRUE

from .encoding import Encoder
from .errors import body_of, status_of
from .parameters import collect, misread
from .routes import Match, Routes

EVENTS = OPERATIONS["events.eventWebsocket"]
PRETTY = "pretty"
TWICE = "the path begins behind ari: channels, not ari/channels"


class Request(msgspec.Struct, frozen=True):
    """What is asked. `path` are the decoded segments below the prefix, `query` decoded pairs.

    `asked` names the request as the cause of what it changes, and has the gate's remarks after.
    """

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    body: bytes = b""
    asked: Asked | None = None


class Answer(msgspec.Struct, frozen=True):
    """What came of it. `body` is JSON, or a file that is still to be opened.

    `allow` are the methods of the path, where that is the answer; `location` the path of what was
    made, where clients expect to be told; `retry_after` the seconds that one has to wait.
    """

    status: int
    body: bytes | MediaFile = b""
    allow: tuple[str, ...] = ()
    location: str = ""
    retry_after: int | None = None


class Performer:
    """Finds the operation, lets the gate perform it, and writes down what came of it."""

    def __init__(
        self,
        gate: Gate,
        encoder: Encoder,
        operations: Iterable[Operation] = tuple(OPERATIONS.values()),
    ) -> None:
        self.gate = gate
        self.encoder = encoder
        self._routes = Routes(operations)

    async def perform(self, grant: Grant, request: Request) -> Answer:
        """Answer a request. What the gate refuses is an answer too; a bug is raised."""
        answer = await self._perform(grant, request)
        if self._is_pretty(request) and answer.body and isinstance(answer.body, bytes):
            return msgspec.structs.replace(answer, body=msgspec.json.format(answer.body))
        return answer

    def _is_pretty(self, request: Request) -> bool:
        """What the request says of it, also by the bare name, or else the configuration."""
        for name, value in request.query:
            if name == PRETTY:
                return value == "" or value.lower() in TRUE
        return self.encoder.pretty

    async def _perform(self, grant: Grant, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return self.options(request.path)
        match = self.match(request)
        if match is None:
            return self._no_route(request.path)
        if match.operation is EVENTS:
            return said(426, "Upgrade Required")
        try:
            result = await self.gate.perform(
                grant, match.operation, raw(request, match), request.asked
            )
        except InvalidParameter as error:
            return refusal(error, misread(request.content_type, request.body))
        except OperationError as error:
            return refusal(error)
        return self._success(match.operation, result)

    def match(self, request: Request) -> Match | None:
        """The operation that is asked for. HEAD asks for what GET does."""
        return self._routes.match(
            "GET" if request.method == "HEAD" else request.method, request.path
        )

    def options(self, path: tuple[str, ...]) -> Answer:
        """Say which methods a path takes."""
        allowed = self._routes.allowed(path)
        return said(404, "Resource not found") if allowed is None else Answer(204, allow=allowed)

    def _no_route(self, path: tuple[str, ...]) -> Answer:
        allowed = self._routes.allowed(path)
        if allowed is None:
            twice = path[:1] == ("ari",)
            return said(404, "Resource not found", detail=TWICE if twice else None)
        return said(405, "Invalid method", allowed)

    def _success(self, operation: Operation, result: Any) -> Answer:
        if result is None:
            return Answer(202 if operation.accepted else 204)
        if isinstance(result, MediaFile):
            return Answer(200, result)
        body = self.encoder.result(result)
        if operation.location:
            return Answer(201, body, location=_location(operation.location, result))
        return Answer(200, body)


def raw(request: Request, match: Match) -> dict[str, Any]:
    """All parameters by their wire names; those in the path win.

    Raises `InvalidParameter` for a body that can't be read.
    """
    return collect(request.query, request.content_type, request.body) | match.parameters


def said(
    status: int, message: str, allow: tuple[str, ...] = (), *, detail: str | None = None
) -> Answer:
    """An answer that only says something."""
    body = {"message": message} | ({"detail": detail} if detail else {})
    return Answer(status, msgspec.json.encode(body), allow)


def refusal(error: OperationError, remark: str | None = None) -> Answer:
    """The answer to what can't be done. ``remark`` explains it where the error itself does not."""
    body = body_of(error)
    if remark is not None:
        body.setdefault("detail", remark)
    wait = error.retry_after if isinstance(error, TooSoon) else None
    return Answer(status_of(error), msgspec.json.encode(body), retry_after=wait)


def _location(template: str, result: Any) -> str:
    """The path of what was made, its fields percent-encoded."""
    return re.sub(r"{(\w+)}", lambda field: quote(getattr(result, field[1]), safe=""), template)
