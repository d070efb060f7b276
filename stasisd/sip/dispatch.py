"""What came from the network, or is due, and which part of the user agent it is for."""

from collections.abc import Iterator

from . import dtmf
from .call import Call, CallAlarm, CallState, CallTimer
from .causes import NORMAL_CLEARING, q850_of
from .events import By
from .flow import Flow
from .grammar import MalformedSip
from .headers import Field
from .message import Message, Request
from .objections import ACCEPTED, objection
from .parts import Parts
from .registrar import BindingTimer
from .registrations import RefreshTimer
from .requests import ReferralTimer
from .stack import ALLOW, SUPPORTED
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

# What OPTIONS is answered with (section 11.2).
CAPABILITIES: tuple[Field, ...] = (
    ALLOW,
    ("Accept", ", ".join(sorted(set().union(*ACCEPTED.values())))),
    ("Accept-Encoding", "identity"),
    SUPPORTED,
)


class Dispatch:
    """Asks the part that a message, its failure or a time is for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def take(self, message: Message, flow: Flow, now: float) -> None:
        """A message that came. Raises MalformedSip."""
        self.tell(self._parts.stack.transactions.receive(message, flow, now), now)

    def tell(self, indications: Iterator[Indication], now: float) -> None:
        """What the transactions made of it, or of a connection that is gone."""
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
            self._parts.stack.reply_once(transaction, found.status, now, found.fields, found.reason)
        elif request.method == "CANCEL":
            self._parts.incoming.cancelled(transaction, now)
        elif request.to.tag is not None and request.method != "REGISTER":
            self._within_dialog(transaction, received.flow, now)
        else:
            self._out_of_dialog(transaction, received.flow, now)

    def _acknowledged(self, ack: Request, now: float) -> None:
        call = self._parts.calls.of(ack)
        if call is not None:
            self._parts.answers.acknowledged(call, ack, now)

    def _out_of_dialog(self, transaction: Transaction, flow: Flow, now: float) -> None:
        request = transaction.request
        if request.method == "INVITE":
            name = self._parts.stack.directory.name_of(request.from_.uri, request.uri)
            if self._parts.authenticator.admits(transaction, name, flow, now):
                self._parts.incoming.received(transaction, name, flow, now)
        elif request.method == "REGISTER":
            self._parts.registrar.received(transaction, flow, now)
        elif request.method == "OPTIONS":
            self._parts.stack.reply_once(transaction, 200, now, CAPABILITIES)
        elif request.method == "MESSAGE":
            self._parts.requests.message_received(transaction, flow, now)
        else:
            self._parts.stack.reply_once(transaction, 481, now)

    def _within_dialog(self, transaction: Transaction, flow: Flow, now: float) -> None:
        request = transaction.request
        call = self._parts.calls.of(request)
        if request.method == "NOTIFY" and (call is None or not call.referring):
            self._parts.requests.notified(transaction, now)
            return
        if request.method == "MESSAGE":
            # What is sent within a call is a text like any other (RFC 3428 section 6).
            self._parts.requests.message_received(transaction, flow, now)
            return
        if call is None:
            self._parts.stack.reply_once(transaction, 481, now)
            return
        if call.dialog is not None:
            if not call.dialog.is_in_order(request):
                # Section 12.2.2: an older request than one we have seen.
                self._parts.stack.reply(transaction, 500, now, to_tag=call.id)
                return
            call.dialog.flow = flow
        self._within_call(call, transaction, now)

    def _within_call(self, call: Call, transaction: Transaction, now: float) -> None:
        request = transaction.request
        if request.method == "INVITE":
            self._parts.offers.received(call, transaction, now)
        elif request.method == "BYE":
            self._parts.stack.reply(transaction, 200, now, to_tag=call.id)
            self._left(call, request, now)
        elif request.method == "INFO":
            self._info(call, transaction, now)
        elif request.method == "REFER":
            self._parts.referrals.received(call, transaction, now)
        elif request.method == "NOTIFY":
            self._parts.sent_referrals.notified(call, transaction, now)
        else:
            self._parts.stack.reply(transaction, 200, now, to_tag=call.id, fields=CAPABILITIES)

    def _left(self, call: Call, request: Request, now: float) -> None:
        if call.state is CallState.INCOMING:
            self._parts.incoming.given_up(call, request, now)
        elif call.dialog is None:
            self._parts.outgoing.bye_received(call, request, now)
        else:
            cause = q850_of(request.headers) or NORMAL_CLEARING
            self._parts.calls.end(call, CallState.ENDED, cause, By.REMOTE, now)
            self._parts.calls.forget(call)

    def _info(self, call: Call, transaction: Transaction, now: float) -> None:
        try:
            event = dtmf.read(call.id, transaction.request)
        except MalformedSip:
            self._parts.stack.reply(transaction, 400, now, to_tag=call.id)
            return
        self._parts.stack.reply(transaction, 200, now, to_tag=call.id)
        if event is not None:
            self._parts.stack.outbox.emit(event)

    def _response(self, received: ResponseReceived, now: float) -> None:
        transaction, response = received.transaction, received.response
        purpose = transaction.purpose
        if purpose is Purpose.INVITE:
            self._parts.outgoing.response(transaction, response, received.flow, now)
        elif purpose is Purpose.REINVITE:
            self._parts.offers.response(transaction, response, now)
        elif purpose is Purpose.UPDATE:
            self._parts.updates.response(transaction, response, now)
        elif purpose is Purpose.BYE:
            self._parts.calls.bye_response(transaction, response, now)
        elif purpose is Purpose.REGISTER:
            self._parts.registrations.response(transaction, response, now)
        elif purpose is Purpose.SINGLE:
            self._parts.requests.response(transaction, response, now)
        elif purpose is Purpose.NOTIFY:
            self._parts.referrals.response(transaction, response)
        elif purpose is Purpose.REFER:
            self._parts.sent_referrals.response(transaction, response, now)

    def _failed(self, failed: Failed, now: float) -> None:
        transaction, purpose = failed.transaction, failed.transaction.purpose
        if purpose is Purpose.INVITE:
            self._parts.outgoing.failed(transaction, failed.status)
        elif purpose is Purpose.REINVITE:
            self._parts.offers.failed(transaction, failed.status, now)
        elif purpose is Purpose.UPDATE:
            self._parts.updates.failed(transaction, failed.status, now)
        elif purpose is Purpose.BYE:
            self._parts.calls.bye_failed(transaction)
        elif purpose is Purpose.REGISTER:
            self._parts.registrations.failed(transaction, failed.status)
        elif purpose is Purpose.SINGLE:
            self._parts.requests.failed(transaction, failed.status)
        elif purpose is Purpose.REFER:
            self._parts.sent_referrals.failed(transaction, failed.status)

    def due(self, due: object, now: float) -> None:
        """Something's time has come."""
        if isinstance(due, TransactionTimer):
            self.tell(self._parts.stack.transactions.timeout(due, now), now)
        elif isinstance(due, CallTimer):
            call = self._parts.calls.get(due.call)
            if call is not None:
                self._alarm(call, due.alarm, now)
        elif isinstance(due, BindingTimer):
            self._parts.registrar.expired(due)
        elif isinstance(due, RefreshTimer):
            self._parts.registrations.refresh(due.registration, now)
        elif isinstance(due, ReferralTimer):
            self._parts.requests.expired(due)
        elif isinstance(due, UnfinishedMessage):
            self._parts.stack.transport.close(due.flow, "a message did not end in time")

    def _alarm(self, call: Call, alarm: CallAlarm, now: float) -> None:
        if alarm is CallAlarm.REPEAT_PROVISIONAL:
            self._parts.incoming.repeat(call, now)
        elif alarm is CallAlarm.REPEAT_ANSWER:
            self._parts.answers.repeat(call, now)
        elif alarm is CallAlarm.NO_ACK:
            self._parts.answers.gave_up(call, now)
        elif alarm is CallAlarm.NO_FINAL_RESPONSE:
            self._parts.outgoing.no_final_response(call)
        elif alarm is CallAlarm.NO_REPORT:
            self._parts.sent_referrals.no_report(call)
        elif alarm is CallAlarm.UPDATE_AGAIN:
            self._parts.updates.again(call, now)
        else:
            self._parts.offers.again(call, now)
