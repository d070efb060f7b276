"""Transfers that a peer asks for within its call: REFER (RFC 3515).

```
 <- REFER           whom to call instead, and with Replaces which call that one is to stand for
    202 ->          the user accepted it; else a status that says why not
    NOTIFY ->       how it goes, as a piece of SIP, until a final status was told
```

The subscription shares the call's dialog and ends with the call. A peer that does not want to hear
of it says ``Refer-Sub: false`` (RFC 4488).
"""

from msgspec.structs import replace

from .call import Call, CallState, Referral, Verb, WrongState
from .calls import Calls
from .events import CallId, ReferReceived, Replaces
from .grammar import MalformedSip
from .grammar import parameters as parse_parameters
from .headers import Field
from .message import REASONS, Request, Response
from .stack import Stack
from .transaction_layer import Purpose, Transaction
from .uri import NameAddr, SipUri, parse_name_addr

TRYING = 100
FRAGMENT = "message/sipfrag;version=2.0"
# How long it may take at most is the call's to say; a phone wants a number.
ACTIVE, ENDED = "active;expires=180", "terminated;reason=noresource"


class Referrals:
    """At most one at a time in each call."""

    def __init__(self, stack: Stack, calls: Calls) -> None:
        self._stack = stack
        self._calls = calls

    def received(self, call: Call, transaction: Transaction, now: float) -> None:
        """Take a REFER. Raise MalformedSip."""
        if call.state is not CallState.CONFIRMED or call.referral is not None:
            # Not yet, or one after the other.
            self._stack.reply(transaction, 491, now, to_tag=call.id)
            return
        request = transaction.request
        try:
            refer_to = parse_name_addr(request.headers.only("Refer-To"))
            replaces = self._replaced(refer_to)
        except MalformedSip as error:
            reason = f"Bad Request ({error})"
            self._stack.reply(transaction, 400, now, to_tag=call.id, reason=reason)
            return
        # The first in a dialog needs no name (RFC 3515 section 2.4.6).
        event = f"refer;id={request.cseq.number}" if call.was_referred else "refer"
        call.was_referred = True
        call.referral = Referral(transaction, event, told=_wants_to_hear(request))
        self._stack.outbox.emit(
            ReferReceived(
                call=call.id,
                refer_to=refer_to,
                referred_by=request.headers.get("Referred-By"),
                replaces=replaces,
            )
        )

    def _replaced(self, refer_to: NameAddr) -> Replaces | None:
        """The call that a Replaces in Refer-To names. Raise MalformedSip."""
        if not isinstance(refer_to.uri, SipUri):
            return None
        headers = {name.lower(): value for name, value in refer_to.uri.headers}
        if "replaces" not in headers:
            return None
        call_id, _, rest = headers["replaces"].partition(";")
        tags = dict(parse_parameters(rest))
        named = Replaces(
            call_id.strip(), tags.get("to-tag") or "", tags.get("from-tag") or "", None
        )
        # To is who shall take it over (RFC 3891 section 3): us.
        call = self._calls.get(named.to_tag)
        if (
            call is None
            or call.dialog is None
            or call.state is not CallState.CONFIRMED
            or call.sip_call_id != named.sip_call_id
            or call.dialog.remote.tag != named.from_tag
        ):
            return named
        return replace(named, call=call.id)

    def accept(self, call_id: CallId, now: float) -> None:
        """202, and the NOTIFY that follows at once (section 2.4.4). Raise WrongState."""
        call = self._calls.take(call_id, Verb.REFERRAL)
        if call is not None:
            assert call.dialog is not None
            contact = self._stack.contact(self._stack.way(call.dialog), call.contact_user)
            told = call.referral is None or call.referral.told
            self._answer(call, 202, now, (contact, *(() if told else (("Refer-Sub", "false"),))))
            self.report(call_id, TRYING, now)

    def reject(self, call_id: CallId, status: int, now: float) -> None:
        """Say why not. Raise WrongState where nothing is asked."""
        call = self._calls.take(call_id, Verb.REFERRAL)
        if call is not None:
            self._answer(call, status, now, ())
            call.referral = None

    def _answer(self, call: Call, status: int, now: float, fields: tuple[Field, ...]) -> None:
        if call.referral is None or call.referral.transaction is None:
            raise WrongState("there is no referral to answer")
        self._stack.reply(call.referral.transaction, status, now, to_tag=call.id, fields=fields)
        call.referral.transaction = None

    def report(self, call_id: CallId, status: int, now: float) -> None:
        """Tell how an accepted one goes; a final status ends it. Raise WrongState for none."""
        call = self._calls.take(call_id, Verb.REFERRAL)
        if call is None:
            return
        referral = call.referral
        if referral is None or referral.transaction is not None:
            raise WrongState("there is no referral to tell of")
        if referral.told:
            self._notify(call, referral, status, now)
        if status >= 200:
            call.referral = None

    def _notify(self, call: Call, referral: Referral, status: int, now: float) -> None:
        assert call.dialog is not None
        flow = self._stack.way(call.dialog)
        fields = (
            self._stack.contact(flow, call.contact_user),
            ("Event", referral.event),
            ("Subscription-State", ENDED if status >= 200 else ACTIVE),
            ("Content-Type", FRAGMENT),
        )
        body = f"SIP/2.0 {status} {REASONS[status]}\r\n".encode()
        request = call.dialog.request("NOTIFY", fields, body)
        self._stack.send(request, flow, Purpose.NOTIFY, call.id, now)

    def response(self, transaction: Transaction, response: Response) -> None:
        """Take a response to a NOTIFY: 481 says that nobody listens any more."""
        call = self._calls.get(transaction.owner)
        if response.status == 481 and call is not None:
            call.referral = None


def _wants_to_hear(request: Request) -> bool:
    wish = (request.headers.get("Refer-Sub") or "").partition(";")[0]
    return wish.strip().lower() != "false"
