"""``AudioSocket/host:port-ID``: channels that exchange sound with a program over TCP."""

import trio

from stasisd.core.channel import Channel
from stasisd.core.technology import AllocationFailed, MediaPeer, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.media import audiosocket
from stasisd.media.commands import StreamFormat
from stasisd.media.control import MediaUnavailable, NoPortsLeft

from .peers import add_peer_channel, connected, resolved
from .silent import SilentLeg

FORMATS: dict[str, StreamFormat] = {"slin": "slin", "slin16": "slin16"}


class StreamLeg(SilentLeg):
    """Up at once: the program has taken our connection. Its end is in the media."""

    channel: Channel

    async def dial(self) -> None:
        """Nothing more has to happen."""
        self.channel.attempt.begin()
        await trio.lowlevel.checkpoint()


class AudioSocket:
    """The technology ``AudioSocket``."""

    name = "AudioSocket"
    formats = tuple(FORMATS)

    def request(self, _tenant: Tenant, _resource: str, _new: NewChannel) -> Channel:
        """Channels to programs are made by ``open_peer`` alone."""
        raise AllocationFailed("external media is asked for by its own operation")

    async def open_peer(self, tenant: Tenant, peer: MediaPeer, new: NewChannel) -> Channel:
        """Connect, say who we are, and make a channel. Raises AllocationFailed."""
        assert peer.identity is not None
        stream = await connected(await resolved(tenant, peer.host), peer.port)
        try:
            media = tenant.media.open_stream(
                stream.socket.fileno(),
                FORMATS[peer.format],
                hello=audiosocket.make(audiosocket.IDENTITY, peer.identity.bytes),
            )
        except (MediaUnavailable, NoPortsLeft, OSError) as unavailable:
            raise AllocationFailed(str(unavailable)) from None
        finally:
            stream.socket.close()  # the media process has a descriptor of its own
        leg = StreamLeg()
        name = f"{self.name}/{peer.host}:{peer.port}-{peer.identity}"
        try:
            leg.channel = add_peer_channel(
                tenant, leg, name, new, dialstring=f"{peer.host}:{peer.port}/{peer.identity}"
            )
        except BaseException:
            media.close()
            raise
        leg.channel.attach(media)
        return leg.channel
