"""All calls of a user agent, and what incoming and outgoing ones have in common."""

import hashlib

from .call import ALLOWED, OVER, Call, CallAlarm, CallState, CallTimer, OfferState, Verb, WrongState
from .causes import cause_of_status, reason_field
from .dialog import Dialog
from .events import By, CallEnded, CallId
from .message import Request, Response
from .stack import Stack
from .transaction_layer import Purpose, Transaction


class Calls:
    """The calls that are not over, and those whose peer must still be told."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._calls: dict[CallId, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Call) -> None:
        """Keep a new call."""
        self._calls[call.id] = call

    def get(self, call_id: str) -> Call | None:
        """The call of this id, or None."""
        return self._calls.get(CallId(call_id))

    def of(self, request: Request) -> Call | None:
        """The call that a request with a To tag is within, or None (section 12.2.2)."""
        call = self.get(request.to.tag or "")
        if call is None or call.sip_call_id != request.call_id:
            return None
        # An unanswered call of ours may have forks that we have not heard of.
        if call.dialog is not None and not call.dialog.belongs(request):
            return None
        return call

    def take(self, call_id: CallId, verb: Verb) -> Call | None:
        """The call for a verb, None where it is over. Raise WrongState."""
        call = self.get(call_id)
        if call is None or call.state in OVER:
            return None
        if call.state not in ALLOWED[verb]:
            raise WrongState(f"{verb.name} does not fit a call that is {call.state.name}")
        return call

    def set_alarm(self, call: Call, alarm: CallAlarm, when: float) -> None:
        """Let an alarm of the call be due."""
        self._stack.deadlines.set(CallTimer(call.id, alarm), when)

    def stop_alarm(self, call: Call, alarm: CallAlarm) -> None:
        """Take an alarm back."""
        self._stack.deadlines.cancel(CallTimer(call.id, alarm))

    def end(self, call: Call, state: CallState, cause: int, by: By, now: float) -> None:
        """Let the call be over for its user; ``state`` is what the peer must still be told."""
        if call.offer_state is OfferState.RECEIVED and call.offering is not None:
            self._stack.reply(call.offering, 487, now, to_tag=call.id)
        call.offer_state = OfferState.IDLE
        self._drop_update(call)
        if call.referral is not None and call.referral.transaction is not None:
            self._stack.reply(call.referral.transaction, 487, now, to_tag=call.id)
        call.referral = None
        call.referring = False
        if call.state not in OVER:
            self._stack.outbox.emit(CallEnded(call.id, cause, by))
            call.cause = cause
        call.state = state
        for alarm in (CallAlarm.REPEAT_PROVISIONAL, CallAlarm.OFFER_AGAIN):
            self.stop_alarm(call, alarm)

    def _drop_update(self, call: Call) -> None:
        update, call.update = call.update, None
        self.stop_alarm(call, CallAlarm.UPDATE_AGAIN)
        if update is not None and update.transaction is not None:
            self._stack.transactions.forget(update.transaction)

    def forget(self, call: Call) -> None:
        """Drop a call that is over on both sides, and what it still had under way."""
        call.state = CallState.ENDED
        for alarm in CallAlarm:
            self.stop_alarm(call, alarm)
        if call.offering is not None and call.offering.purpose is not None:
            self._stack.transactions.forget(call.offering)
        self._calls.pop(call.id, None)

    def bye(self, call: Call, cause: int, by: By, now: float) -> None:
        """End a call whose dialog stands, by a BYE (section 15.1.1)."""
        assert call.dialog is not None
        self.end(call, CallState.ENDED, cause, by, now)
        for alarm in CallAlarm:
            self.stop_alarm(call, alarm)
        call.unacknowledged = None
        self.send_bye(call.dialog, call.id, cause, now)

    def send_bye(self, dialog: Dialog, owner: str, cause: int, now: float) -> None:
        """Send a BYE with its reason."""
        request = dialog.request("BYE", (reason_field(cause),))
        self._stack.send(request, self._stack.way(dialog), Purpose.BYE, owner, now)

    def bye_response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Take the response to a BYE; a challenged one is sent again."""
        call = self.get(transaction.owner)
        if call is None or response.status < 200:
            return
        if self.retry(call, transaction, response, now) is None:
            self.forget(call)

    def retry(
        self, call: Call, transaction: Transaction, response: Response, now: float
    ) -> Transaction | None:
        """Send a challenged request of a dialog again; None where that's in vain."""
        if call.dialog is None:
            return None
        cseq = call.dialog.local_cseq + 1
        again = self._stack.retry(transaction, response, call.credentials, cseq, now)
        if again is not None:
            call.dialog.local_cseq = cseq
        return again

    def lost(self, call: Call, status: int, now: float) -> bool:
        """End a call whose peer says by a status that the dialog is gone (section 12.2.1.2).

        503 is also a transport that failed.
        """
        by = {408: By.TIMEOUT, 481: By.REMOTE, 503: By.TRANSPORT}.get(status)
        if by is not None:
            self.bye(call, cause_of_status(status), by, now)
        return by is not None

    def back_off(self, call: Call) -> float:
        """How long a glare is waited for.

        Section 14.1: 2.1 to 4 s for who chose the Call-ID, 0 to 2 s for the other, in 10 ms.
        """
        chance = int(hashlib.sha256(self._stack.token().encode()).hexdigest()[:8], 16)
        if call.is_outgoing:
            return 2.1 + chance % 191 / 100
        return chance % 201 / 100

    def bye_failed(self, transaction: Transaction) -> None:
        """The peer does not answer to a BYE: the dialog is over all the same."""
        call = self.get(transaction.owner)
        if call is not None:
            self.forget(call)
