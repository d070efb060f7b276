"""One call's side towards the phone: core's verbs as SIP, and the phone's answers as core's."""

import trio

from stasisd.core import causes
from stasisd.core.channel import Channel
from stasisd.core.quality import measure
from stasisd.core.technology import DialFailed
from stasisd.sip import events
from stasisd.sip.call import WrongState
from stasisd.sip.events import By, CallId
from stasisd.sip.updates import UNKNOWN_METHOD

from . import quality
from .calls import Calls
from .description import Description, NotAcceptable, SdpError
from .identity import Identity
from .settings import SipAccount
from .transfers import Transfers

# How long the end of a call waits for its last statistics.
STATISTICS_SECONDS = 0.2
# The status of a re-INVITE that met another one (RFC 3261 section 14.1).
REQUEST_PENDING = 491


class Leg:
    """A call in either direction; the phone's events come in through ``take``.

    ``channel`` and ``description`` are there once the call has begun. ``over`` says that the
    phone need not be told of the end any more.
    """

    channel: Channel | None = None
    description: Description
    called_us = False

    def __init__(self, calls: Calls, account: SipAccount) -> None:
        self._calls = calls
        self._line = calls.line
        self.account = account
        self.call: CallId | None = None
        self.over = False
        self._hold_wanted = self._held_before = False
        self._identity = Identity(self, calls.line, account, called_us=self.called_us)
        self._transfers = Transfers(self, calls)

    # --- the phone speaks

    def take(self, event: events.Event) -> None:
        """Act on an event of this call."""
        match event:
            case events.OfferReceived():
                self._renegotiate(event)
            case events.OfferAnswered():
                self._offer_answered(event.body)
            case events.OfferRejected():
                self._offer_rejected(event)
            case events.Acknowledged():
                self._catch_up()
            case events.Updated():
                self._updated(event)
            case events.DtmfInfo() if self.channel is not None:
                self.channel.signalled(event.digit, event.duration)
            case events.ReferReceived():
                self._transfers.asked(event)
            case events.CallReferred():
                self._transfers.referred(event)
            case events.CallEnded():
                self._ended(event)

    def fail(self) -> None:
        """End the call after a bug."""
        if self.channel is not None:
            self.channel.hangup(causes.TEMPORARY_FAILURE)

    def _renegotiate(self, event: events.OfferReceived) -> None:
        """Answer a re-INVITE: hold, resume, or another address for the media."""
        agent, now = self._line.agent, self._line.now()
        was_held = self.description.held
        try:
            answer = self._answer_to(event.body)
        except NotAcceptable:
            agent.reject_offer(event.call, now)
        except SdpError:
            agent.reject_offer(event.call, now, status=400)
        else:
            agent.accept_offer(event.call, answer, now)
            self._show_hold(was_held)

    def _answer_to(self, offer: bytes) -> bytes:
        if not offer:  # the phone wants ours; its answer comes with the ACK
            return self.description.offer()
        answer, remote = self.description.answer(offer)
        assert self.channel is not None
        assert self.channel.port is not None
        self.channel.port.set_remote(remote)
        return answer

    def _show_hold(self, was_held: bool) -> None:
        assert self.channel is not None
        if self.description.held and not was_held:
            self.channel.held(self.account.moh_suggest)
        elif was_held and not self.description.held:
            self.channel.unheld()

    def _offer_answered(self, answer: bytes) -> None:
        was_held = self.description.held
        if self._settle(answer):
            self._show_hold(was_held)
        elif self.channel is not None and not self.description.settled:
            self.channel.hangup(causes.INCOMPATIBLE)
        self._catch_up()

    def _offer_rejected(self, event: events.OfferRejected) -> None:
        if event.status == REQUEST_PENDING:
            # After a glare the hold stands in our answer to the offer that won.
            self._identity.forget()
            return
        self.description.withdraw()
        if self.description.holding != self._held_before:
            self.description.holding = self._hold_wanted = self._held_before
        self._catch_up()

    def _updated(self, event: events.Updated) -> None:
        if event.status in UNKNOWN_METHOD:
            self._identity.forget()  # a re-INVITE may say it
        self._catch_up()

    def _settle(self, answer: bytes) -> bool:
        """Take the answer to our offer; whether it can be used. If not, all stays as it was."""
        assert self.channel is not None
        assert self.channel.port is not None
        try:
            remote = self.description.take_answer(answer)
        except (NotAcceptable, SdpError) as problem:
            self.channel.log.warning("an answer can't be used", reason=str(problem))
            return False
        self.channel.port.set_remote(remote)
        return True

    def _ended(self, event: events.CallEnded) -> None:
        if event.by is By.LOCAL:  # we know
            return
        self.over = True
        channel = self.channel
        if channel is None:
            return
        if channel.nursery is not None:
            channel.nursery.start_soon(_report_and_hang_up, channel, event.cause)
        else:
            channel.release(event.cause)

    # --- core speaks

    def formats(self) -> tuple[str, ...]:
        """The codec that was agreed on, or those that may be."""
        channel = self.channel
        described = channel is not None and channel.port is not None
        return self.description.formats if described else self.account.codecs

    async def dial(self) -> None:
        """Only a call of ours can be dialled."""
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
        self._hold_wanted = True
        self._offer_hold()

    def unhold(self) -> None:
        """Ask the phone to send again."""
        self._hold_wanted = False
        self._offer_hold()

    def _offer_hold(self) -> None:
        """Offer what is wanted, now or when the offer that is under way is answered."""
        if self.call is None or self.over or self.channel is None or not self.channel.is_up:
            return
        if self.description.holding == self._hold_wanted:
            return
        try:
            self.offer_again()
        except WrongState:
            pass  # see above

    def offer_again(self) -> None:
        """Send a re-INVITE that says how all is to be now. Raises WrongState."""
        assert self.call is not None
        before, self.description.holding = self.description.holding, self._hold_wanted
        offer, identity = self.description.offer(), self._identity.fields()
        try:
            self._line.agent.reinvite(self.call, offer, self._line.now(), fields=identity)
        except WrongState:
            self.description.withdraw()
            self.description.holding = before
            raise
        self._held_before = before
        self._identity.said()
        self._line.flush()

    def shown_at(self, host: str) -> None:
        """Say of all that the phone talks to that they are here."""
        self._identity.host = host

    def show_connected(self) -> None:
        """UPDATE or re-INVITE, where the endpoint's settings say so."""
        self._identity.catch_up()

    def _catch_up(self) -> None:
        """Say what could not be said while something else was under way."""
        self._offer_hold()
        self._identity.catch_up()

    def leave_transfers(self, *, to_application: bool) -> None:
        """Whether an application does what the phone asks for by REFER."""
        self._transfers.by_application = to_application

    def transfer_progress(self, state: str) -> None:
        """NOTIFY the phone. Raises NoTransfer."""
        self._transfers.report(state)

    def redirect(self, resource: str) -> None:
        """REFER: to a SIP address, or to where an endpoint of this tenant is registered."""
        self._transfers.redirect(resource)

    def hangup(self, cause: int) -> None:
        """End the call, by whichever request or response its state asks for."""
        if self.call is None:
            return
        if not self.over:
            self._transfers.give_up()
            self.over = True
            self._line.agent.hangup(self.call, cause, self._line.now())
            self._line.flush()
        self._calls.forget(self.call)


async def _report_and_hang_up(channel: Channel, cause: int) -> None:
    """Show the call's quality, then tell that the phone hung up."""
    with trio.move_on_after(STATISTICS_SECONDS):
        measured = await measure(channel)
        if measured is not None:
            for name, value in quality.variables(measured).items():
                channel.set_variable(name, value)
    channel.hangup(cause, shown=None)
