"""2xx responses to INVITE, repeated until their ACK comes (RFC 3261 section 13.3.1.4)."""

from collections.abc import Sequence

from .call import Call, CallAlarm, CallState, Unacknowledged
from .calls import Calls
from .causes import RECOVERY_ON_TIMER_EXPIRE
from .events import Acknowledged, By, OfferAnswered
from .headers import Field
from .message import Request
from .stack import ALLOW, SUPPORTED, Stack
from .transaction_layer import Transaction


class Answers:
    """Sends 200s, and waits for their ACKs."""

    def __init__(self, stack: Stack, calls: Calls) -> None:
        self._stack = stack
        self._calls = calls

    def send(
        self,
        call: Call,
        transaction: Transaction,
        body: bytes,
        now: float,
        more: Sequence[Field] = (),
    ) -> None:
        """Accept an INVITE or re-INVITE. Without an offer in it, ``body`` is ours."""
        stack, dialog = self._stack, call.dialog
        assert dialog is not None
        dialog.confirm()
        fields: list[Field] = [
            *record_routes(transaction.request), stack.contact(dialog.flow),
            ALLOW, SUPPORTED, *more,
        ]  # fmt: skip
        stack.reply(transaction, 200, now, to_tag=call.id, fields=fields, body=body)
        response = transaction.latest
        assert response is not None
        t1 = stack.settings.timers.t1
        offered = not transaction.request.body
        call.unacknowledged = Unacknowledged(transaction, response, t1, offered)
        self._calls.set_alarm(call, CallAlarm.REPEAT_ANSWER, now + t1)
        self._calls.set_alarm(call, CallAlarm.NO_ACK, now + stack.settings.timers.give_up)

    def repeat(self, call: Call, now: float) -> None:
        """Send the 200 once more; the interval doubles up to T2."""
        waiting = call.unacknowledged
        if waiting is None:
            return
        self._stack.transactions.respond(waiting.transaction, waiting.response, now)
        waiting.interval = min(2 * waiting.interval, self._stack.settings.timers.t2)
        self._calls.set_alarm(call, CallAlarm.REPEAT_ANSWER, now + waiting.interval)

    def acknowledged(self, call: Call, ack: Request, now: float) -> None:
        """Take an ACK. One to a late offer brings the answer."""
        waiting = call.unacknowledged
        if waiting is None or ack.cseq.number != waiting.transaction.request.cseq.number:
            return
        call.unacknowledged = None
        self._calls.stop_alarm(call, CallAlarm.REPEAT_ANSWER)
        self._calls.stop_alarm(call, CallAlarm.NO_ACK)
        if call.state is CallState.LEAVING:
            self._calls.bye(call, call.cause, By.LOCAL, now)
            return
        call.state = CallState.CONFIRMED
        if waiting.offered:
            self._stack.outbox.emit(OfferAnswered(call.id, ack.body))
        self._stack.outbox.emit(Acknowledged(call.id))

    def gave_up(self, call: Call, now: float) -> None:
        """No ACK came: the dialog stands, and is ended by a BYE."""
        self._calls.bye(call, call.cause or RECOVERY_ON_TIMER_EXPIRE, By.TIMEOUT, now)


def record_routes(request: Request) -> list[Field]:
    """What a response that makes a dialog copies (section 12.1.1)."""
    return [field for field in request.headers if field[0] == "Record-Route"]
