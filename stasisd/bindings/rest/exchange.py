"""The shapes that pass between the HTTP shell and the one who answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import urlsplit

import msgspec

from stasisd.bindings.ari.parameters import pairs, segments
from stasisd.bindings.ari.request_ids import request_id

if TYPE_CHECKING:
    from .wire import Wire

Headers = tuple[tuple[bytes, bytes], ...]


class HttpRequest(msgspec.Struct, frozen=True):
    """A whole request: its body has been read, and is within the bound.

    `path` has the segments of the target, split first and percent-decoded after, so that an id may
    hold a slash: `/ari/channels/a%2Fb` is `("ari", "channels", "a/b")`. A slash at the end leaves
    an empty last segment. `query` keeps order and repetitions; `+` is a space. Invalid UTF-8 in
    either reads as U+FFFD. Header names are lower-case, repeated ones joined by ", ".
    """

    method: str
    target: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int]
    secure: bool
    request_id: str


class FileBody(msgspec.Struct, frozen=True):
    """A file as a body: opened for binary reading by the operation, which vouches for it.

    The shell takes it over: it honours Range and If-Range, reads it in a thread, and closes it,
    sent or not. `size` is in bytes, `modified` in seconds of the epoch.
    """

    file: BinaryIO
    size: int
    modified: float


class HttpResponse(msgspec.Struct, frozen=True):
    """An answer. The shell adds content-length, cache-control, date, server and x-request-id."""

    status: int
    headers: Headers = ()
    body: bytes | FileBody = b""


class WebSocketSession(Protocol):
    """What carries a WebSocket that was allowed to open (`websocket.session.EventSession`)."""

    @property
    def subprotocols(self) -> Sequence[str]:
        """Those it speaks; the first that the client offers is chosen, none if it offers none."""

    async def run(self, wire: Wire) -> None:
        """Speak until the end. The connection is closed when this returns."""

    def close(self) -> None:
        """Give up what the session holds; called once, also if it never ran."""


class Responder(Protocol):
    """Authenticates, routes and performs. Given by the composition root."""

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer one request.

        An `HttpError` is answered as it says; any other exception is logged once and answered
        with 500.
        """

    async def open_events(self, request: HttpRequest) -> HttpResponse | WebSocketSession:
        """Refuse an upgrade with a response, or allow it with the session to run.

        The client waits, and may not send, until this returns: wait for nothing but who it is.
        """


def split_target(target: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Take a request target (RFC 9112 section 3.2: origin, absolute or `*` form) apart.

    Returns its path as decoded segments and its query as decoded pairs.
    """
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        path = _path_of_absolute(path)
    return segments(path)[1:], pairs(query)


def _path_of_absolute(target: str) -> str:
    try:
        return urlsplit(target).path or "/"
    except ValueError:  # such as an unfinished IPv6 host
        return "/"


def fold_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Decode header lines into a mapping, repeated names joined (RFC 9110 section 5.3)."""
    folded: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode("latin-1")
        folded[name] = f"{folded[name]}, {value}" if name in folded else value
    return folded


def build_request(
    method: str,
    target: bytes,
    headers: Mapping[str, str],
    body: bytes,
    client: tuple[str, int],
    *,
    secure: bool,
) -> HttpRequest:
    """Make the request that a Responder sees of what the wire gave; `headers` are folded."""
    text = target.decode("latin-1")
    path, query = split_target(text)
    return HttpRequest(
        method=method,
        target=text,
        path=path,
        query=query,
        headers=headers,
        body=body,
        client=client,
        secure=secure,
        request_id=request_id(headers.get("x-request-id")),
    )
