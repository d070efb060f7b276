"""Re-negotiation in a call: re-INVITEs of both sides, and their glare (RFC 3261 section 14)."""

from collections.abc import Sequence

from .answers import Answers
from .call import Call, CallAlarm, CallState, OfferState, Verb, WrongState
from .calls import Calls
from .events import CallId, OfferAnswered, OfferReceived, OfferRejected
from .headers import Field
from .message import REASONS, Response
from .stack import ALLOW, SDP, SUPPORTED, Stack
from .transaction_layer import Purpose, Transaction


class Offers:
    """At most one offer at a time in each call."""

    def __init__(self, stack: Stack, calls: Calls, answers: Answers) -> None:
        self._stack = stack
        self._calls = calls
        self._answers = answers

    def received(self, call: Call, transaction: Transaction, now: float) -> None:
        """Take a re-INVITE (section 14.2)."""
        if call.offer_state is OfferState.SENT:
            self._stack.reply(transaction, 491, now, to_tag=call.id)
        elif call.state is not CallState.CONFIRMED or self._is_busy(call):
            fields = (("Retry-After", "1"),)
            self._stack.reply(transaction, 500, now, to_tag=call.id, fields=fields)
        else:
            self._offered(call, transaction, now)

    def _is_busy(self, call: Call) -> bool:
        return call.offer_state is OfferState.RECEIVED or call.unacknowledged is not None

    def _offered(self, call: Call, transaction: Transaction, now: float) -> None:
        if call.offer_state is OfferState.WAITING:
            # Ours would be out of date when its time comes.
            self._calls.stop_alarm(call, CallAlarm.OFFER_AGAIN)
            self._stack.outbox.emit(OfferRejected(call.id, 491, REASONS[491]))
        call.offer_state = OfferState.RECEIVED
        call.offering = transaction
        self._stack.reply(transaction, 100, now)
        self._stack.outbox.emit(OfferReceived(call.id, transaction.request.body))

    def accept(self, call_id: CallId, body: bytes, now: float) -> None:
        """Answer the peer's offer, or make ours where it asked for one."""
        call = self._calls.take(call_id, Verb.ACCEPT_OFFER)
        if call is None:
            return
        transaction = self._take_offer(call)
        assert call.dialog is not None
        call.dialog.refresh(transaction.request)
        self._answers.send(call, transaction, body, now)

    def reject(self, call_id: CallId, status: int, now: float) -> None:
        """Refuse the peer's offer; the session goes on as it was."""
        call = self._calls.take(call_id, Verb.REJECT_OFFER)
        if call is not None:
            self._stack.reply(self._take_offer(call), status, now, to_tag=call.id)

    def _take_offer(self, call: Call) -> Transaction:
        if call.offer_state is not OfferState.RECEIVED or call.offering is None:
            raise WrongState("there is no offer to answer")
        transaction, call.offering = call.offering, None
        call.offer_state = OfferState.IDLE
        return transaction

    def make(self, call_id: CallId, body: bytes, fields: Sequence[Field], now: float) -> None:
        """Offer the peer another session. Raise WrongState while an offer is under way."""
        call = self._calls.take(call_id, Verb.REINVITE)
        if call is None:
            return
        if call.offer_state is not OfferState.IDLE or call.unacknowledged is not None:
            raise WrongState("another offer is under way")
        if call.update is not None:
            raise WrongState("an update is under way")
        call.offered, call.offered_fields = body, tuple(fields)
        self._send(call, now)

    def again(self, call: Call, now: float) -> None:
        """The time after a glare is over: send ours again."""
        if call.offer_state is OfferState.WAITING:
            self._send(call, now)

    def _send(self, call: Call, now: float) -> None:
        assert call.dialog is not None
        flow = self._stack.way(call.dialog)
        contact = self._stack.contact(flow, call.contact_user)
        fields = (contact, ALLOW, SUPPORTED, *call.offered_fields, ("Content-Type", SDP))
        request = call.dialog.request("INVITE", fields, call.offered)
        call.offer_state = OfferState.SENT
        call.offering = self._stack.send(request, flow, Purpose.REINVITE, call.id, now)

    def response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Take a response to a re-INVITE. Raise MalformedSip."""
        call = self._calls.get(transaction.owner)
        if call is None or call.dialog is None or response.status < 200:
            return
        if response.status < 300:
            self._success(call, transaction, response)
        elif call.offering is transaction and not self._retry(call, response, now):
            call.offering = None
            call.offer_state = OfferState.IDLE
            self._failure(call, response.status, response.reason, now)

    def _success(self, call: Call, transaction: Transaction, response: Response) -> None:
        assert call.dialog is not None
        call.dialog.refresh(response)
        self._stack.acknowledge(call.dialog, response)
        if call.offering is transaction and call.state is CallState.CONFIRMED:
            call.offering = None
            call.offer_state = OfferState.IDLE
            self._stack.outbox.emit(OfferAnswered(call.id, response.body))

    def _retry(self, call: Call, response: Response, now: float) -> bool:
        assert call.offering is not None
        again = self._calls.retry(call, call.offering, response, now)
        if again is None:
            return False
        call.offering = again
        return True

    def failed(self, transaction: Transaction, status: int, now: float) -> None:
        """No final response came to a re-INVITE."""
        call = self._calls.get(transaction.owner)
        if call is not None and call.offering is transaction:
            call.offering = None
            call.offer_state = OfferState.IDLE
            self._failure(call, status, REASONS[status], now)

    def _failure(self, call: Call, status: int, reason: str, now: float) -> None:
        if call.state is not CallState.CONFIRMED:
            return
        if status == 491:
            call.offer_state = OfferState.WAITING
            self._calls.set_alarm(call, CallAlarm.OFFER_AGAIN, now + self._calls.back_off(call))
        elif not self._calls.lost(call, status, now):
            self._stack.outbox.emit(OfferRejected(call.id, status, reason))
