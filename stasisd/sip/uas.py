"""Calls that come in (RFC 3261 sections 13.3 and 9.2)."""

from collections.abc import Sequence

from .answers import Answers, record_routes
from .call import Call, CallAlarm, CallState, Verb
from .calls import Calls
from .causes import NORMAL_CLEARING, q850_of, reason_field, status_of_cause
from .dialog import Dialog
from .events import By, CallId, CallReceived
from .flow import Flow
from .headers import Field
from .message import Request
from .stack import ALLOW, Stack
from .transaction_layer import Transaction
from .uri import Uri

# Section 13.3.1.1: a provisional response is repeated each minute, so that proxies wait on.
PROVISIONAL_INTERVAL = 60.0


class IncomingCalls:
    """The server side of an INVITE until it is answered."""

    def __init__(self, stack: Stack, calls: Calls, answers: Answers) -> None:
        self._stack = stack
        self._calls = calls
        self._answers = answers

    def received(self, transaction: Transaction, endpoint: str, flow: Flow, now: float) -> None:
        """Take an INVITE that is admitted. Raise MalformedSip."""
        request = transaction.request
        call_id = CallId(self._stack.token())
        dialog = Dialog.of_server(request, call_id, flow)
        transaction.owner = call_id
        call = Call(call_id, CallState.INCOMING, transaction, dialog)
        call.note_methods(request.headers)
        self._calls.add(call)
        self._stack.reply(transaction, 100, now)
        self._stack.outbox.emit(
            CallReceived(
                call=call_id,
                sip_call_id=request.call_id,
                endpoint=endpoint,
                from_=request.from_,
                to=request.to,
                target=request.uri,
                body=request.body,
                headers=request.headers,
                flow=flow,
            )
        )

    def ring(self, call_id: CallId, fields: Sequence[Field], now: float) -> None:
        """Send 180."""
        call = self._calls.take(call_id, Verb.RING)
        if call is not None:
            self._provisional(call, 180, b"", tuple(fields), now)

    def progress(self, call_id: CallId, body: bytes, fields: Sequence[Field], now: float) -> None:
        """Send 183."""
        call = self._calls.take(call_id, Verb.PROGRESS)
        if call is not None:
            self._provisional(call, 183, body, tuple(fields), now)

    def repeat(self, call: Call, now: float) -> None:
        """Send the latest provisional response again."""
        if call.provisional is not None:
            self._provisional(call, *call.provisional, now)

    def _provisional(
        self, call: Call, status: int, body: bytes, fields: tuple[Field, ...], now: float
    ) -> None:
        call.provisional = (status, body, fields)
        self._stack.reply(
            call.transaction,
            status,
            now,
            to_tag=call.id,
            fields=[*self._dialog_fields(call), *fields],
            body=body,
        )
        self._calls.set_alarm(call, CallAlarm.REPEAT_PROVISIONAL, now + PROVISIONAL_INTERVAL)

    def _dialog_fields(self, call: Call) -> list[Field]:
        routes = record_routes(call.transaction.request)
        return [*routes, self._stack.contact(call.flow), ALLOW]

    def answer(self, call_id: CallId, body: bytes, fields: Sequence[Field], now: float) -> None:
        """Send 200, until the ACK comes."""
        call = self._calls.take(call_id, Verb.ANSWER)
        if call is None:
            return
        self._calls.stop_alarm(call, CallAlarm.REPEAT_PROVISIONAL)
        call.state = CallState.ANSWERED
        self._answers.send(call, call.transaction, body, now, fields)

    def reject(
        self, call_id: CallId, status: int | None, cause: int, now: float, reason: str | None = None
    ) -> None:
        """Refuse a call; without a status, with the cause's."""
        call = self._calls.take(call_id, Verb.REJECT)
        if call is None:
            return
        status = status_of_cause(cause) if status is None else status
        self._refuse(call, status, cause, By.LOCAL, now, (reason_field(cause),), reason)

    def redirect(self, call_id: CallId, contact: Uri, status: int, now: float) -> None:
        """Send the caller elsewhere (section 8.1.3.4)."""
        call = self._calls.take(call_id, Verb.REDIRECT)
        if call is not None:
            fields = (("Contact", f"<{contact}>"),)
            self._refuse(call, status, NORMAL_CLEARING, By.LOCAL, now, fields)

    def _refuse(
        self,
        call: Call,
        status: int,
        cause: int,
        by: By,
        now: float,
        fields: tuple[Field, ...] = (),
        reason: str | None = None,
    ) -> None:
        self._stack.reply(
            call.transaction, status, now, to_tag=call.id, fields=fields, reason=reason
        )
        self._calls.end(call, CallState.ENDED, cause, by, now)
        self._calls.forget(call)

    def cancelled(self, cancel: Transaction, now: float) -> None:
        """Take a CANCEL (section 9.2): answered 200 if there is something to cancel."""
        invite = self._stack.transactions.invite_of(cancel.request)
        if invite is None:
            self._stack.reply_once(cancel, 481, now)
            return
        call = self._calls.get(invite.owner)
        self._stack.reply(cancel, 200, now, to_tag=invite.owner or None)
        if call is not None:
            self.given_up(call, cancel.request, now)

    def given_up(self, call: Call, request: Request, now: float) -> None:
        """The caller cancels, or sends BYE before the answer (section 15.1.2)."""
        if call.state is CallState.INCOMING:
            cause = q850_of(request.headers) or NORMAL_CLEARING
            self._refuse(call, 487, cause, By.REMOTE, now)
