"""``Snoop/ID``: a channel at the media of another one, to listen in and to whisper."""

from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot, DialplanPosition
from stasisd.core.technology import AllocationFailed, NewChannel, Snooping
from stasisd.core.tenant import Tenant
from stasisd.media.control import MediaUnavailable, NoPortsLeft

from .silent import SilentLeg


class SnoopLeg(SilentLeg):
    """Ends with the channel that it is at, or by itself."""

    channel: Channel

    def __init__(self, spied: Channel) -> None:
        self._spied = spied

    def hangup(self, _cause: int) -> None:
        """Leave the other channel alone."""
        self._spied.snoops.remove(self.channel)


class Snoop:
    """The technology ``Snoop``."""

    name = "Snoop"

    def request(self, _tenant: Tenant, _resource: str, _new: NewChannel) -> Channel:
        """There is nobody to call."""
        raise AllocationFailed("snooping is asked for by its own operation")

    def snoop(self, spied: Channel, snooping: Snooping, new: NewChannel) -> Channel:
        """Make a channel that is up, and ends when the one it is at ends.

        Raises AllocationFailed where that one has no media.
        """
        tenant = spied.tenant
        if spied.port is None or spied.hungup:
            raise AllocationFailed("the channel has no media to listen to")
        try:
            port = tenant.media.open_snoop(spied.port, snooping.spy, snooping.whisper)
        except (MediaUnavailable, NoPortsLeft) as unavailable:
            raise AllocationFailed(str(unavailable)) from None
        try:
            channel = _channel(spied, new)
        except BaseException:
            port.close()
            raise
        channel.attach(port)
        spied.snoops.append(channel)
        return channel


def _channel(spied: Channel, new: NewChannel) -> Channel:
    tenant, leg = spied.tenant, SnoopLeg(spied)
    leg.channel = Channel(
        tenant,
        leg,
        ChannelSnapshot(
            id=new.channel_id or tenant.new_channel_id(),
            name=f"{Snoop.name}/{spied.id}-{tenant.new_name_suffix()}",
            state="Up",
            dialplan=DialplanPosition("default", "s", 1),
            creationtime=tenant.now(),
            language=tenant.settings.language,
            channelvars=tenant.shown_variables({}),
        ),
    )
    tenant.add_channel(leg.channel)
    return leg.channel
