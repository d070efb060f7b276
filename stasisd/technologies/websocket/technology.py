"""Channels to programs on WebSockets: by one that we open, or by one that we wait for."""

import socket
import ssl
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import trio

from stasisd.core.channel import Channel
from stasisd.core.media_socket import Expected, SocketLost
from stasisd.core.technology import AllocationFailed, MediaPeer, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.core.tls import NotSecured, secured
from stasisd.media.commands import StreamFormat
from stasisd.media.control import MediaUnavailable, NoPortsLeft, Port
from stasisd.technologies.peers import add_peer_channel, connected, looked_up, resolved

from .client import HANDSHAKE_SECONDS, Client, Target, authorization
from .leg import MediaLeg
from .talk import Introduction

FORMATS: dict[str, StreamFormat] = {
    "ulaw": "ulaw",
    "alaw": "alaw",
    "slin": "slin",
    "slin16": "slin16",
}
FRAME_OCTETS = {"ulaw": 160, "alaw": 160, "slin": 320, "slin16": 640}  # in 20 ms
INCOMING = "INCOMING"
CONNECTION_ID = "MEDIA_WEBSOCKET_CONNECTION_ID"
FRAME_SIZE = "MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE"
PORTS = {"ws": 80, "wss": 443}


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A program's server that the configuration names: where it is, and what we show to it.

    ``authorities`` is a PEM file of certificates that vouch for it; those of the system where None.
    """

    url: str
    username: str | None = None
    password: str | None = None
    authorities: Path | None = None


class _Server(msgspec.Struct, frozen=True):
    """Where to connect, and how."""

    host: str
    port: int
    target: Target
    secure: bool
    authorities: Path | None = None
    named: bool = False


class MediaWebSocket:
    """The technology ``WebSocket``."""

    name = "WebSocket"
    formats = tuple(FORMATS)

    def __init__(self, connections: Mapping[str, Connection] | None = None) -> None:
        """``connections`` are those of the tenant's configuration, by name."""
        self._connections = connections or {}
        self._contexts: dict[Path | None, ssl.SSLContext] = {}

    def request(self, _tenant: Tenant, _resource: str, _new: NewChannel) -> Channel:
        """Channels to programs are made by ``open_peer`` alone."""
        raise AllocationFailed("external media is asked for by its own operation")

    async def open_peer(self, tenant: Tenant, peer: MediaPeer, new: NewChannel) -> Channel:
        """Connect, or begin to wait for the program, and make a channel.

        Raises AllocationFailed.
        """
        expected = Expected()
        if peer.server:
            await trio.lowlevel.checkpoint()
            return self._await_program(tenant, peer, new, expected)
        client = await self._connected(tenant, peer)
        expected.bring(client)
        try:
            return _channel(tenant, peer, new, expected, place=peer.connection or _shown(peer))
        except BaseException:
            client.abort()
            raise

    def _await_program(
        self, tenant: Tenant, peer: MediaPeer, new: NewChannel, expected: Expected
    ) -> Channel:
        # 122 bits from the system's source of chance: who has it may hear and speak here.
        connection_id = str(uuid.uuid4())
        tenant.expected_sockets[connection_id] = expected
        forget = partial(tenant.expected_sockets.pop, connection_id, None)
        try:
            return _channel(
                tenant, peer, new, expected,
                place=INCOMING, connection_id=connection_id, forget=forget,
            )  # fmt: skip
        except BaseException:
            forget()
            raise

    async def _connected(self, tenant: Tenant, peer: MediaPeer) -> Client:
        """An open WebSocket to the peer. Raises AllocationFailed."""
        server = self._server(peer)
        if server.named:  # by who writes the configuration, who may name any place
            addresses = await looked_up(server.host)
        else:
            addresses = await resolved(tenant, server.host)
        tcp = await connected(addresses, server.port)
        try:
            with trio.fail_after(HANDSHAKE_SECONDS):
                context = await self._context(server)
                stream = await secured(tcp, context, server.host.strip("[]")) if context else tcp
                client = Client(tcp, stream)
                await client.upgrade(server.target)
        except trio.TooSlowError:
            tcp.socket.close()
            raise AllocationFailed(f"{server.host} does not answer as a WebSocket") from None
        except (SocketLost, NotSecured) as lost:
            tcp.socket.close()
            raise AllocationFailed(f"{server.host}: {lost}") from None
        except BaseException:
            tcp.socket.close()
            raise
        return client

    def _server(self, peer: MediaPeer) -> _Server:
        if peer.connection is None:
            place = f"{peer.host}:{peer.port}"
            target = Target(place, _with_query(peer.path, peer.query))
            return _Server(peer.host, peer.port, target, secure=peer.secure)
        connection = self._connections.get(peer.connection)
        if connection is None:
            raise AllocationFailed(
                f"there is no connection {peer.connection!r} among media_connections"
            )
        return _of_configuration(connection, peer.query)

    async def _context(self, server: _Server) -> ssl.SSLContext | None:
        """How the server's certificate is verified, None for one without TLS."""
        if not server.secure:
            return None
        file = server.authorities
        if file not in self._contexts:
            try:
                make = partial(ssl.create_default_context, cafile=file)
                made = await trio.to_thread.run_sync(make)
            except OSError as error:  # of which ssl's are some
                raise AllocationFailed(f"authorities {file}: {error}") from None
            self._contexts[file] = made
        return self._contexts[file]


def _shown(peer: MediaPeer) -> str:
    return f"{peer.host}:{peer.port}{peer.path}"


def _with_query(path: str, query: str) -> str:
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"


def _of_configuration(connection: Connection, query: str) -> _Server:
    parts = urlsplit(connection.url)
    assert parts.hostname is not None, "the configuration was checked"
    path = parts.path or "/"
    resource = _with_query(f"{path}?{parts.query}" if parts.query else path, query)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if connection.username is not None:
        headers = (authorization(connection.username, connection.password or ""),)
    return _Server(
        parts.hostname,
        parts.port or PORTS[parts.scheme],
        Target(parts.netloc, resource, headers),
        secure=parts.scheme == "wss",
        authorities=connection.authorities,
        named=True,
    )


def _channel(
    tenant: Tenant,
    peer: MediaPeer,
    new: NewChannel,
    expected: Expected,
    *,
    place: str,
    connection_id: str | None = None,
    forget: Callable[[], object] = lambda: None,
) -> Channel:
    """A channel whose own end of the media is open. Raises AllocationFailed."""
    media, port = _open_port(tenant, FORMATS[peer.format])
    frame = FRAME_OCTETS[peer.format]

    def introduce(channel: Channel) -> Introduction:
        return Introduction(
            connection_id=connection_id or peer.connection or channel.id,
            channel=channel.name,
            channel_id=channel.id,
            format=peer.format,
            frame=frame,
            json=peer.json,
        )

    leg = MediaLeg(expected, media, introduce, answers=peer.answers, forget=forget)
    name = f"WebSocket/{place}/0x{int(tenant.new_name_suffix(), 16):012x}"
    try:
        dialstring = f"{place}/c({peer.format})"
        channel = leg.channel = add_peer_channel(tenant, leg, name, new, dialstring=dialstring)
    except BaseException:
        media.socket.close()
        port.close()
        raise
    channel.attach(port)
    # Told by no event: who only listens to the application shall not speak in its calls.
    channel.variables[CONNECTION_ID] = introduce(channel).connection_id
    channel.set_variable(FRAME_SIZE, str(frame))
    return channel


def _open_port(tenant: Tenant, stream_format: StreamFormat) -> tuple[trio.SocketStream, Port]:
    """A port of the media process, and the way to it. Raises AllocationFailed."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            port = tenant.media.open_stream(theirs.fileno(), stream_format, framing="paced")
        except (MediaUnavailable, NoPortsLeft, OSError) as unavailable:
            ours.close()
            raise AllocationFailed(str(unavailable)) from None
    ours.setblocking(False)
    return trio.SocketStream(trio.socket.from_stdlib_socket(ours)), port
