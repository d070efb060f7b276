"""Transfers that we ask for within a call: REFER (RFC 3515), the other way round.

```
    REFER ->           whom the peer shall call instead
 <- 202                it tries that; from 300 on it does not
 <- NOTIFY             how its own call goes, as a piece of SIP, until a final status was told
```

The call goes on meanwhile: it is for its user to end it.
"""

from .call import Call, CallAlarm, Verb, WrongState
from .calls import Calls
from .events import CallId, CallReferred
from .message import Response
from .requests import REFERRAL_SECONDS, is_last, status_of
from .stack import Stack
from .transaction_layer import Purpose, Transaction
from .uac import checked_field
from .uri import NameAddr

SUCCESS, TIME_OUT, NOT_TOLD = 200, 408, 500


class SentReferrals:
    """At most one at a time in each call."""

    def __init__(self, stack: Stack, calls: Calls) -> None:
        self._stack = stack
        self._calls = calls

    def send(
        self, call_id: CallId, refer_to: NameAddr, referred_by: str | None, now: float
    ) -> None:
        """Ask the peer to call somebody else. Raise WrongState, MalformedSip."""
        call = self._calls.take(call_id, Verb.REFER)
        if call is None:
            return
        if call.referring:
            raise WrongState("a referral is under way")
        assert call.dialog is not None
        flow = self._stack.way(call.dialog)
        fields = (
            self._stack.contact(flow, call.contact_user),
            ("Refer-To", str(refer_to)),
            checked_field(("Referred-By", referred_by or f"<{call.dialog.local.uri}>")),
        )
        call.referring = True
        self._stack.send(call.dialog.request("REFER", fields), flow, Purpose.REFER, call.id, now)

    def response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Take a response to our REFER; a challenged one is sent again. Raise MalformedSip."""
        call = self._calls.get(transaction.owner)
        if call is None or call.dialog is None or not call.referring or response.status < 200:
            return
        if self._calls.retry(call, transaction, response, now) is not None:
            return
        if response.status >= 300:
            self._over(call, response.status)
        elif _keeps_quiet(response):
            self._over(call, SUCCESS)
        else:
            self._calls.set_alarm(call, CallAlarm.NO_REPORT, now + REFERRAL_SECONDS)

    def failed(self, transaction: Transaction, status: int) -> None:
        """No final response came."""
        call = self._calls.get(transaction.owner)
        if call is not None and call.referring:
            self._over(call, status)

    def notified(self, call: Call, transaction: Transaction, now: float) -> None:
        """Take a NOTIFY about our REFER."""
        self._stack.reply(transaction, 200, now, to_tag=call.id)
        status = status_of(transaction.request)
        if status >= 200:
            self._over(call, status)
        elif is_last(transaction.request):
            self._over(call, NOT_TOLD)
        else:
            self._stack.outbox.emit(CallReferred(call.id, status))

    def no_report(self, call: Call) -> None:
        """The peer has accepted, and then not told how it ended."""
        self._over(call, TIME_OUT)

    def _over(self, call: Call, status: int) -> None:
        call.referring = False
        self._calls.stop_alarm(call, CallAlarm.NO_REPORT)
        self._stack.outbox.emit(CallReferred(call.id, status))


def _keeps_quiet(response: Response) -> bool:
    """Whether no NOTIFY will follow (RFC 4488): then to accept it is all that we hear."""
    return (response.headers.get("Refer-Sub") or "").strip().lower().startswith("false")
