"""What all connections of one server share: settings, the Responder, the start of the drain."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any, Protocol

import msgspec
import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.trio.worker_context import WorkerContext

from stasisd import __version__

from .certificate import Certificate
from .exchange import Responder, split_target
from .media import media_prefix

log = structlog.get_logger(__name__)


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP server's settings: seconds and bytes."""

    listen: tuple[tuple[str, int], ...] = (("127.0.0.1", 8088),)
    """Addresses to bind, as (host, port); port 0 takes a free one."""
    certificate: Certificate | None = None
    """HTTPS instead of HTTP."""
    hsts_seconds: int = 0
    """With a certificate: how long browsers are to insist on HTTPS for this host; 0 for not."""
    prefix: str = "ari"
    """First path segments of what the Responder answers, beside `media`; the rest is of routes."""
    server: str = f"stasisd/{__version__}"
    """The Server header."""
    allowed_origins: tuple[str, ...] = ()
    """Origins whose pages may read responses (CORS); `*` is any."""
    lean: bool = True
    """Serve the prefix on the hot path; False sends all through hypercorn and Quart."""
    max_header: int = 16 * 1024
    """Request line and header fields; 431 beyond."""
    max_body: int = 1024 * 1024
    """Request body; 413 beyond."""
    max_message: int = 1024 * 1024
    """A WebSocket message of a client; closed with 1009 beyond."""
    header_timeout: float = 10.0
    """From the first byte of a request to the end of its header."""
    body_timeout: float = 30.0
    """From there to the end of its body; 408 beyond."""
    keep_alive_timeout: float = 60.0
    """How long a connection may lie idle."""
    send_timeout: float = 20.0
    """A peer that takes nothing of what we send for so long is cut off."""
    linger_timeout: float = 2.0
    """How long a peer may take to hang up after our last word."""
    drain_timeout: float = 5.0
    """How long requests in flight may take at shutdown; then they are cancelled."""


class Drainable(Protocol):
    """A connection that has no task of its own to wait for the drain."""

    def drain(self) -> None:
        """Close now if idle, else as soon as the response is sent."""


class _Log(Logger):
    """hypercorn's log, which is only about exceptions that escaped an application, in ours."""

    async def exception(self, message: str, *_args: Any, **_kwargs: Any) -> None:
        log.exception(message)

    async def warning(self, message: str, *_args: Any, **_kwargs: Any) -> None:
        log.warning(message)


class _Config(Config):
    """hypercorn's configuration, filled from ours."""

    logger_class = _Log
    accesslog = None
    errorlog = None

    def __init__(self, site: Site) -> None:
        self._site = site
        settings = site.settings
        self.h11_max_incomplete_size = settings.max_header
        self.websocket_max_message_size = settings.max_message
        self.shutdown_timeout = settings.drain_timeout

    def response_headers(self, _protocol: str) -> list[tuple[bytes, bytes]]:
        return self._site.headers()


class Site:
    """One running server, as its connections see it."""

    def __init__(self, responder: Responder, settings: HttpSettings, app: Any) -> None:
        self.responder = responder
        self.settings = settings
        self.app = ASGIWrapper(app)
        self.config = _Config(self)
        self.context = WorkerContext(None)
        self.shutdown = trio.Event()
        self.lean_connections: set[Drainable] = set()
        media = media_prefix(settings.prefix)
        self._prefixes = (
            f"/{settings.prefix}/".encode(),
            f"/{settings.prefix}?".encode(),
            f"/{media}/".encode(),
        )
        self._prefix = f"/{settings.prefix}".encode()
        self._paths = tuple(tuple(path.split("/")) for path in (settings.prefix, media))
        self._second = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._lasting = _lasting_headers(settings)

    def answers(self, target: bytes) -> bool:
        """Tell whether a request target is the Responder's."""
        if target.startswith(b"/"):
            return target.startswith(self._prefixes) or target == self._prefix
        asked = split_target(target.decode("latin-1"))[0]
        return any(asked[: len(path)] == path for path in self._paths)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of all answers in this second; not to be changed."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            date = formatdate(now, usegmt=True).encode()
            self._headers = [(b"date", date), *self._lasting]
        return self._headers

    async def begin_drain(self) -> None:
        """Tell every connection that this is the end; returns without waiting for any."""
        self.shutdown.set()
        for connection in self.lean_connections:
            connection.drain()
        await self.context.terminated.set()


def _lasting_headers(settings: HttpSettings) -> list[tuple[bytes, bytes]]:
    """The server's name, and what browsers are to leave undone with its answers."""
    headers = [
        (b"server", settings.server.encode("latin-1")),
        (b"x-content-type-options", b"nosniff"),
        # A URL may hold an api_key.
        (b"referrer-policy", b"no-referrer"),
    ]
    if settings.certificate is not None and settings.hsts_seconds:
        age = b"max-age=%d" % settings.hsts_seconds
        headers.append((b"strict-transport-security", age))
    return headers
