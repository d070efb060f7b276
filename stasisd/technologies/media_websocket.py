"""``WebSocket/host:port/...``: channels that exchange sound with a program over a WebSocket.

Binary messages are sound in the channel's format, text messages are about it. Between the
connection and the media process is a socket pair, so that each side waits for the other as TCP
has it, and the media process knows nothing of WebSockets.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import wsproto
from wsproto import events
from wsproto.utilities import ProtocolError

from stasisd.core.channel import Channel
from stasisd.core.technology import AllocationFailed, MediaPeer, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.media.commands import StreamFormat
from stasisd.media.control import MediaUnavailable, NoPortsLeft

from .peers import add_peer_channel, connected, resolved
from .silent import SilentLeg

HANDSHAKE_SECONDS = 3
GOODBYE_SECONDS = 0.2
CHUNK = 4096
FORMATS: dict[str, StreamFormat] = {
    "ulaw": "ulaw",
    "alaw": "alaw",
    "slin": "slin",
    "slin16": "slin16",
}
FRAME_OCTETS = {"ulaw": 160, "alaw": 160, "slin": 320, "slin16": 640}  # in 20 ms


class Refused(Exception):
    """The peer does not speak WebSocket with us; the message says why."""


class Wire:
    """An open WebSocket. Raises trio's broken and closed resource errors."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._protocol = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._sending = trio.Lock()

    async def send(self, event: events.Event) -> None:
        """Send one message."""
        async with self._sending:
            await self.stream.send_all(self._protocol.send(event))

    async def receive(self) -> list[events.Event]:
        """What has come; Refused for what is no WebSocket."""
        try:
            data = await self.stream.receive_some(CHUNK)
            self._protocol.receive_data(data or None)
            return list(self._protocol.events())
        except ProtocolError as nonsense:
            raise Refused(str(nonsense)) from None

    async def upgrade(self, host: str, path: str) -> None:
        """Ask for the WebSocket. Raises Refused."""
        await self.send(events.Request(host=host, target=path, subprotocols=["media"]))
        while True:
            for event in await self.receive():
                match event:
                    case events.AcceptConnection():
                        return
                    case events.RejectConnection():
                        raise Refused(f"it answers with status {event.status_code}")
                    case events.CloseConnection():
                        raise Refused("it closed the connection")


class WebSocketLeg(SilentLeg):
    """Carries sound between the connection and the media process while the channel lives."""

    channel: Channel

    def __init__(self, wire: Wire, media: trio.SocketStream, peer: MediaPeer) -> None:
        self._wire = wire
        self._media = media
        self._peer = peer

    async def dial(self) -> None:
        """Tell the program what it gets, and begin."""
        self.channel.attempt.begin()
        assert self.channel.nursery is not None
        self.channel.nursery.start_soon(self._run)
        await trio.lowlevel.checkpoint()

    async def _run(self) -> None:
        try:
            await self._wire.send(events.TextMessage(self._start()))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._speak)
                await self._listen()
        except* (trio.BrokenResourceError, trio.ClosedResourceError, Refused) as broken:
            self.channel.log.info("media WebSocket lost", reason=str(broken.exceptions[0]))
        finally:
            await self._say_goodbye()
            self.channel.hangup(shown=None)

    def _start(self) -> str:
        channel, name = self.channel, self._peer.format
        told = {
            "connection_id": channel.id,
            "channel": channel.name,
            "channel_id": channel.id,
            "format": name,
            "optimal_frame_size": FRAME_OCTETS[name],
            "ptime": 20,
        }
        return " ".join(("MEDIA_START", *(f"{key}:{value}" for key, value in told.items())))

    async def _speak(self) -> None:
        """Pass on what the channel hears."""
        while data := await self._media.receive_some(CHUNK):
            await self._wire.send(events.BytesMessage(bytes(data)))

    async def _listen(self) -> None:
        """Take what the program says, until it leaves."""
        while True:
            for event in await self._wire.receive():
                match event:
                    case events.BytesMessage():
                        await self._media.send_all(event.data)
                    case events.Ping():
                        await self._wire.send(event.response())
                    case events.TextMessage() if event.data.strip().upper() == "HANGUP":
                        raise Refused("the program hung up")
                    case events.CloseConnection():
                        raise Refused("the program closed the connection")

    async def _say_goodbye(self) -> None:
        with trio.move_on_after(GOODBYE_SECONDS, shield=True):
            try:
                await self._wire.send(events.CloseConnection(code=1000))
            except (trio.BrokenResourceError, trio.ClosedResourceError, ProtocolError):
                pass

    def hangup(self, _cause: int) -> None:
        """Close what is open; what carries has ended."""
        self._wire.stream.socket.close()
        self._media.socket.close()


class MediaWebSocket:
    """The technology ``WebSocket``."""

    name = "WebSocket"
    formats = tuple(FORMATS)

    def request(self, _tenant: Tenant, _resource: str, _new: NewChannel) -> Channel:
        """Channels to programs are made by ``open_peer`` alone."""
        raise AllocationFailed("external media is asked for by its own operation")

    async def open_peer(self, tenant: Tenant, peer: MediaPeer, new: NewChannel) -> Channel:
        """Connect and make a channel. Raises AllocationFailed."""
        async with _opened(tenant, peer) as wire:
            ours, theirs = socket.socketpair()
            with theirs:
                ours.setblocking(False)
                media = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
                leg = WebSocketLeg(wire, media, peer)
                try:
                    port = tenant.media.open_stream(
                        theirs.fileno(), FORMATS[peer.format], framing="plain"
                    )
                except (MediaUnavailable, NoPortsLeft, OSError) as unavailable:
                    ours.close()
                    raise AllocationFailed(str(unavailable)) from None
            place = f"{peer.host}:{peer.port}{peer.path}"
            name = f"{self.name}/{place}/0x{int(tenant.new_name_suffix(), 16):012x}"
            try:
                leg.channel = add_peer_channel(tenant, leg, name, new, dialstring=place)
            except BaseException:
                ours.close()
                port.close()
                raise
            leg.channel.attach(port)
            return leg.channel


@asynccontextmanager
async def _opened(tenant: Tenant, peer: MediaPeer) -> AsyncIterator[Wire]:
    """A WebSocket to the peer, which is closed if the block fails. Raises AllocationFailed."""
    wire = Wire(await connected(await resolved(tenant, peer), peer.port))
    try:
        with trio.fail_after(HANDSHAKE_SECONDS):
            await wire.upgrade(f"{peer.host}:{peer.port}", peer.path)
        yield wire
    except trio.TooSlowError:
        wire.stream.socket.close()
        raise AllocationFailed(f"{peer.host} does not answer as a WebSocket") from None
    except (Refused, trio.BrokenResourceError) as refused:
        wire.stream.socket.close()
        raise AllocationFailed(f"{peer.host}: {refused}") from None
    except BaseException:
        wire.stream.socket.close()
        raise
