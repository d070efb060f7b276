"""``UnicastRTP/host:port``: channels that exchange RTP with a program, without a call around it."""

import socket

import trio

from stasisd.core import causes
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot, DialplanPosition
from stasisd.core.technology import AllocationFailed, DialFailed, MediaPeer, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.media.commands import Flow, Remote
from stasisd.media.control import MediaUnavailable, NoPortsLeft, Port

from .silent import SilentLeg
from .sip.description import MEDIA_CODECS
from .sip.line import ANY_INTERFACE
from .sip.sockets import interface_towards

# Payload types by RFC 3551 section 6.
PAYLOAD_TYPES = {"ulaw": 0, "alaw": 8}
LOCAL_ADDRESS, LOCAL_PORT = "UNICASTRTP_LOCAL_ADDRESS", "UNICASTRTP_LOCAL_PORT"
RESOLVE_SECONDS = 5


class PeerLeg(SilentLeg):
    """Who sends media is there, and can't be told anything."""

    channel: Channel

    def __init__(self, peer: MediaPeer, address: tuple[str, int]) -> None:
        self._peer = peer
        self._address = address

    def listen(self, port: Port) -> None:
        """Take the port's packets to and from the peer; where it comes to us, only from it."""
        self.channel.attach(port)
        port.set_remote(self._remote("recvonly" if self._peer.server else "sendrecv"))

    def _remote(self, flow: Flow) -> Remote:
        name = self._peer.format
        return Remote(self._address, MEDIA_CODECS[name], PAYLOAD_TYPES[name], flow=flow)

    async def dial(self) -> None:
        """Wait for the peer's first packet, where it is the one to come."""
        self.channel.attempt.begin()
        if not self._peer.server:
            await trio.lowlevel.checkpoint()
            return
        await self.channel.heard.wait()
        if self.channel.port is None:
            raise DialFailed(causes.NETWORK_OUT_OF_ORDER)
        self.channel.port.set_remote(self._remote("sendrecv"))


class UnicastRtp:
    """The technology ``UnicastRTP``."""

    name = "UnicastRTP"

    def __init__(self, advertised_address: str | None = None) -> None:
        """``advertised_address`` is ours as peers reach it, where that is not an interface's."""
        self._advertised = advertised_address

    def request(self, _tenant: Tenant, _resource: str, _new: NewChannel) -> Channel:
        """Channels to programs are made by ``open_peer`` alone."""
        raise AllocationFailed("external media is asked for by its own operation")

    async def open_peer(self, tenant: Tenant, peer: MediaPeer, new: NewChannel) -> Channel:
        """Make a channel whose port is bound, and that shows where. Raises AllocationFailed."""
        address = await _resolved(peer)
        try:
            port = await tenant.media.open_rtp()
        except (MediaUnavailable, NoPortsLeft) as unavailable:
            raise AllocationFailed(str(unavailable)) from None
        try:
            channel = _channel(tenant, peer, address, new)
        except BaseException:
            port.close()
            raise
        leg = channel.leg
        assert isinstance(leg, PeerLeg)
        leg.listen(port)
        assert port.address is not None
        host, number = port.address
        channel.set_variable(LOCAL_PORT, str(number))
        channel.set_variable(LOCAL_ADDRESS, self._reachable(host, address))
        return channel

    def _reachable(self, bound: str, peer: tuple[str, int]) -> str:
        if self._advertised is not None:
            return self._advertised
        return interface_towards(peer) if bound in ANY_INTERFACE else bound


def _channel(tenant: Tenant, peer: MediaPeer, address: tuple[str, int], new: NewChannel) -> Channel:
    leg = PeerLeg(peer, address)
    place = f"{peer.host}:{peer.port}"
    leg.channel = Channel(
        tenant,
        leg,
        ChannelSnapshot(
            id=new.channel_id or tenant.new_channel_id(),
            name=f"{UnicastRtp.name}/{place}-0x{int(tenant.new_name_suffix(), 16):012x}",
            state="Down",
            dialplan=DialplanPosition("default", "s", 1),
            creationtime=tenant.now(),
            language=tenant.settings.language,
            channelvars=tenant.shown_variables({}),
        ),
        dialstring=f"{place}/c({peer.format})",
    )
    tenant.add_channel(leg.channel)
    return leg.channel


async def _resolved(peer: MediaPeer) -> tuple[str, int]:
    """The peer's address, its name looked up. Raises AllocationFailed."""
    try:
        with trio.fail_after(RESOLVE_SECONDS):
            found = await trio.socket.getaddrinfo(
                peer.host.strip("[]"), peer.port, type=socket.SOCK_DGRAM
            )
    except trio.TooSlowError:
        raise AllocationFailed(f"{peer.host} could not be looked up in time") from None
    except (OSError, UnicodeError) as unknown:
        raise AllocationFailed(f"{peer.host}: {unknown}") from None
    host, port = found[0][4][:2]
    return str(host), int(port)
