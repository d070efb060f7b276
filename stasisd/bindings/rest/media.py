"""``/media/CONNECTION``: where programs open WebSockets for the sound of a channel.

The connection id is the right to do so: nobody can guess it, it is of one channel, it is taken
once, and it ends with the channel. So a program that gives a call its voice needs no user of ARI,
with whom it could do everything.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from stasisd.core.media_socket import Expected

from .answers import html_answer
from .exchange import HttpRequest, HttpResponse, Responder, WebSocketSession

# The channel that expects a socket by this id, in whatever tenant; None where none does.
Find = Callable[[str], Expected | None]
Open = Callable[[Expected], WebSocketSession]

ABSENT = "WebSocket instance not found"
TAKEN = "Another websocket connection exists for this connection id"


def media_prefix(prefix: str) -> str:
    """The path of media beside that of ARI: ``a/media`` for ``a/ari``."""
    return "/".join((*prefix.split("/")[:-1], "media"))


class MediaResponder:
    """Answers what lies below ``/media``; the rest is another one's."""

    def __init__(
        self, behind: Responder, find: Find, open_session: Open, *, prefix: str, server: str
    ) -> None:
        """``prefix`` is ARI's."""
        self._behind = behind
        self._find = find
        self._open = open_session
        self._path = tuple(media_prefix(prefix).split("/"))
        self._server = server

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer one request that is no upgrade."""
        if not self._is_mine(request):
            return await self._behind.respond(request)
        if self._expected(request) is None:
            return self._refused(HTTPStatus.NOT_FOUND, ABSENT)
        return self._refused(HTTPStatus.UPGRADE_REQUIRED, "")

    async def open_events(self, request: HttpRequest) -> HttpResponse | WebSocketSession:
        """Decide on a WebSocket upgrade."""
        if not self._is_mine(request):
            return await self._behind.open_events(request)
        expected = self._expected(request)
        if expected is None:
            return self._refused(HTTPStatus.NOT_FOUND, ABSENT)
        if expected.claimed:
            return self._refused(HTTPStatus.CONFLICT, TAKEN)
        return self._open(expected)

    def _is_mine(self, request: HttpRequest) -> bool:
        return request.path[: len(self._path)] == self._path

    def _expected(self, request: HttpRequest) -> Expected | None:
        rest = request.path[len(self._path) :]
        return self._find(rest[0]) if len(rest) == 1 else None

    def _refused(self, status: HTTPStatus, text: str) -> HttpResponse:
        return html_answer(status, text, self._server)
