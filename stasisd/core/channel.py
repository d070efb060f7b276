"""A channel: one leg of a call, from the moment it is asked for until it is destroyed."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
import trio

from stasisd.media.commands import RINGBACK
from stasisd.media.control import Port
from stasisd.media.reports import (
    DtmfReceived,
    Latched,
    PortClosed,
    StreamEnded,
    TalkFinished,
    TalkStarted,
    ToneDetected,
)

from . import causes, detour, events
from .attempt import Attempt
from .cause import Ending, caused_by
from .device_state import OF_CHANNEL, device_of
from .music import DEFAULT
from .snapshots import ChannelSnapshot, DialplanPosition, Party
from .sound import Sound
from .technology import Leg, ShowsConnected

if TYPE_CHECKING:
    from .bridge import Bridge
    from .broadcast import Broadcast
    from .playback import Playback
    from .stasis import Visit
    from .tenant import Tenant

log = structlog.get_logger()

# Which state may follow which: a call only ever gets nearer to its answer.
NEXT_STATES = {
    "Down": {"Ring", "Ringing", "Dialing", "Up", "Busy"},
    "Dialing": {"Ringing", "Up", "Busy"},
    "Ring": {"Ringing", "Up", "Busy"},
    "Ringing": {"Up", "Busy"},
    "Busy": set(),
    "Up": set(),
}


class Channel:
    """The live object behind a :class:`ChannelSnapshot`.

    Its verbs are synchronous: each changes the state, tells the technology's leg, and
    publishes, in one step. The channel's tasks live in ``nursery``; hanging up cancels it.
    """

    over = "the channel was hung up"

    def __init__(
        self,
        tenant: "Tenant",
        leg: Leg,
        snapshot: ChannelSnapshot,
        *,
        endpoint: tuple[str, str] | None = None,
        dialstring: str = "",
    ) -> None:
        """``endpoint`` is the technology and resource it belongs to, if it has one."""
        self.tenant = tenant
        self.leg = leg
        self.snapshot = snapshot
        self.id = snapshot.id
        self.name = snapshot.name
        # The id of the channel that began all of the call that this one is a part of.
        self.linked_id = snapshot.id
        self.endpoint = endpoint
        self.topics: tuple[str, ...] = (f"channel:{self.id}",)
        if endpoint is not None:
            technology, resource = endpoint
            self.topics += (f"endpoint:{technology}/{resource}", f"endpoint:{technology}")
        self.variables: dict[str, str] = {}
        # What its snapshot shows beside the tenant's own choice of variables.
        self.reported: dict[str, str] = {}
        self.port: Port | None = None
        self.sound = Sound(self)
        self.nursery: trio.Nursery | None = None
        self.visit: Visit | None = None
        self.bridge: Bridge | None = None
        self.broadcast: Broadcast | None = None
        self.playbacks: list[Playback] = []
        self.cause: int | None = None
        # Why the last call ended that it dialled: its own cause, unless its end has another.
        self.dial_cause: int | None = None
        self.started = False
        self.hungup = False
        self.ending = Ending()
        self.on_hold = False
        # Which music the one at the other end hears while this one holds it, by its phone's word.
        self.hold_class = DEFAULT
        # Which music this one hears where nobody says another: CHANNEL(musicclass).
        self.music_class = ""
        self.destroyed = False
        self.in_dialplan = False
        self.ran_dialplan = False
        self.jumped = False
        # What runs in the dialplan now, to be cancelled where the channel is to be elsewhere.
        self.step: trio.CancelScope | None = None
        self.other_half: Channel | None = None
        self.attempt = Attempt(self, dialstring)
        self.snoops: list[Channel] = []
        self.heard = trio.Event()
        self.log = log.bind(tenant=tenant.name, channel=self.id)

    # --- what runs on it, as on any stage

    @property
    def target_uri(self) -> str:
        """What playbacks and recordings name as their target."""
        return f"channel:{self.id}"

    @property
    def language(self) -> str:
        """The language that prompts are in."""
        return self.snapshot.language

    @property
    def is_open(self) -> bool:
        """Whether something may start to be played or recorded."""
        return self.nursery is not None and not self.hungup and self.port is not None

    def start_soon(self, task: Callable[[], Awaitable[None]]) -> None:
        """Start a task that ends with the channel, which must be open."""
        assert self.nursery is not None
        self.nursery.start_soon(task)

    # --- telling

    def publish(self, event: type[events.Event], **fields: Any) -> None:
        """Publish an event about this channel as it is now."""
        self.tenant.publish(event, self.topics, channel=self.snapshot, **fields)

    def change(self, **fields: Any) -> None:
        """Replace fields of the snapshot, publishing nothing."""
        self.snapshot = msgspec.structs.replace(self.snapshot, **fields)

    # --- state

    @property
    def application_name(self) -> str | None:
        """The application that has the channel, for caveats."""
        return self.visit.application.name if self.visit is not None else None

    @property
    def state(self) -> str:
        """ARI's name of the state."""
        return self.snapshot.state

    @property
    def is_up(self) -> bool:
        """Whether the call is answered."""
        return self.snapshot.state == "Up"

    def set_state(self, state: str) -> None:
        """Move to a state that may follow the present one; otherwise nothing happens."""
        if state in NEXT_STATES[self.snapshot.state]:
            self.change(state=state)
            self.publish(events.ChannelStateChange)
            self._tell_device()

    @property
    def device_state(self) -> str:
        """What the channel makes of its device."""
        return "ONHOLD" if self.on_hold else OF_CHANNEL[self.state]

    def _tell_device(self) -> None:
        self.tenant.device_states.channel_is(self, self.device_state)
        self.tenant.device_states.tell(device_of(self.name))

    def answer(self) -> None:
        """Answer the call, if it is not yet."""
        if not self.is_up:
            self.leg.answer()
            self.set_state("Up")

    def ring(self) -> None:
        """Let the far end hear ringing."""
        if not self.is_up:
            self.leg.ring()
        elif self.port is not None:
            self.port.indicate(RINGBACK)

    def ring_stop(self) -> None:
        """Stop what ``ring`` began."""
        if not self.is_up:
            self.leg.ring_stop()
        if self.port is not None:
            self.port.indicate(None)

    def progress(self) -> None:
        """Let the far end hear us before the answer."""
        if not self.is_up:
            self.leg.progress()

    def pressed(self, digit: str, duration_ms: int) -> None:
        """The far end pressed a key and let it go."""
        self.publish(events.ChannelDtmfReceived, digit=digit, duration_ms=duration_ms)

    def signalled(self, digit: str, duration_ms: int) -> None:
        """The far end pressed a key and told it beside its media, which know nothing of it."""
        self.pressed(digit, duration_ms)
        if self.bridge is not None:
            self.bridge.pass_on(self, digit, duration_ms)

    def held(self, music_class: str = DEFAULT) -> None:
        """The far end put us on hold, and wants this music to be heard meanwhile."""
        self.on_hold, self.hold_class = True, music_class
        self.publish(events.ChannelHold, musicclass=music_class)
        self._tell_hold()

    def unheld(self) -> None:
        """The far end took us off hold."""
        self.on_hold = False
        self.publish(events.ChannelUnhold)
        self._tell_hold()

    def _tell_hold(self) -> None:
        self._tell_device()
        if self.bridge is not None:
            self.bridge.arrange()  # the one at the other end hears music meanwhile

    def attach(self, port: Port) -> None:
        """Give the channel its media. Its reports are read while the channel lives."""
        self.port = port
        self.sound.begin()
        if self.nursery is not None:
            self.watch(port, self.nursery)
        if self.bridge is not None:
            self.bridge.arrange()

    def watch(self, port: Port, nursery: trio.Nursery) -> None:
        """Read the port's reports; what the far end does is caused by no request."""
        with caused_by(None):
            nursery.start_soon(self.watch_media, port)

    async def watch_media(self, port: Port) -> None:
        """Turn what the media process reports of this channel into events."""
        async for report in port.reports():
            match report:
                case DtmfReceived():
                    self.pressed(report.digit, report.duration_ms)
                case Latched():
                    self.heard.set()
                case TalkStarted():
                    self.publish(events.ChannelTalkingStarted)
                case TalkFinished():
                    self.publish(events.ChannelTalkingFinished, duration=report.duration_ms)
                case ToneDetected():
                    self._tone_detected(outgoing=report.outgoing)
                case StreamEnded():
                    self.hangup(shown=None)
                case PortClosed():
                    self.log.warning("media lost", reason=report.reason)
                    self.hangup(causes.NETWORK_OUT_OF_ORDER)

    def _tone_detected(self, *, outgoing: bool) -> None:
        place = self.sound.heard_tone(outgoing=outgoing)
        if place is not None:
            self.publish(events.ChannelToneDetected)
            if place:
                detour.divert(self, place)

    async def wait_played(self) -> None:
        """Wait until all that was queued to be played here has ended."""
        while self.playbacks:
            await self.playbacks[-1].finished.wait()

    # --- dialplan position and variables

    @contextmanager
    def running(self, app: str, data: str, *, announce: bool = True) -> Iterator[None]:
        """Show an application as the one that has the channel, while the block runs."""
        before = self.snapshot.dialplan
        self.show_application(app, data, announce=announce)
        try:
            yield
        finally:
            self.show_application(before.app_name, before.app_data, announce=False)

    def show_application(self, app: str, data: str, *, announce: bool) -> None:
        """Name the application that has the channel; ``announce`` tells the bus."""
        position = msgspec.structs.replace(self.snapshot.dialplan, app_name=app, app_data=data)
        self.change(dialplan=position)
        if announce:
            self.publish(events.ChannelDialplan, dialplan_app=app, dialplan_app_data=data)

    def jump(self, context: str, exten: str, priority: int) -> None:
        """Go to another place of the dialplan, whatever would have come next."""
        self.jumped = True
        self.go_to(context, exten, priority)

    def go_to(self, context: str, exten: str, priority: int) -> None:
        """Set the dialplan position, where execution goes on."""
        here = self.snapshot.dialplan
        self.change(
            dialplan=DialplanPosition(context, exten, priority, here.app_name, here.app_data)
        )

    def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable and tell it."""
        self.variables[name] = value
        if name in self.reported:
            self.reported[name] = value
        if any(name == shown for shown, _ in self.snapshot.channelvars):
            self._show_variables()
        self.publish(events.ChannelVarset, variable=name, value=value)

    def report(self, name: str, value: str) -> None:
        """Show a variable, or a function's value as it was set, in all events of the channel."""
        self.reported[name] = value
        self._show_variables()

    def _show_variables(self) -> None:
        self.change(channelvars=self.tenant.shown_variables(self.variables, self.reported))

    def unset_variable(self, name: str) -> None:
        """Take a channel variable away and tell it; nothing happens where it is not set."""
        if name in self.variables:
            self.set_variable(name, "")
            del self.variables[name]

    def set_parties(
        self, caller: Party | None = None, connected: Party | None = None, *, shown: bool = True
    ) -> None:
        """Change who calls and who is at the other end; one that is None stays.

        The far end is told of the latter where it can be, and is to be ``shown`` it.
        """
        before = self.snapshot
        self.change(caller=caller or before.caller, connected=connected or before.connected)
        if self.snapshot.caller != before.caller:
            self.publish(events.ChannelCallerId)
        if self.snapshot.connected != before.connected:
            self.publish(events.ChannelConnectedLine)
            leg: object = self.leg
            if shown and isinstance(leg, ShowsConnected):
                leg.show_connected()

    # --- the end

    def hangup(
        self,
        cause: int = causes.NORMAL_CLEARING,
        *,
        soft: bool | None = None,
        shown: int | None = 0,
    ) -> None:
        """Ask for the end: everything that runs on the channel is cancelled.

        The first request's cause stays. ``soft`` says that this side asked; ``shown`` is the
        cause the event carries where it is not ``cause`` itself (None for none). On a channel
        that ends already nothing happens.
        """
        if self.hungup:
            return
        self.publish(events.ChannelHangupRequest, cause=cause if shown == 0 else shown, soft=soft)
        self.release(cause)

    def release(self, cause: int = causes.NORMAL_CLEARING) -> None:
        """End everything that runs on the channel, telling nobody that it was asked for."""
        if self.cause is None:
            self.cause = cause
        self.hungup = True
        self.ending.by_now()
        self._end_snoops()
        if self.nursery is not None:
            self.nursery.cancel_scope.cancel()

    def _end_snoops(self) -> None:
        """Hang up who listens in, before the media ends and they with it."""
        for snoop in list(self.snoops):
            snoop.hangup()

    def destroy(self) -> None:
        """The channel's last step: release all it holds, and tell. Idempotent."""
        if self.destroyed:
            return
        self.destroyed = self.hungup = True
        cause = self.cause if self.cause is not None else causes.NORMAL_CLEARING
        self._end_snoops()
        try:
            if self.bridge is not None:
                self.bridge.leave(self)
            self.leg.hangup(cause)
        finally:
            if self.port is not None:
                self.port.close()
            self.publish(events.ChannelDestroyed, cause=cause, cause_txt=causes.text(cause))
            self.tenant.forget_channel(self)
            self.tenant.device_states.tell(device_of(self.name))
