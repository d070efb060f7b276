"""What can be heard on the bus: frozen, complete in itself, named as ARI names it.

``timestamp`` is seconds since the epoch. Nothing here knows how it is written on a wire.
"""

import msgspec

from .snapshots import (
    BridgeSnapshot,
    ChannelSnapshot,
    ContactSnapshot,
    DeviceStateSnapshot,
    EndpointSnapshot,
    LiveRecordingSnapshot,
    PlaybackSnapshot,
    TextMessage,
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The root of all that is published."""

    timestamp: float


class ChannelEvent(Event, frozen=True, kw_only=True):
    """Something happened to this channel."""

    channel: ChannelSnapshot


class ChannelCreated(ChannelEvent, frozen=True, kw_only=True):
    """A channel came to be."""


class ChannelDestroyed(ChannelEvent, frozen=True, kw_only=True):
    """The last event of a channel. ``cause`` is Q.850's."""

    cause: int
    cause_txt: str


class ChannelStateChange(ChannelEvent, frozen=True, kw_only=True):
    """The channel's state is another now."""


class ChannelDialplan(ChannelEvent, frozen=True, kw_only=True):
    """The dialplan started an application on the channel."""

    dialplan_app: str
    dialplan_app_data: str


class ChannelVarset(Event, frozen=True, kw_only=True):
    """A variable was set: of a channel, or global where ``channel`` is None."""

    variable: str
    value: str
    channel: ChannelSnapshot | None = None


class ChannelCallerId(ChannelEvent, frozen=True, kw_only=True):
    """The caller's identity changed."""

    caller_presentation: int = 0
    caller_presentation_txt: str = "Presentation Allowed, Not Screened"


class ChannelConnectedLine(ChannelEvent, frozen=True, kw_only=True):
    """The connected party's identity changed."""


class ChannelHangupRequest(ChannelEvent, frozen=True, kw_only=True):
    """Somebody asked for the end: ``soft`` where it was on this side of the channel."""

    cause: int | None = None
    soft: bool | None = None


class ChannelDtmfReceived(ChannelEvent, frozen=True, kw_only=True):
    """The far end pressed a key."""

    digit: str
    duration_ms: int


class ChannelTalkingStarted(ChannelEvent, frozen=True, kw_only=True):
    """The far end began to talk."""


class ChannelTalkingFinished(ChannelEvent, frozen=True, kw_only=True):
    """The far end is silent again; ``duration`` is how long it talked, in milliseconds."""

    duration: int


class ChannelToneDetected(ChannelEvent, frozen=True, kw_only=True):
    """The tone that was listened for came in, or went out."""


class ChannelHold(ChannelEvent, frozen=True, kw_only=True):
    """The far end put the call on hold."""

    musicclass: str


class ChannelUnhold(ChannelEvent, frozen=True, kw_only=True):
    """The far end took the call off hold."""


class ChannelUserevent(Event, frozen=True, kw_only=True):
    """An application's own event, with the objects it is about."""

    app: str
    eventname: str
    variables: tuple[tuple[str, object], ...] = ()
    channel: ChannelSnapshot | None = None
    bridge: BridgeSnapshot | None = None
    endpoint: EndpointSnapshot | None = None


class Dial(Event, frozen=True, kw_only=True):
    """A dial attempt began (status ""), went on (RINGING) or ended (ANSWER, BUSY...)."""

    dialstatus: str
    dialstring: str = ""
    forward: str = ""
    peer: ChannelSnapshot
    caller: ChannelSnapshot | None = None


class StasisStart(ChannelEvent, frozen=True, kw_only=True):
    """The channel entered an application, which now holds it: in place of another, maybe."""

    app: str
    args: tuple[str, ...] = ()
    replace_channel: ChannelSnapshot | None = None


class StasisEnd(ChannelEvent, frozen=True, kw_only=True):
    """The channel left the application."""

    app: str


class ApplicationMoveFailed(ChannelEvent, frozen=True, kw_only=True):
    """The channel could not be moved: nobody serves the application ``destination``."""

    app: str
    destination: str
    args: tuple[str, ...] = ()


class PlaybackEvent(Event, frozen=True, kw_only=True):
    """Something happened to this playback."""

    playback: PlaybackSnapshot


class PlaybackStarted(PlaybackEvent, frozen=True, kw_only=True):
    """Media starts, or goes on after a pause."""


class PlaybackContinuing(PlaybackEvent, frozen=True, kw_only=True):
    """One media of a list is over and the next comes."""


class PlaybackFinished(PlaybackEvent, frozen=True, kw_only=True):
    """The playback is over, done or failed."""


class RecordingEvent(Event, frozen=True, kw_only=True):
    """Something happened to this recording."""

    recording: LiveRecordingSnapshot


class RecordingStarted(RecordingEvent, frozen=True, kw_only=True):
    """The recording runs."""


class RecordingFinished(RecordingEvent, frozen=True, kw_only=True):
    """The recording is on disk."""


class RecordingFailed(RecordingEvent, frozen=True, kw_only=True):
    """The recording could not be made or was broken off; its ``cause`` says why."""


class BridgeEvent(Event, frozen=True, kw_only=True):
    """Something happened to this bridge."""

    bridge: BridgeSnapshot


class BridgeCreated(BridgeEvent, frozen=True, kw_only=True):
    """A bridge came to be."""


class BridgeDestroyed(BridgeEvent, frozen=True, kw_only=True):
    """The last event of a bridge."""


class ChannelEnteredBridge(BridgeEvent, frozen=True, kw_only=True):
    """A channel joined."""

    channel: ChannelSnapshot


class ChannelLeftBridge(BridgeEvent, frozen=True, kw_only=True):
    """A channel left."""

    channel: ChannelSnapshot


class BridgeVideoSourceChanged(BridgeEvent, frozen=True, kw_only=True):
    """Another channel's picture is shown, or none in particular."""

    old_video_source_id: str | None = None


class BridgeMerged(BridgeEvent, frozen=True, kw_only=True):
    """The channels of another bridge came over into this one."""

    bridge_from: BridgeSnapshot


class BridgeBlindTransfer(ChannelEvent, frozen=True, kw_only=True):
    """``channel`` sent who it talked to, the transferee, to a place of the dialplan."""

    exten: str
    context: str
    result: str
    is_external: bool
    transferee: ChannelSnapshot | None = None
    replace_channel: ChannelSnapshot | None = None
    bridge: BridgeSnapshot | None = None


class BridgeAttendedTransfer(Event, frozen=True, kw_only=True):
    """A party of two calls put the other ends of them together.

    ``destination_type`` is bridge, application, link, threeway or fail; what it names follows.
    """

    transferer_first_leg: ChannelSnapshot
    transferer_second_leg: ChannelSnapshot
    result: str
    is_external: bool
    destination_type: str
    transferee: ChannelSnapshot | None = None
    transfer_target: ChannelSnapshot | None = None
    transferer_first_leg_bridge: BridgeSnapshot | None = None
    transferer_second_leg_bridge: BridgeSnapshot | None = None
    replace_channel: ChannelSnapshot | None = None
    destination_bridge: str | None = None
    destination_application: str | None = None
    destination_link_first_leg: ChannelSnapshot | None = None
    destination_link_second_leg: ChannelSnapshot | None = None
    destination_threeway_channel: ChannelSnapshot | None = None
    destination_threeway_bridge: BridgeSnapshot | None = None


class ChannelTransfer(Event, frozen=True, kw_only=True):
    """The far end of ``source_channel`` wants a transfer, which is left to an application.

    ``state`` is what the application has told of it since. The destination's objects are those of
    the far end's other call, where it wants that one to be replaced.
    """

    state: str | None = None
    destination: str
    protocol_id: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    referred_by: str | None = None
    source_channel: ChannelSnapshot
    source_connected: ChannelSnapshot | None = None
    source_bridge: BridgeSnapshot | None = None
    destination_channel: ChannelSnapshot | None = None
    destination_connected: ChannelSnapshot | None = None
    destination_bridge: BridgeSnapshot | None = None


class EndpointEvent(Event, frozen=True, kw_only=True):
    """Something happened to this endpoint."""

    endpoint: EndpointSnapshot


class TextMessageReceived(EndpointEvent, frozen=True, kw_only=True):
    """The endpoint sent a text."""

    message: TextMessage


class EndpointStateChange(EndpointEvent, frozen=True, kw_only=True):
    """The endpoint went online or offline."""


class PeerStatusChange(EndpointEvent, frozen=True, kw_only=True):
    """The endpoint became Reachable or Unreachable."""

    peer_status: str


class ContactStatusChange(EndpointEvent, frozen=True, kw_only=True):
    """One of the endpoint's contacts came, changed or went."""

    contact: ContactSnapshot


class DeviceStateChanged(Event, frozen=True, kw_only=True):
    """A device is in another state."""

    device_state: DeviceStateSnapshot


class CallBroadcast(ChannelEvent, frozen=True, kw_only=True):
    """The call is offered: the first application that claims it has it."""

    app: str
    caller_number: str
    called_number: str


class CallClaimed(ChannelEvent, frozen=True, kw_only=True):
    """The application ``winner_app`` was the first to claim the call."""

    app: str
    winner_app: str


class SocketEvent(Event, frozen=True, kw_only=True):
    """What one socket of an application is told about itself."""

    app: str


class ApplicationRegistered(SocketEvent, frozen=True, kw_only=True):
    """A WebSocket that we opened serves the application; the first that it hears."""


class ApplicationUnregistered(SocketEvent, frozen=True, kw_only=True):
    """A WebSocket that we opened serves the application no more."""


class EventsLost(SocketEvent, frozen=True, kw_only=True):
    """What came after event ``requested`` is not all there any more; ``oldest`` comes next.

    Told to a client that resumes, and to no other. Ours, beyond ARI.
    """

    requested: int
    oldest: int


class ApplicationReplaced(SocketEvent, frozen=True, kw_only=True):
    """Another socket took the application; the one that hears this hears no more."""
