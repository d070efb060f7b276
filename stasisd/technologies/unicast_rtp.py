"""``UnicastRTP/host:port``: channels that exchange RTP with a program, without a call around it."""

import trio

from stasisd.core import causes
from stasisd.core.channel import Channel
from stasisd.core.technology import AllocationFailed, DialFailed, MediaPeer, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.media.commands import Codec, Flow, Remote
from stasisd.media.control import MediaUnavailable, NoPortsLeft, Port

from .peers import add_peer_channel, resolved
from .silent import SilentLeg
from .sip.line import ANY_INTERFACE
from .sip.sockets import interface_towards

# Codecs and payload types; those of G.711 by RFC 3551 section 6, the others as Asterisk has them.
FORMATS: dict[str, tuple[Codec, int]] = {
    "ulaw": ("PCMU", 0),
    "alaw": ("PCMA", 8),
    "slin": ("L16", 11),
    "slin16": ("L16/16000", 118),
}
LOCAL_ADDRESS, LOCAL_PORT = "UNICASTRTP_LOCAL_ADDRESS", "UNICASTRTP_LOCAL_PORT"


class RtpLeg(SilentLeg):
    """Who sends media is there, and can't be told anything."""

    channel: Channel

    def __init__(self, peer: MediaPeer, address: tuple[str, int]) -> None:
        self._peer = peer
        self._address = address

    def listen(self, port: Port) -> None:
        """Take the port's packets from the peer; it gets some too, unless it is to come first."""
        self.channel.attach(port)
        port.set_remote(self._remote("recvonly" if self._peer.server else "sendrecv"))

    def _remote(self, flow: Flow) -> Remote:
        codec, payload_type = FORMATS[self._peer.format]
        return Remote(self._address, codec, payload_type, flow=flow)

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
    formats = tuple(FORMATS)

    def __init__(self, advertised_address: str | None = None) -> None:
        """``advertised_address`` is ours as peers reach it, where that is not an interface's."""
        self._advertised = advertised_address

    def request(self, _tenant: Tenant, _resource: str, _new: NewChannel) -> Channel:
        """Channels to programs are made by ``open_peer`` alone."""
        raise AllocationFailed("external media is asked for by its own operation")

    async def open_peer(self, tenant: Tenant, peer: MediaPeer, new: NewChannel) -> Channel:
        """Make a channel whose port is bound, and that shows where. Raises AllocationFailed."""
        address = (await resolved(tenant, peer.host))[0], peer.port
        try:
            port = await tenant.media.open_rtp()
        except (MediaUnavailable, NoPortsLeft) as unavailable:
            raise AllocationFailed(str(unavailable)) from None
        leg, place = RtpLeg(peer, address), f"{peer.host}:{peer.port}"
        name = f"{self.name}/{place}-0x{int(tenant.new_name_suffix(), 16):012x}"
        try:
            leg.channel = add_peer_channel(
                tenant, leg, name, new, dialstring=f"{place}/c({peer.format})"
            )
        except BaseException:
            port.close()
            raise
        leg.listen(port)
        assert port.address is not None
        host, number = port.address
        leg.channel.set_variable(LOCAL_PORT, str(number))
        leg.channel.set_variable(LOCAL_ADDRESS, self._reachable(host, address))
        return leg.channel

    def _reachable(self, bound: str, peer: tuple[str, int]) -> str:
        if self._advertised is not None:
            return self._advertised
        return interface_towards(peer) if bound in ANY_INTERFACE else bound
