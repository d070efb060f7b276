"""From a target to an open WebSocket: name, TCP, TLS, handshake, in that order and in time."""

from __future__ import annotations

from collections.abc import Iterator

import h11
import trio
from trio_websocket import (
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)
from wsproto.utilities import ProtocolError

from stasisd.core.tls import NotSecured, secured

from .settings import OutboundSettings, Target
from .wire import ClientWire

SUBPROTOCOL = "ari"


class CannotConnectError(Exception):
    """There is no connection; the message says why."""


async def dial(
    target: Target, settings: OutboundSettings, shutdown: trio.Event, nursery: trio.Nursery
) -> ClientWire:
    """Connect; what reads the connection runs in the nursery, and no bug of a peer ends that.

    Raises `CannotConnectError`.
    """
    complaints: list[str] = []
    with trio.move_on_after(settings.connect_timeout) as patience:
        try:
            tcp = await trio.open_tcp_stream(target.host, target.port)
        except OSError as error:
            raise CannotConnectError(error.strerror or str(error)) from None
        wire: ClientWire | None = None
        reading: trio.Nursery = await nursery.start(_contain, tcp, patience, complaints)
        try:
            stream = await _secured(tcp, target)
            connection = await _upgraded(stream, target, settings, reading)
            wire = ClientWire(
                connection,
                tcp,
                shutdown,
                send_timeout=settings.send_timeout,
                close_timeout=settings.close_timeout,
            )
        finally:
            if wire is None:
                tcp.socket.close()
                reading.cancel_scope.cancel()
        reading.start_soon(wire.run)
        return wire
    late = f"not within {settings.connect_timeout:g} seconds"
    raise CannotConnectError(complaints[0] if complaints else late)


async def _contain(
    tcp: trio.SocketStream,
    dialling: trio.CancelScope,
    complaints: list[str],
    *,
    task_status: trio.TaskStatus[trio.Nursery],
) -> None:
    """Hold the tasks that read a connection, and note what is wrong with it.

    trio-websocket's own raises a refusal, and what h11 and wsproto say of a peer's nonsense, and
    leaves those waiting who wait for the handshake.
    """
    try:
        async with trio.open_nursery() as nursery:
            task_status.started(nursery)
            await trio.sleep_forever()
    except* ConnectionRejected as refused:
        status = next(_leaves(refused)).status_code
        complaints.append(f"refused with status {status}")
    except* (h11.ProtocolError, ProtocolError):
        complaints.append("it does not answer as a WebSocket does")
    if complaints:
        tcp.socket.close()
        dialling.cancel()


def _leaves(group: BaseExceptionGroup[ConnectionRejected]) -> Iterator[ConnectionRejected]:
    for inner in group.exceptions:
        if isinstance(inner, BaseExceptionGroup):
            yield from _leaves(inner)
        else:
            yield inner


async def _upgraded(
    stream: trio.SocketStream | trio.SSLStream[trio.SocketStream],
    target: Target,
    settings: OutboundSettings,
    nursery: trio.Nursery,
) -> WebSocketConnection:
    try:
        return await wrap_client_stream(
            nursery,
            stream,
            target.host_header,
            target.resource,
            subprotocols=[SUBPROTOCOL],
            extra_headers=list(target.headers),
            max_message_size=settings.max_message,
            receive_buffer_size=64 * 1024,
        )
    except HandshakeError:
        raise CannotConnectError("it hung up during the handshake") from None


async def _secured(
    tcp: trio.SocketStream, target: Target
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    if target.tls is None:
        return tcp
    try:
        return await secured(tcp, target.tls, target.host)
    except NotSecured as error:
        raise CannotConnectError(str(error)) from None
