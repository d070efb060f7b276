"""From a request to what is sent: the Responder is asked, and no exception gets past here."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import structlog

from .answers import HttpError, json_answer
from .cors import cors_headers
from .exchange import (
    FileBody,
    Headers,
    HttpRequest,
    HttpResponse,
    Responder,
    WebSocketSession,
)
from .files import FileSlice, select_part

log = structlog.get_logger(__name__)

_NO_CACHE = (b"cache-control", b"no-cache, no-store")


class Outgoing(msgspec.Struct, frozen=True):
    """A response with all headers but those of the connection: date, server, connection."""

    status: int
    headers: Headers
    body: bytes | FileSlice

    def close(self) -> None:
        """Close the file, if there is one."""
        if isinstance(self.body, FileSlice):
            self.body.file.close()


class BadHeaderError(Exception):
    """A response header would have broken out of its line."""


async def perform(
    responder: Responder, request: HttpRequest, allowed_origins: Collection[str]
) -> Outgoing:
    """Answer a request; whatever goes wrong becomes an answer too."""
    with structlog.contextvars.bound_contextvars(request_id=request.request_id):
        try:
            return complete(request, await responder.respond(request), allowed_origins)
        except HttpError as error:
            return complete(request, error.answer(), allowed_origins)
        except Exception:  # noqa: BLE001 - the barrier: one bug answers one request with 500
            return _broken(request, allowed_origins)


async def open_events(
    responder: Responder, request: HttpRequest, allowed_origins: Collection[str]
) -> Outgoing | WebSocketSession:
    """Decide about an upgrade; whatever goes wrong becomes a refusal."""
    with structlog.contextvars.bound_contextvars(request_id=request.request_id):
        try:
            opened = await responder.open_events(request)
            if isinstance(opened, HttpResponse):
                return complete(request, opened, allowed_origins)
        except HttpError as error:
            return complete(request, error.answer(), allowed_origins)
        except Exception:  # noqa: BLE001 - the barrier: one bug refuses one upgrade with 500
            return _broken(request, allowed_origins)
        return opened


def _broken(request: HttpRequest, allowed_origins: Collection[str]) -> Outgoing:
    path = request.target.partition("?")[0]  # a query may hold an api_key
    log.exception("request failed", method=request.method, path=path)
    body = {"message": "Internal error", "request_id": request.request_id}
    return complete(request, json_answer(500, body), allowed_origins)


def complete(
    request: HttpRequest, response: HttpResponse, allowed_origins: Collection[str] = ()
) -> Outgoing:
    """Add the headers that every response has, and pick the asked part of a file.

    Raises `BadHeaderError` for a header with a line break in it.
    """
    body: bytes | FileSlice
    if isinstance(response.body, FileBody):
        response, body = select_part(request, response, response.body)
        length = body.length
    else:
        body = response.body
        length = len(body)
    headers = (
        *response.headers,
        _NO_CACHE,
        (b"content-length", b"%d" % length),
        (b"x-request-id", request.request_id.encode("latin-1")),
        *(cors_headers(request, response, allowed_origins) if allowed_origins else ()),
    )
    for name, value in response.headers:
        if b"\n" in value or b"\r" in value or b"\0" in value:
            if isinstance(body, FileSlice):
                body.file.close()
            raise BadHeaderError(name.decode("latin-1"))
    return Outgoing(response.status, headers, body)
