"""One call's side towards the phone: core's verbs as SIP, and the phone's answers as core's."""

from typing import TYPE_CHECKING

import trio

from stasisd.core import causes
from stasisd.core.channel import Channel
from stasisd.core.technology import DialFailed
from stasisd.media.control import MediaUnavailable, NoPortsLeft
from stasisd.sip import events
from stasisd.sip.call import WrongState
from stasisd.sip.events import CallId
from stasisd.sip.registration import Binding

from . import quality
from .description import Description, NotAcceptable, SdpError
from .settings import SipAccount

if TYPE_CHECKING:
    from .technology import Sip

# Final responses that say how a dial attempt ended better than their Q.850 cause does.
DIAL_STATUS = {486: "BUSY", 600: "BUSY", 603: "BUSY", 408: "NOANSWER", 480: "NOANSWER"}
# How long the end of a call waits for its last statistics.
STATISTICS_SECONDS = 0.2


class Leg:
    """A call in either direction. The phone's events come in through ``take``."""

    def __init__(self, sip: "Sip", account: SipAccount) -> None:
        """The direction's own constructor fills in ``call`` and ``channel``."""
        self._sip = sip
        self.account = account
        self.call: CallId | None = None
        self.channel: Channel
        self.description: Description
        self.over = False

    # --- the phone speaks

    def take(self, event: events.Event) -> None:
        """Act on an event of this call."""
        match event:
            case events.OfferReceived():
                self._renegotiate(event.body)
            case events.OfferAnswered() if event.body:
                self._settle(event.body)
            case events.DtmfInfo():
                self.channel.pressed(event.digit, event.duration)
            case events.CallEnded():
                self._ended(event)

    def _renegotiate(self, offer: bytes) -> None:
        """Answer a re-INVITE: hold, resume, or another address for the media."""
        assert self.call is not None
        if not offer:
            self._sip.agent.accept_offer(self.call, self.description.offer(), self._sip.now())
            return
        was_held = self.description.held
        try:
            answer, remote = self.description.answer(offer)
        except NotAcceptable:
            self._sip.agent.reject_offer(self.call, self._sip.now())
            return
        except SdpError:
            self._sip.agent.reject_offer(self.call, self._sip.now(), status=400)
            return
        assert self.channel.port is not None
        self.channel.port.set_remote(remote)
        self._sip.agent.accept_offer(self.call, answer, self._sip.now())
        if self.description.held and not was_held:
            self.channel.held()
        elif was_held and not self.description.held:
            self.channel.unheld()

    def _settle(self, answer: bytes) -> bool:
        """Take the answer to our offer; False where it can't be used, and the call ends."""
        try:
            remote = self.description.take_answer(answer)
        except (NotAcceptable, SdpError) as problem:
            self.channel.log.warning("answer can't be used", reason=str(problem))
            self.channel.hangup(causes.INCOMPATIBLE)
            return False
        assert self.channel.port is not None
        self.channel.port.set_remote(remote)
        return True

    def _ended(self, event: events.CallEnded) -> None:
        self.over = True
        if self.channel.nursery is not None:
            self.channel.nursery.start_soon(self._report_and_hang_up, event.cause)
        else:
            self.channel.release(event.cause)

    async def _report_and_hang_up(self, cause: int) -> None:
        """Show the call's quality, then tell that the phone hung up."""
        channel = self.channel
        if channel.port is not None:
            with trio.move_on_after(STATISTICS_SECONDS):
                statistics = await channel.port.rtp_statistics()
                for name, value in quality.variables(statistics).items():
                    channel.set_variable(name, value)
        channel.hangup(cause, shown=None)

    # --- core speaks

    async def dial(self) -> None:
        """Only a call of ours can be dialled; see :class:`OutboundLeg`."""
        raise DialFailed(causes.INTERWORKING)

    def answer(self) -> None:
        """Nothing to answer but an inbound call."""

    def ring(self) -> None:
        """Nothing rings but an inbound call."""

    def ring_stop(self) -> None:
        """SIP can't take a 180 back."""

    def progress(self) -> None:
        """No early media but towards an inbound call."""

    def busy(self) -> None:
        """Only an inbound call can be told so."""

    def hold(self) -> None:
        """Ask the phone to stop sending."""
        self._offer_holding(holding=True)

    def unhold(self) -> None:
        """Ask the phone to send again."""
        self._offer_holding(holding=False)

    def _offer_holding(self, *, holding: bool) -> None:
        if self.call is None or self.over or self.description.holding == holding:
            return
        if not self.channel.is_up:
            return
        self.description.holding = holding
        try:
            self._sip.agent.reinvite(self.call, self.description.offer(), self._sip.now())
        except WrongState:
            self.channel.log.info("an offer is under way: the hold is not sent")
            self.description.holding = not holding
        self._sip.flush()

    def hangup(self, cause: int) -> None:
        """End the call, by whichever request or response its state asks for."""
        if self.call is not None and not self.over:
            self.over = True
            self._sip.agent.hangup(self.call, cause, self._sip.now())
            self._sip.flush()
        self._sip.forget(self)


class InboundLeg(Leg):
    """A call that a phone makes to us."""

    def __init__(self, sip: "Sip", account: SipAccount, call: CallId) -> None:
        """``answer_body`` is our description: the answer to their offer, or an offer."""
        super().__init__(sip, account)
        self.call = call
        self.answer_body = b""

    def answer(self) -> None:
        """200, with our description."""
        if not self.over and self.call is not None:
            self._sip.agent.answer(self.call, self.answer_body, self._sip.now())
            self._sip.flush()

    def ring(self) -> None:
        """180."""
        if not self.over and self.call is not None:
            self._sip.agent.ring(self.call, self._sip.now())
            self._sip.flush()

    def progress(self) -> None:
        """183, with our description."""
        if not self.over and self.call is not None:
            self._sip.agent.progress(self.call, self.answer_body, self._sip.now())
            self._sip.flush()

    def busy(self) -> None:
        """486: the call is over at once."""
        if not self.over and self.call is not None:
            self.over = True
            self._sip.agent.reject(self.call, 486, causes.USER_BUSY, self._sip.now())
            self._sip.flush()


class OutboundLeg(Leg):
    """A call that we make to a phone."""

    def __init__(self, sip: "Sip", account: SipAccount, binding: Binding) -> None:
        """``binding`` is the contact to call, and the way to it."""
        super().__init__(sip, account)
        self._binding = binding
        self._settled = trio.Event()
        self._failed: DialFailed | None = None

    async def dial(self) -> None:
        """Open the media, invite, and wait for the final response."""
        try:
            port = await self.channel.tenant.media.open_rtp()
        except (NoPortsLeft, MediaUnavailable) as unavailable:
            self.channel.log.warning("no media", reason=str(unavailable))
            raise DialFailed(causes.CONGESTION) from None
        self.channel.attach(port)
        assert port.address is not None
        self.description = self._sip.describe(self.account, self._binding.flow, port.address[1])
        self.call = self._sip.invite(self, self._binding, self.description.offer())
        await self._settled.wait()
        if self._failed is not None:
            raise self._failed

    def take(self, event: events.Event) -> None:
        """Act on an event of this call."""
        match event:
            case events.CallProgressed(status=180):
                self.channel.ringing()
                self._early_media(event.body)
            case events.CallProgressed():
                self._early_media(event.body)
            case events.CallAnswered():
                if not event.body or self._settle(event.body):
                    self._settled.set()
            case events.CallRejected():
                self.over = True
                self._fail(event.cause, DIAL_STATUS.get(event.status))
            case events.CallEnded() if not self._settled.is_set():
                self.over = True
                self._fail(event.cause)
            case _:
                super().take(event)

    def _early_media(self, body: bytes) -> None:
        if body and self._settle(body):
            self.channel.progressing()

    def _fail(self, cause: int, status: str | None = None) -> None:
        self._failed = DialFailed(cause, status)
        self._settled.set()
