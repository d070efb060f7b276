"""The HTTP server: bind, accept, drain."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

import structlog
import trio
from hypercorn.trio.lifespan import Lifespan
from quart import Blueprint

from . import transport
from .app import ShellApp
from .connection import Connection
from .exchange import Responder
from .lean import LeanConnection
from .site import HttpSettings, Site
from .transport import Transport

log = structlog.get_logger(__name__)

_BACKLOG = 1024


class CannotListenError(Exception):
    """An address can't be bound; the message says which and why."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"HTTP cannot listen on {host} port {port}: {reason}")
        self.address = host, port


class PortTakenError(CannotListenError):
    """Somebody else listens there."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, "another program listens there")


async def serve(
    responder: Responder,
    settings: HttpSettings,
    *,
    stop: trio.Event,
    opened: Iterable[trio.SocketListener] = (),
    blueprints: Iterable[Blueprint] = (),
    task_status: trio.TaskStatus[list[tuple[str, int]]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve HTTP until `stop` is set or the caller is cancelled, then drain and return.

    `opened` are listeners beside those of the settings, without TLS.

    Reports the addresses bound through `task_status`. The drain refuses new connections, closes
    idle ones and WebSockets (1001), lets requests in flight finish, and after
    `settings.drain_timeout` cuts what is left.

    Raises `PortTakenError` or `CannotListenError` before anything else has begun.
    """
    listeners = await listen(settings)
    addresses = [address_of(listener) for listener in listeners]
    app = ShellApp("stasisd", static_folder=None)
    app.register_error_handler(404, app.nothing_here)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    site = app.site = Site(responder, settings, app)
    async with trio.open_nursery() as nursery:
        server = _Server(site, [*listeners, *opened])
        await nursery.start(server.run)
        task_status.started(addresses)
        try:
            await stop.wait()
        finally:
            await server.begin_drain()


def _keep_alive(tcp: trio.SocketStream) -> None:
    """Let the kernel find a peer that is gone without a word: after about a minute."""
    if tcp.socket.family == socket.AF_UNIX:
        return  # the peer's end is always seen
    for option, value in (
        ((socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1),
        ((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 30),
        ((socket.IPPROTO_TCP, socket.TCP_KEEPINTVL), 10),
        ((socket.IPPROTO_TCP, socket.TCP_KEEPCNT), 3),
    ):
        tcp.setsockopt(*option, value)


async def listen(settings: HttpSettings) -> list[trio.SocketListener]:
    """Bind every address, or none. Raises `PortTakenError` or `CannotListenError`."""
    listeners: list[trio.SocketListener] = []
    for host, port in settings.listen:
        try:
            listeners += await trio.open_tcp_listeners(port, host=host, backlog=_BACKLOG)
        except OSError as error:
            for listener in listeners:
                listener.socket.close()
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(host, port) from None
            raise CannotListenError(host, port, error.strerror or str(error)) from None
    return listeners


def address_of(listener: trio.SocketListener) -> tuple[str, int]:
    """Return the (host, port) that a listener got."""
    host, port = listener.socket.getsockname()[:2]
    return host, port


class _Server:
    """Accepts, and holds the connections; shielded, since its end is the drain's to decide."""

    def __init__(self, site: Site, listeners: list[trio.SocketListener]) -> None:
        self._site = site
        self._listeners = listeners
        self._accepting = trio.CancelScope()
        self._draining = trio.CancelScope()

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Run the application's lifespan, and serve inside of it."""
        lifespan = Lifespan(self._site.app, self._site.config, {})
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                await nursery.start(lifespan.handle_lifespan)
                await lifespan.wait_for_startup()
                with self._draining:
                    async with trio.open_nursery() as connections:
                        task_status.started()
                        await self._accept(connections)
                await lifespan.wait_for_shutdown()
                nursery.cancel_scope.cancel()

    async def begin_drain(self) -> None:
        """Begin the end; does not wait for it, nor for anything."""
        self._draining.deadline = trio.current_time() + self._site.settings.drain_timeout
        self._accepting.cancel()
        with trio.CancelScope(shield=True):
            await self._site.begin_drain()

    async def _accept(self, connections: trio.Nursery) -> None:
        with self._accepting:
            await trio.serve_listeners(self._handle, self._listeners, handler_nursery=connections)

    async def _handle(self, tcp: trio.SocketStream) -> None:
        """Serve one connection. No bug in it reaches the others."""
        _keep_alive(tcp)
        try:
            stream = await self._secure(tcp)
            if stream is None:
                return
            if self._site.settings.lean:
                await LeanConnection(self._site, stream).run()
            else:
                await Connection(self._site, stream).run()
        except* Exception:  # the barrier: a bug ends one connection
            log.exception("connection failed", client=transport.peer_of(tcp))
        finally:
            tcp.socket.close()

    async def _secure(self, tcp: trio.SocketStream) -> Transport | None:
        certificate = self._site.settings.certificate
        if certificate is None or tcp.socket.family == socket.AF_UNIX:
            return tcp
        stream = trio.SSLStream(tcp, certificate.context, server_side=True, https_compatible=True)
        with trio.move_on_after(self._site.settings.header_timeout):
            try:
                await stream.do_handshake()
            except trio.BrokenResourceError:
                return None
            return stream
        return None
