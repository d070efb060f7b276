"""The user agent: bytes and verbs in, bytes and events out (see the package's docstring)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from stasisd.credentials.digest import Credentials

from . import dtmf
from .answers import Answers
from .authentication import Authenticator
from .call import Call, CallAlarm, CallState, CallTimer
from .calls import Calls
from .causes import NORMAL_CLEARING, q850_of
from .events import By, CallId, Event, RegistrationId, RequestId
from .flow import Flow
from .grammar import MalformedSip
from .headers import Field
from .message import Message, Request
from .objections import ACCEPTED, objection
from .offers import Offers
from .referrals import Referrals
from .registrar import BindingTimer, Registrar
from .registration import Binding
from .registrations import RefreshTimer, Registrations
from .requests import ReferralTimer, Requests
from .sent_referrals import SentReferrals
from .settings import Directory, Settings
from .stack import ALLOW, SUPPORTED, Stack
from .transaction_layer import (
    Failed,
    Indication,
    Purpose,
    RequestReceived,
    ResponseReceived,
    Transaction,
    TransactionTimer,
)
from .transport import UnfinishedMessage
from .uac import OutgoingCalls
from .uas import IncomingCalls
from .updates import Updates
from .uri import NameAddr, SipUri, Uri

# What OPTIONS is answered with (section 11.2).
CAPABILITIES: tuple[Field, ...] = (
    ALLOW,
    ("Accept", ", ".join(sorted(set().union(*ACCEPTED.values())))),
    ("Accept-Encoding", "identity"),
    SUPPORTED,
)


class Endpoint:
    """A SIP user agent and registrar without I/O, clock or chance.

    ``now`` is in seconds on one monotonous clock. ``token`` returns a new unguessable string of
    letters and digits each time; ``secret`` signs nonces. A verb on a call that is over does
    nothing, because its user may not have seen the event yet; one that does not fit the call's
    state raises WrongState. Nothing that comes from the network raises.
    """

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        *,
        token: Callable[[], str],
        secret: bytes,
    ) -> None:
        self._stack = stack = Stack(settings, directory, token, secret)
        self._authenticator = Authenticator(stack)
        self._registrar = Registrar(stack, self._authenticator)
        self._registrations = Registrations(stack)
        self._requests = Requests(stack, self._authenticator)
        self._calls = Calls(stack)
        self._answers = Answers(stack, self._calls)
        self._incoming = IncomingCalls(stack, self._calls, self._answers)
        self._outgoing = OutgoingCalls(stack, self._calls)
        self._offers = Offers(stack, self._calls, self._answers)
        self._updates = Updates(stack, self._calls)
        self._referrals = Referrals(stack, self._calls)
        self._sent_referrals = SentReferrals(stack, self._calls)

    # The network's side.

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take a datagram, or what came on a connection."""
        for message in self._stack.transport.receive(data, flow, now):
            try:
                self._message(message, flow, now)
            except MalformedSip as error:
                self._stack.transport.refuse(message, 400, flow, error)

    def flow_opened(self, wanted: Flow, connection: int) -> Flow:
        """Tell that a wanted connection is there; returns its flow."""
        flow = self._stack.transport.opened(wanted, connection)
        self._stack.transactions.flow_opened(wanted, flow)
        return flow

    def flow_closed(self, flow: Flow, now: float) -> None:
        """Tell that a connection is gone, or that a wanted one can't be had."""
        self._stack.transport.closed(flow)
        self._registrar.flow_closed(flow)
        self._indicated(self._stack.transactions.flow_closed(flow, now), now)

    def datagrams_to_send(self, now: float) -> list[tuple[Flow, bytes]]:
        """Take what is to be sent, each on its flow, in order."""
        self.handle_timeout(now)
        return self._stack.outbox.drain_datagrams()

    def next_timeout(self) -> float | None:
        """When handle_timeout is to be called, or None."""
        return self._stack.deadlines.next()

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        while (due := self._stack.deadlines.pop_due(now)) is not None:
            self._due(due, now)

    def events(self) -> list[Event]:
        """Take what has happened, in order."""
        return self._stack.outbox.drain_events()

    def statistics(self) -> Mapping[str, int]:
        """Counters since the start, and how much there is of what now."""
        counts = dict(self._stack.outbox.counts)
        counts["calls"] = len(self._calls)
        counts["transactions"] = len(self._stack.transactions)
        counts["deadlines"] = len(self._stack.deadlines)
        return counts

    # Calls that come in.

    def ring(self, call: CallId, now: float, *, fields: Sequence[Field] = ()) -> None:
        """Tell the caller that it rings here (180). ``fields`` are more headers, as below."""
        self._incoming.ring(call, fields, now)

    def progress(
        self, call: CallId, body: bytes, now: float, *, fields: Sequence[Field] = ()
    ) -> None:
        """Open the way for media before the answer (183 with SDP)."""
        self._incoming.progress(call, body, fields, now)

    def answer(
        self, call: CallId, body: bytes, now: float, *, fields: Sequence[Field] = ()
    ) -> None:
        """Answer (200). ``body`` is our answer, or our offer if the caller's INVITE had none."""
        self._incoming.answer(call, body, fields, now)

    def reject(
        self,
        call: CallId,
        status: int | None,
        cause: int,
        now: float,
        reason: str | None = None,
    ) -> None:
        """Refuse a call with a status and a Q.850 cause; None takes the cause's status."""
        self._incoming.reject(call, status, cause, now, reason)

    def redirect(self, call: CallId, contact: Uri, now: float, status: int = 302) -> None:
        """Send the caller to another address."""
        self._incoming.redirect(call, contact, status, now)

    # Calls that go out.

    def invite(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        body: bytes,
        now: float,
        *,
        credentials: Credentials | None = None,
        fields: Sequence[Field] = (),
    ) -> CallId:
        """Call ``target`` over a flow, with our offer. ``fields`` are more headers.

        Raise MalformedSip for a header that can't be sent.
        """
        return self._outgoing.invite(target, to, from_, flow, body, credentials, fields, now)

    # Any call.

    def hangup(self, call: CallId, cause: int, now: float) -> None:
        """End a call with a Q.850 cause, whatever its state: refuse it, cancel it, or leave it."""
        found = self._calls.get(call)
        if found is None:
            return
        if found.state is CallState.INCOMING:
            self._incoming.reject(call, None, cause, now)
        elif found.state in {CallState.CALLING, CallState.PROCEEDING}:
            self._outgoing.give_up(found, cause, By.LOCAL, now)
        elif found.state is CallState.ANSWERED:
            # A callee may not send BYE before the ACK has come (section 15).
            self._calls.end(found, CallState.LEAVING, cause, By.LOCAL, now)
        elif found.state is CallState.CONFIRMED:
            self._calls.bye(found, cause, By.LOCAL, now)

    def reinvite(
        self, call: CallId, body: bytes, now: float, *, fields: Sequence[Field] = ()
    ) -> None:
        """Offer another session. Raise WrongState while an offer of either side is under way.

        A glare (491) is tried again by itself, unless the peer's offer comes meanwhile.
        """
        self._offers.make(call, body, fields, now)

    def takes_updates(self, call: CallId) -> bool:
        """Whether the peer has said that it understands UPDATE, and not refused one."""
        found = self._calls.get(call)
        return found is not None and found.takes_updates

    def update(self, call: CallId, fields: Sequence[Field], now: float) -> None:
        """Tell headers by UPDATE; Updated says how that went.

        Raise WrongState while an offer or an update is under way. A glare is tried again by itself.
        """
        self._updates.make(call, fields, now)

    def accept_offer(self, call: CallId, body: bytes, now: float) -> None:
        """Answer the peer's offer, or make ours where its re-INVITE had none."""
        self._offers.accept(call, body, now)

    def reject_offer(self, call: CallId, now: float, status: int = 488) -> None:
        """Refuse the peer's offer; the session goes on as it was."""
        self._offers.reject(call, status, now)

    def accept_referral(self, call: CallId, now: float) -> None:
        """Take on a transfer that the peer asks for, and tell it that it is tried."""
        self._referrals.accept(call, now)

    def reject_referral(self, call: CallId, status: int, now: float) -> None:
        """Refuse a transfer; the call goes on."""
        self._referrals.reject(call, status, now)

    def report_referral(self, call: CallId, status: int, now: float) -> None:
        """Tell how a transfer goes that was accepted; a final status ends it."""
        self._referrals.report(call, status, now)

    def refer_call(
        self, call: CallId, refer_to: NameAddr, referred_by: str | None, now: float
    ) -> None:
        """Ask the peer to call somebody else instead of us.

        ``referred_by`` is who wants it, as a header has it; None for us. Raise WrongState while
        it is asked already, MalformedSip for a header that can't be sent.
        """
        self._sent_referrals.send(call, refer_to, referred_by, now)

    def sip_call_id(self, call: CallId) -> str | None:
        """The Call-ID that the peer knows the call by, or None where it is over."""
        found = self._calls.get(call)
        return found.sip_call_id if found is not None else None

    # Registrations.

    def bindings(self, aor: str, now: float) -> tuple[Binding, ...]:
        """Where a registered phone is: the preferred and latest first."""
        return self._registrar.bindings(aor, now)

    def restore_bindings(self, bindings: Iterable[Binding]) -> None:
        """Take over bindings that an earlier run has persisted, their times on this clock."""
        self._registrar.restore(bindings)

    def forget_bindings(self, aor: str) -> None:
        """Remove all bindings of an address that is no more."""
        self._registrar.forget(aor)

    def register(
        self,
        registrar: SipUri,
        aor: NameAddr,
        flow: Flow,
        now: float,
        *,
        credentials: Credentials | None = None,
        expires: int = 3600,
    ) -> RegistrationId:
        """Register ``aor`` with a registrar, and keep it registered."""
        return self._registrations.register(registrar, aor, flow, credentials, expires, now)

    def unregister(self, registration: RegistrationId, now: float) -> None:
        """Take a registration of ours back."""
        self._registrations.unregister(registration, now)

    # Single requests.

    def message(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        text: str,
        now: float,
        *,
        fields: Sequence[Field] = (),
        credentials: Credentials | None = None,
    ) -> RequestId:
        """Send a text (RFC 3428). Raise MalformedSip for a field that can't be sent."""
        return self._requests.message(target, to, from_, flow, text, fields, credentials, now)

    def refer(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        refer_to: NameAddr,
        now: float,
        *,
        fields: Sequence[Field] = (),
        credentials: Credentials | None = None,
    ) -> RequestId:
        """Ask somebody to call another address (RFC 3515). Raise MalformedSip as ``message``."""
        return self._requests.refer(target, to, from_, flow, refer_to, fields, credentials, now)

    # What the layers below report.

    def _message(self, message: Message, flow: Flow, now: float) -> None:
        self._indicated(self._stack.transactions.receive(message, flow, now), now)

    def _indicated(self, indications: Iterator[Indication], now: float) -> None:
        for indication in indications:
            if isinstance(indication, RequestReceived):
                self._request(indication, now)
            elif isinstance(indication, ResponseReceived):
                self._response(indication, now)
            else:
                self._failed(indication, now)

    def _request(self, received: RequestReceived, now: float) -> None:
        request, transaction = received.request, received.transaction
        if transaction is None:
            self._acknowledged(request, now)
            return
        found = objection(request)
        if found is not None:
            self._stack.reply_once(transaction, found.status, now, found.fields, found.reason)
        elif request.method == "CANCEL":
            self._incoming.cancelled(transaction, now)
        elif request.to.tag is not None and request.method != "REGISTER":
            self._within_dialog(transaction, received.flow, now)
        else:
            self._out_of_dialog(transaction, received.flow, now)

    def _acknowledged(self, ack: Request, now: float) -> None:
        call = self._calls.of(ack)
        if call is not None:
            self._answers.acknowledged(call, ack, now)

    def _out_of_dialog(self, transaction: Transaction, flow: Flow, now: float) -> None:
        request = transaction.request
        if request.method == "INVITE":
            name = self._stack.directory.name_of(request.from_.uri, request.uri)
            if self._authenticator.admits(transaction, name, flow, now):
                self._incoming.received(transaction, name, flow, now)
        elif request.method == "REGISTER":
            self._registrar.received(transaction, flow, now)
        elif request.method == "OPTIONS":
            self._stack.reply_once(transaction, 200, now, CAPABILITIES)
        elif request.method == "MESSAGE":
            self._requests.message_received(transaction, flow, now)
        else:
            self._stack.reply_once(transaction, 481, now)

    def _within_dialog(self, transaction: Transaction, flow: Flow, now: float) -> None:
        request = transaction.request
        call = self._calls.of(request)
        if request.method == "NOTIFY" and (call is None or not call.referring):
            self._requests.notified(transaction, now)
            return
        if request.method == "MESSAGE":
            # What is sent within a call is a text like any other (RFC 3428 section 6).
            self._requests.message_received(transaction, flow, now)
            return
        if call is None:
            self._stack.reply_once(transaction, 481, now)
            return
        if call.dialog is not None:
            if not call.dialog.is_in_order(request):
                # Section 12.2.2: an older request than one we have seen.
                self._stack.reply(transaction, 500, now, to_tag=call.id)
                return
            call.dialog.flow = flow
        self._within_call(call, transaction, now)

    def _within_call(self, call: Call, transaction: Transaction, now: float) -> None:
        request = transaction.request
        if request.method == "INVITE":
            self._offers.received(call, transaction, now)
        elif request.method == "BYE":
            self._stack.reply(transaction, 200, now, to_tag=call.id)
            self._left(call, request, now)
        elif request.method == "INFO":
            self._info(call, transaction, now)
        elif request.method == "REFER":
            self._referrals.received(call, transaction, now)
        elif request.method == "NOTIFY":
            self._sent_referrals.notified(call, transaction, now)
        else:
            self._stack.reply(transaction, 200, now, to_tag=call.id, fields=CAPABILITIES)

    def _left(self, call: Call, request: Request, now: float) -> None:
        if call.state is CallState.INCOMING:
            self._incoming.given_up(call, request, now)
        elif call.dialog is None:
            self._outgoing.bye_received(call, request, now)
        else:
            cause = q850_of(request.headers) or NORMAL_CLEARING
            self._calls.end(call, CallState.ENDED, cause, By.REMOTE, now)
            self._calls.forget(call)

    def _info(self, call: Call, transaction: Transaction, now: float) -> None:
        try:
            event = dtmf.read(call.id, transaction.request)
        except MalformedSip:
            self._stack.reply(transaction, 400, now, to_tag=call.id)
            return
        self._stack.reply(transaction, 200, now, to_tag=call.id)
        if event is not None:
            self._stack.outbox.emit(event)

    def _response(self, received: ResponseReceived, now: float) -> None:
        transaction, response = received.transaction, received.response
        purpose = transaction.purpose
        if purpose is Purpose.INVITE:
            self._outgoing.response(transaction, response, received.flow, now)
        elif purpose is Purpose.REINVITE:
            self._offers.response(transaction, response, now)
        elif purpose is Purpose.UPDATE:
            self._updates.response(transaction, response, now)
        elif purpose is Purpose.BYE:
            self._calls.bye_response(transaction, response, now)
        elif purpose is Purpose.REGISTER:
            self._registrations.response(transaction, response, now)
        elif purpose is Purpose.SINGLE:
            self._requests.response(transaction, response, now)
        elif purpose is Purpose.NOTIFY:
            self._referrals.response(transaction, response)
        elif purpose is Purpose.REFER:
            self._sent_referrals.response(transaction, response, now)

    def _failed(self, failed: Failed, now: float) -> None:
        transaction, purpose = failed.transaction, failed.transaction.purpose
        if purpose is Purpose.INVITE:
            self._outgoing.failed(transaction, failed.status)
        elif purpose is Purpose.REINVITE:
            self._offers.failed(transaction, failed.status, now)
        elif purpose is Purpose.UPDATE:
            self._updates.failed(transaction, failed.status, now)
        elif purpose is Purpose.BYE:
            self._calls.bye_failed(transaction)
        elif purpose is Purpose.REGISTER:
            self._registrations.failed(transaction, failed.status)
        elif purpose is Purpose.SINGLE:
            self._requests.failed(transaction, failed.status)
        elif purpose is Purpose.REFER:
            self._sent_referrals.failed(transaction, failed.status)

    def _due(self, due: object, now: float) -> None:
        if isinstance(due, TransactionTimer):
            self._indicated(self._stack.transactions.timeout(due, now), now)
        elif isinstance(due, CallTimer):
            call = self._calls.get(due.call)
            if call is not None:
                self._alarm(call, due.alarm, now)
        elif isinstance(due, BindingTimer):
            self._registrar.expired(due)
        elif isinstance(due, RefreshTimer):
            self._registrations.refresh(due.registration, now)
        elif isinstance(due, ReferralTimer):
            self._requests.expired(due)
        elif isinstance(due, UnfinishedMessage):
            self._stack.transport.close(due.flow, "a message did not end in time")

    def _alarm(self, call: Call, alarm: CallAlarm, now: float) -> None:
        if alarm is CallAlarm.REPEAT_PROVISIONAL:
            self._incoming.repeat(call, now)
        elif alarm is CallAlarm.REPEAT_ANSWER:
            self._answers.repeat(call, now)
        elif alarm is CallAlarm.NO_ACK:
            self._answers.gave_up(call, now)
        elif alarm is CallAlarm.NO_FINAL_RESPONSE:
            self._outgoing.no_final_response(call)
        elif alarm is CallAlarm.NO_REPORT:
            self._sent_referrals.no_report(call)
        elif alarm is CallAlarm.UPDATE_AGAIN:
            self._updates.again(call, now)
        else:
            self._offers.again(call, now)
