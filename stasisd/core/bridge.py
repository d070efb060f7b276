"""A bridge: the channels that hear each other."""

from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import structlog
import trio

from stasisd.media.control import Port

from . import events
from .bridge_kind import ANNOUNCER, MIXING, BridgeKind
from .floor import Floor, Place
from .snapshots import DIALS, BridgeSnapshot, Party

if TYPE_CHECKING:
    from .attendant import Attendant
    from .channel import Channel
    from .tenant import Tenant

PEER = "BRIDGEPEER"
MOST_PEERS = 10  # names that BRIDGEPEER holds
PAIR = 2

log = structlog.get_logger()


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """How a party is in a bridge.

    ``quiet`` leaves the identities of the connected parties as they are.
    """

    role: str = ""
    absorb_dtmf: bool = False
    hears: bool = True
    speaks: bool = True
    quiet: bool = False


PLAIN = Joining()


class Member(Protocol):
    """A party of a bridge: a channel, or one of ours that has no channel."""

    name: str
    port: Port | None


class Bridge:
    """Made by :meth:`Tenant.create_bridge`; lives until ``destroy``."""

    def __init__(
        self,
        tenant: "Tenant",
        snapshot: BridgeSnapshot,
        kind: BridgeKind = MIXING,
        application_name: str | None = None,
    ) -> None:
        """``snapshot`` is the bridge as it starts, without channels.

        ``application_name`` is the application that it was made for, for caveats.
        """
        self.tenant = tenant
        self.application_name = application_name
        self.kind = kind
        self.snapshot = snapshot
        self.id = snapshot.id
        self.topics = (f"bridge:{self.id}",)
        self.channels: list[Channel] = []
        self.variables: dict[str, str] = {}
        self.attendants: list[Attendant] = []
        self.changed = trio.Event()
        self.destroyed = False
        self.log = log.bind(tenant=tenant.name, bridge=self.id)
        self._shown: dict[str, None] = {}
        self._floor = Floor(tenant.media)
        # All parties, in the order that BRIDGEPEER names them.
        self._members: dict[Member, Joining] = {}

    @property
    def is_dials(self) -> bool:
        """Whether Dial made it, and not an application: it ends when it connects nobody."""
        return self.snapshot.bridge_class == DIALS

    # --- who is in it

    def join(self, channel: "Channel", joining: Joining = PLAIN) -> None:
        """Add a channel, taking it out of the bridge it was in, also where that is this one.

        A second announcer comes in and has to leave at once, as in Asterisk.
        """
        if channel.bridge is not None:
            channel.bridge.leave(channel)
        in_vain = joining.role == ANNOUNCER and self._has_announcer
        channel.bridge = self
        self.channels.append(channel)
        if channel.visit is not None:
            channel.visit.application.follow(self.topics[0])
        self._members[channel] = joining
        self._publish_change(events.ChannelEnteredBridge, channel)
        if in_vain:
            self.log.warning("the bridge has an announcer", channel=channel.id)
            self.leave(channel)
        else:
            self._reconfigure(channel)

    @property
    def _has_announcer(self) -> bool:
        """Whether a channel has the one place that a holding bridge has for announcers."""
        return self.kind.holding and any(
            self._members[channel].role == ANNOUNCER for channel in self.channels
        )

    def leave(self, channel: "Channel") -> None:
        """Take a channel out. Safe to call for one that is not here."""
        if channel.bridge is not self:
            return
        del self._members[channel]
        channel.bridge = None
        self.channels.remove(channel)
        channel.sound.entertain(on=False)
        channel.unset_variable(PEER)
        self._publish_change(events.ChannelLeftBridge, channel)
        if channel.visit is not None:
            channel.visit.application.unfollow(self.topics[0])
        if channel.id == self.snapshot.video_source_id:
            self._set_video(self.snapshot.video_mode, "")
        self._reconfigure()

    def seat(self, member: Member, joining: Joining) -> None:
        """Add a party that is no channel; nobody is told but by BRIDGEPEER."""
        self._members[member] = joining
        self._reconfigure(member)

    def unseat(self, member: Member) -> None:
        """Take such a party out. Safe to call for one that is not here."""
        if self._members.pop(member, None) is not None:
            self._reconfigure()

    def destroy(self) -> None:
        """Take all out and end. Idempotent."""
        if self.destroyed:
            return
        self.destroyed = True
        for attendant in list(self.attendants):
            attendant.dismiss()
        for channel in list(self.channels):
            self.leave(channel)
        self.tenant.publish(events.BridgeDestroyed, self.topics, bridge=self.snapshot)
        self.tenant.forget_bridge(self)
        self._announce()

    # --- what follows from who is in it

    def _reconfigure(self, newcomer: Member | None = None) -> None:
        """Adapt to the parties there are: technology, sound, names of the peers."""
        self.arrange()
        self._announce()
        if self.destroyed:
            return
        technology = self.kind.technology(len(self._members))
        if technology != self.snapshot.technology:
            self.snapshot = msgspec.structs.replace(self.snapshot, technology=technology)
            if newcomer is not None:
                # Who has changed the technology by coming is named first, as in Asterisk,
                # which moves the others over to the new one.
                first = {newcomer: self._members.pop(newcomer)}
                self._members = first | self._members
        self._name_peers()
        if newcomer is None or not self._members[newcomer].quiet:
            self._introduce()

    def arrange(self) -> None:
        """Let the parties hear each other; called again when a channel gets its media here."""
        self._floor.arrange(
            {
                member.port: self._place(joining)
                for member, joining in self._members.items()
                if member.port is not None and not member.port.closed
            }
        )
        entertained = self._entertained()
        for channel in self.channels:
            music_class = entertained.get(channel, "")
            channel.sound.entertain(on=channel in entertained, music_class=music_class)

    def _place(self, joining: Joining) -> Place:
        digits = not joining.absorb_dtmf
        if not self.kind.holding:
            return Place(joining.hears, joining.speaks, digits)
        if joining.role == ANNOUNCER:
            return Place(hears=False, speaks=joining.speaks, digits=digits)
        return Place(hears=joining.hears, speaks=False, digits=False)

    @property
    def _is_pair(self) -> bool:
        """Whether two channels are alone with each other."""
        return len(self._members) == len(self.channels) == PAIR

    def _entertained(self) -> "dict[Channel, str]":
        """Who hears music in place of the others, and of which class."""
        if not self.kind.holding:
            if not self._is_pair:
                return {}
            one, other = self.channels
            pairs = ((one, other), (other, one))
            return {channel: peer.hold_class for channel, peer in pairs if peer.on_hold}
        if any(joining.role == ANNOUNCER for joining in self._members.values()):
            return {}
        return {channel: "" for channel in self.channels if self._members[channel].hears}

    def pass_on(self, sender: "Channel", digit: str, duration_ms: int) -> None:
        """Let the others hear a digit that did not come by the media process."""
        if self._place(self._members[sender]).digits:
            for member in self._members:
                if member is not sender and member.port is not None:
                    member.port.send_dtmf(digit, duration_ms=duration_ms)

    def _name_peers(self) -> None:
        if self.kind.holding:
            for channel in self.channels:
                channel.unset_variable(PEER)
        elif len(self._members) > 1:  # who is left alone keeps the name of who left
            names = [member.name for member in self._members][: MOST_PEERS + 1]
            for channel in self.channels:
                others = [name for name in names if name != channel.name]
                channel.set_variable(PEER, ",".join(others[:MOST_PEERS]))

    def _introduce(self) -> None:
        """Let two who are alone with each other know who the other is."""
        if self.kind.holding or not self._is_pair:
            return
        one, other = self.channels
        for channel, peer in ((one, other), (other, one)):
            if peer.snapshot.caller != Party():
                channel.set_parties(connected=peer.snapshot.caller)

    # --- variables and video

    def set_variable(self, name: str, value: str, *, show: bool = False) -> None:
        """Set a variable, or take it away where the value is empty.

        ``show`` puts it into the bridge's snapshots from now on.
        """
        self.variables.pop(name, None)
        self._shown.pop(name, None)
        if value:
            self.variables[name] = value
            if show:
                self._shown[name] = None
        bridgevars = tuple((shown, self.variables[shown]) for shown in self._shown)
        self.snapshot = msgspec.structs.replace(self.snapshot, bridgevars=bridgevars)

    def show_video_of(self, channel: "Channel") -> None:
        """Make a channel of this bridge the one whose picture all see.

        There is no video here; what clients see of it is this choice.
        """
        self._set_video("single", channel.id)

    def show_talkers_video(self) -> None:
        """Let the picture follow who talks."""
        self._set_video("talker", "")

    def _set_video(self, mode: str, source: str) -> None:
        before = self.snapshot.video_source_id
        self.snapshot = msgspec.structs.replace(
            self.snapshot, video_mode=mode, video_source_id=source
        )
        if source != before:
            self._publish(events.BridgeVideoSourceChanged, old_video_source_id=before or None)

    # --- telling

    def _publish(self, event: type[events.BridgeEvent], **fields: Any) -> None:
        self.tenant.publish(event, self.topics, bridge=self.snapshot, **fields)

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
