"""Calls that go out (RFC 3261 sections 13.2 and 9.1)."""

from collections.abc import Sequence

from stasisd.credentials.digest import Credentials

from .call import Call, CallAlarm, CallState
from .calls import Calls
from .causes import NORMAL_CLEARING, cause_of_response, q850_of, reason_field
from .dialog import Dialog
from .events import By, CallAnswered, CallId, CallProgressed, CallRejected
from .flow import Flow
from .grammar import MalformedSip, is_token
from .headers import Field, Headers, canonical
from .message import MAX_FORWARDS, REASONS, Request, Response
from .stack import ALLOW, SDP, SUPPORTED, Stack
from .transaction_layer import Purpose, Transaction
from .uri import NameAddr, SipUri


class OutgoingCalls:
    """The client side of an INVITE until it is answered."""

    def __init__(self, stack: Stack, calls: Calls) -> None:
        self._stack = stack
        self._calls = calls

    def invite(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        body: bytes,
        credentials: Credentials | None,
        fields: Sequence[Field],
        now: float,
    ) -> CallId:
        """Call somebody. Raise MalformedSip for a field that can't be sent."""
        call_id = CallId(self._stack.token())
        user = from_.uri.user if isinstance(from_.uri, SipUri) else ""
        headers: list[Field] = [
            ("Max-Forwards", str(MAX_FORWARDS)),
            ("From", str(from_.with_tag(call_id))),
            ("To", str(to)),
            ("Call-ID", self._stack.token()),
            ("CSeq", "1 INVITE"),
            self._stack.contact(flow, user),
            ALLOW,
            SUPPORTED,
            *(checked_field(field) for field in fields),
        ]
        if body:
            headers.append(("Content-Type", SDP))
        request = Request("INVITE", str(target), Headers(headers), body)
        transaction = self._stack.send(request, flow, Purpose.INVITE, call_id, now)
        self._calls.add(Call(call_id, CallState.CALLING, transaction, credentials=credentials))
        return call_id

    def response(
        self, transaction: Transaction, response: Response, flow: Flow, now: float
    ) -> None:
        """Take a response to an INVITE. Raise MalformedSip."""
        call = self._calls.get(transaction.owner)
        if call is None or call.transaction is not transaction:
            self._unexpected(transaction, response, flow, now)
        elif response.status < 200:
            self._provisional(call, response, flow, now)
        elif response.status < 300:
            self._success(call, response, flow, now)
        else:
            self._failure(call, response, now)

    def _provisional(self, call: Call, response: Response, flow: Flow, now: float) -> None:
        if call.state is CallState.CANCELLED:
            self._cancel(call, now)
            return
        call.state = CallState.PROCEEDING
        call.note_methods(response.headers)
        tag = response.to.tag
        if tag is not None:
            call.early[tag] = Dialog.of_client(call.transaction.request, response, flow)
        if response.status > 100:
            self._stack.outbox.emit(
                CallProgressed(call.id, response.status, response.reason, response.body)
            )

    def _success(self, call: Call, response: Response, flow: Flow, now: float) -> None:
        known = call.dialog
        if known is not None and known.remote.tag == response.to.tag:
            self._stack.acknowledge(known, response)
            return
        dialog = Dialog.of_client(call.transaction.request, response, flow)
        dialog.confirm()
        self._stack.acknowledge(dialog, response)
        if known is not None:
            # Another fork has won (section 13.2.2.4).
            self._calls.send_bye(dialog, "", NORMAL_CLEARING, now)
            return
        call.dialog = dialog
        call.note_methods(response.headers)
        call.early.clear()
        if call.state is CallState.CANCELLED:
            self._calls.bye(call, call.cause, By.LOCAL, now)
            return
        call.state = CallState.CONFIRMED
        self._stack.outbox.emit(CallAnswered(call.id, response.body))

    def _unexpected(
        self, transaction: Transaction, response: Response, flow: Flow, now: float
    ) -> None:
        # The call is over, but a fork or a repeated 2xx still wants to be told.
        if 200 <= response.status < 300:
            dialog = Dialog.of_client(transaction.request, response, flow)
            dialog.confirm()
            self._stack.acknowledge(dialog, response)
            self._calls.send_bye(dialog, "", NORMAL_CLEARING, now)

    def _failure(self, call: Call, response: Response, now: float) -> None:
        if call.dialog is not None:
            return  # a fork has answered before
        if call.state is not CallState.CANCELLED and self._retry(call, response, now):
            return
        contacts = _contacts(response) if response.status < 400 else ()
        cause = cause_of_response(response.status, response.headers)
        self._rejected(
            call, CallRejected(call.id, response.status, response.reason, cause, contacts)
        )

    def _retry(self, call: Call, response: Response, now: float) -> bool:
        cseq = call.transaction.request.cseq.number + 1
        again = self._stack.retry(call.transaction, response, call.credentials, cseq, now)
        if again is None:
            return False
        call.transaction = again
        call.state = CallState.CALLING
        call.early.clear()
        return True

    def failed(self, transaction: Transaction, status: int) -> None:
        """No final response came: time-out or no way to the peer."""
        call = self._calls.get(transaction.owner)
        if call is not None and call.transaction is transaction and call.dialog is None:
            cause = cause_of_response(status, Headers())
            self._rejected(call, CallRejected(call.id, status, REASONS[status], cause))

    def _rejected(self, call: Call, event: CallRejected) -> None:
        if call.state is not CallState.CANCELLED:
            self._stack.outbox.emit(event)
        self._calls.forget(call)

    def give_up(self, call: Call, cause: int, by: By, now: float) -> None:
        """End a call that is not answered. A CANCEL must wait for a provisional response (9.1)."""
        heard = call.state is CallState.PROCEEDING
        self._calls.end(call, CallState.CANCELLED, cause, by, now)
        if heard:
            self._cancel(call, now)

    def _cancel(self, call: Call, now: float) -> None:
        if call.cancel_sent:
            return
        call.cancel_sent = True
        request = call.transaction.request
        headers: list[Field] = [
            ("Max-Forwards", str(MAX_FORWARDS)),
            *(field for field in request.headers if field[0] == "Route"),
            ("From", request.headers.only("From")),
            ("To", request.headers.only("To")),
            ("Call-ID", request.call_id),
            ("CSeq", f"{request.cseq.number} CANCEL"),
            reason_field(call.cause),
        ]
        self._stack.send(
            Request("CANCEL", request.target, Headers(headers)),
            call.transaction.flow,
            Purpose.CANCEL,
            call.id,
            now,
            request.via.branch,
        )
        give_up = self._stack.settings.timers.give_up
        self._calls.set_alarm(call, CallAlarm.NO_FINAL_RESPONSE, now + give_up)

    def no_final_response(self, call: Call) -> None:
        """Nothing came after a CANCEL: the INVITE counts as cancelled (section 9.1)."""
        self._stack.transactions.forget(call.transaction)
        self._calls.forget(call)

    def bye_received(self, call: Call, request: Request, now: float) -> None:
        """A callee leaves before the answer, or its 200 has been overtaken by its BYE."""
        call.early.pop(request.from_.tag or "", None)
        if not call.early:
            cause = q850_of(request.headers) or NORMAL_CLEARING
            self.give_up(call, cause, By.REMOTE, now)


def _contacts(response: Response) -> tuple[SipUri, ...]:
    uris = (contact.uri for contact in response.contacts)
    return tuple(uri for uri in uris if isinstance(uri, SipUri))


def checked_field(field: Field) -> Field:
    """A header of the user's that may be sent. Raise MalformedSip."""
    name, value = field
    if not is_token(name) or any(ord(character) < 32 and character != "\t" for character in value):
        raise MalformedSip(f"not a header: {name[:40]!r}: {value[:60]!r}")
    return (canonical(name), value)
