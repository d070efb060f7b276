"""A bridge: the channels that hear each other.

This release connects two parties; the third one is refused where it asks.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
import trio

from . import events
from .snapshots import BridgeSnapshot

if TYPE_CHECKING:
    from .channel import Channel
    from .tenant import Tenant

PEER = "BRIDGEPEER"
MOST_PARTIES = 2


class BridgeFull(Exception):
    """The bridge holds as many channels as it can mix."""


class Bridge:
    """Made by :meth:`Tenant.create_bridge`; lives until ``destroy``."""

    def __init__(self, tenant: "Tenant", snapshot: BridgeSnapshot) -> None:
        """``snapshot`` is the bridge as it starts, without channels."""
        self.tenant = tenant
        self.snapshot = snapshot
        self.id = snapshot.id
        self.topics = (f"bridge:{self.id}",)
        self.channels: list[Channel] = []
        self.changed = trio.Event()
        self.destroyed = False

    def join(self, channel: "Channel") -> None:
        """Add a channel, taking it out of any other bridge.

        Raises :class:`BridgeFull`. A channel that is here already stays as it is.
        """
        if channel.bridge is self:
            return
        self.check_room([channel])
        if channel.bridge is not None:
            channel.bridge.leave(channel)
        channel.bridge = self
        self.channels.append(channel)
        if channel.visit is not None:
            channel.visit.application.follow(self.topics[0])
        self._publish_change(events.ChannelEnteredBridge, channel)
        if len(self.channels) == MOST_PARTIES:
            self._introduce(*self.channels)

    def check_room(self, channels: Iterable["Channel"]) -> None:
        """Raise :class:`BridgeFull` where these can't all be here."""
        if len({*self.channels, *channels}) > MOST_PARTIES:
            raise BridgeFull

    def connect_media(self) -> None:
        """Let the channels hear each other; called again when one gets its media here."""
        ports = [channel.port for channel in self.channels if channel.port is not None]
        if len(ports) == MOST_PARTIES:
            ports[0].connect(ports[1])

    def _introduce(self, one: "Channel", other: "Channel") -> None:
        self.connect_media()
        one.set_variable(PEER, other.name)
        other.set_variable(PEER, one.name)

    def leave(self, channel: "Channel") -> None:
        """Take a channel out. Safe to call for one that is not here."""
        if channel.bridge is not self:
            return
        peers = [peer for peer in self.channels if peer is not channel]
        if peers:
            if channel.port is not None:
                channel.port.disconnect()
            for member in (channel, *peers):
                member.set_variable(PEER, "")
        channel.bridge = None
        self.channels = peers
        self._publish_change(events.ChannelLeftBridge, channel)
        if channel.visit is not None:
            channel.visit.application.unfollow(self.topics[0])
        self._announce()

    def destroy(self) -> None:
        """Take all channels out and end. Idempotent."""
        if self.destroyed:
            return
        self.destroyed = True
        for channel in list(self.channels):
            self.leave(channel)
        self.tenant.publish(events.BridgeDestroyed, self.topics, bridge=self.snapshot)
        self.tenant.forget_bridge(self)
        self._announce()

    def _publish_change(self, event: type[events.BridgeEvent], channel: "Channel") -> None:
        members = tuple(member.id for member in self.channels)
        self.snapshot = msgspec.structs.replace(self.snapshot, channels=members)
        self.tenant.publish(
            event,
            (*self.topics, *channel.topics),
            bridge=self.snapshot,
            channel=channel.snapshot,
        )

    def _announce(self) -> None:
        self.changed.set()
        self.changed = trio.Event()

    async def wait_left(self, channel: "Channel") -> None:
        """Wait until the channel is no longer in this bridge."""
        while channel.bridge is self:
            await self.changed.wait()
