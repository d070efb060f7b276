"""UPDATE without an offer (RFC 3311): what a dialog's peer is told anew, e.g. whom it talks to.

At most one at a time in a call, and none beside a re-INVITE: a peer that has to do with one of
them would refuse the other. One that is refused with 491 all the same is sent again after the
time that section 14.1 of RFC 3261 has for a re-INVITE.
"""

from collections.abc import Sequence

from .call import Call, CallAlarm, CallState, OfferState, Update, Verb, WrongState
from .calls import Calls
from .events import CallId, Updated
from .headers import Field
from .message import Response
from .stack import ALLOW, SUPPORTED, Stack
from .transaction_layer import Purpose, Transaction

REQUEST_PENDING = 491
# The peer does not know the method, whatever its Allow says.
UNKNOWN_METHOD = frozenset({405, 501})


class Updates:
    """Sends UPDATEs."""

    def __init__(self, stack: Stack, calls: Calls) -> None:
        self._stack = stack
        self._calls = calls

    def make(self, call_id: CallId, fields: Sequence[Field], now: float) -> None:
        """Send these headers. Raise WrongState while something else is under way."""
        call = self._calls.take(call_id, Verb.UPDATE)
        if call is None:
            return
        if call.offer_state is not OfferState.IDLE or call.unacknowledged is not None:
            raise WrongState("an offer is under way")
        if call.update is not None:
            raise WrongState("another update is under way")
        self._send(call, Update(tuple(fields), None), now)

    def again(self, call: Call, now: float) -> None:
        """The time after a glare is over: send the same again."""
        if call.update is not None and call.update.transaction is None:
            self._send(call, call.update, now)

    def _send(self, call: Call, update: Update, now: float) -> None:
        assert call.dialog is not None
        flow = self._stack.way(call.dialog)
        contact = self._stack.contact(flow, call.contact_user)
        request = call.dialog.request("UPDATE", (contact, ALLOW, SUPPORTED, *update.fields))
        update.transaction = self._stack.send(request, flow, Purpose.UPDATE, call.id, now)
        call.update = update

    def response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Take a response; a challenged UPDATE is sent again. Raise MalformedSip."""
        call = self._calls.get(transaction.owner)
        if call is None or not _is_of(transaction, call) or response.status < 200:
            return
        assert call.update is not None
        again = self._calls.retry(call, transaction, response, now)
        if again is not None:
            call.update.transaction = again
            return
        if response.status < 300 and call.dialog is not None:
            call.dialog.refresh(response)
        self._over(call, call.update, response.status, now)

    def failed(self, transaction: Transaction, status: int, now: float) -> None:
        """No final response came."""
        call = self._calls.get(transaction.owner)
        if call is not None and call.update is not None and _is_of(transaction, call):
            self._over(call, call.update, status, now)

    def _over(self, call: Call, update: Update, status: int, now: float) -> None:
        if call.state is not CallState.CONFIRMED:
            call.update = None
        elif status == REQUEST_PENDING:
            update.transaction = None
            self._calls.set_alarm(call, CallAlarm.UPDATE_AGAIN, now + self._calls.back_off(call))
        else:
            call.update = None
            call.takes_updates &= status not in UNKNOWN_METHOD
            if not self._calls.lost(call, status, now):
                self._stack.outbox.emit(Updated(call.id, status))


def _is_of(transaction: Transaction, call: Call) -> bool:
    return call.update is not None and call.update.transaction is transaction
