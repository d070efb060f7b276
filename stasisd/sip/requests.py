"""Single requests outside of dialogs: MESSAGE (RFC 3428) and REFER (RFC 3515), each on its own.

    MESSAGE ->        both ways; a text, and its final response is all
    REFER   ->        ours only
            <- NOTIFY how the referral goes, as a piece of SIP, until a final response is told

A REFER makes a subscription (section 2.4.4). Ours is known by the REFER's Call-ID, for as long as
a referral may take; its NOTIFY requests are answered and reported.
"""

from collections.abc import Sequence

from msgspec import Struct

from stasisd.credentials.digest import Credentials

from .authentication import Authenticator
from .events import MessageReceived, ReferralProgressed, RequestAnswered, RequestId
from .flow import Flow
from .headers import Field, Headers
from .message import MAX_FORWARDS, REASONS, Request, Response
from .stack import Stack
from .transaction_layer import Purpose, Transaction
from .uac import checked_field
from .uri import NameAddr, SipUri

TEXT = "text/plain"
FRAGMENT = "message/sipfrag"
# Longer ones may be lost on the way over UDP (RFC 3428 section 8).
LONGEST_DATAGRAM = 1300
REFERRAL_SECONDS = 180.0

# Headers that are ours to say, in lower case.
OURS = frozenset(
    {
        "via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "content-length",
        "content-type", "refer-to", "referred-by", "route", "record-route", "authorization",
        "proxy-authorization", "event", "expires", "require", "supported", "user-agent",
    }
)  # fmt: skip


class ReferralTimer(Struct, frozen=True, gc=False):
    """When a referral is not waited for any more."""

    call_id: str


class Sent(Struct, gc=False):
    """A request of ours that waits for its final response."""

    credentials: Credentials | None
    cseq: int = 1


class Requests:
    """Sends single requests, and takes those that come."""

    def __init__(self, stack: Stack, authenticator: Authenticator) -> None:
        self._stack = stack
        self._authenticator = authenticator
        self._sent: dict[str, Sent] = {}
        self._referrals: dict[str, RequestId] = {}

    # Ours.

    def message(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        text: str,
        fields: Sequence[Field],
        credentials: Credentials | None,
        now: float,
    ) -> RequestId:
        """Send a text. Raise MalformedSip for a field that can't be sent."""
        head = [*_checked(fields), ("Content-Type", f"{TEXT};charset=UTF-8")]
        sent = self._request("MESSAGE", target, to, from_, head, text.encode())
        return self._send(sent, flow, credentials, now)

    def refer(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        refer_to: NameAddr,
        fields: Sequence[Field],
        credentials: Credentials | None,
        now: float,
    ) -> RequestId:
        """Ask somebody to call ``refer_to``. Raise MalformedSip for a field that can't be sent."""
        head = [
            *_checked(fields),
            self._stack.contact(flow),
            ("Refer-To", str(refer_to)),
            ("Referred-By", f"<{from_.uri}>"),
        ]
        sent = self._request("REFER", target, to, from_, head, b"")
        name = self._send(sent, flow, credentials, now)
        self._referrals[sent.call_id] = name
        self._stack.deadlines.set(ReferralTimer(sent.call_id), now + REFERRAL_SECONDS)
        return name

    def _request(
        self,
        method: str,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        fields: Sequence[Field],
        body: bytes,
    ) -> Request:
        headers: list[Field] = [
            ("Max-Forwards", str(MAX_FORWARDS)),
            ("From", str(from_.with_tag(self._stack.token()))),
            ("To", str(to)),
            ("Call-ID", self._stack.token()),
            ("CSeq", f"1 {method}"),
            *fields,
        ]
        return Request(method, str(target), Headers(headers), body)

    def _send(
        self, request: Request, flow: Flow, credentials: Credentials | None, now: float
    ) -> RequestId:
        name = RequestId(self._stack.token())
        self._sent[name] = Sent(credentials)
        self._stack.send(request, flow, Purpose.SINGLE, name, now)
        return name

    def response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Take a response to a request of ours. Raise MalformedSip."""
        sent = self._sent.get(transaction.owner)
        if sent is None or response.status < 200:
            return
        if self._stack.retry(transaction, response, sent.credentials, sent.cseq + 1, now):
            sent.cseq += 1
            return
        self._over(transaction, response.status, response.reason)

    def failed(self, transaction: Transaction, status: int) -> None:
        """No final response came."""
        self._over(transaction, status, REASONS[status])

    def _over(self, transaction: Transaction, status: int, reason: str) -> None:
        if self._sent.pop(transaction.owner, None) is None:
            return
        if status >= 300:
            self._forget(transaction.request.call_id)
        name = RequestId(transaction.owner)
        self._stack.outbox.emit(RequestAnswered(name, status, reason))

    # Others'.

    def message_received(self, transaction: Transaction, flow: Flow, now: float) -> None:
        """Take a MESSAGE. Raise MalformedSip."""
        request = transaction.request
        name = self._stack.directory.name_of(request.from_.uri, request.uri)
        if not self._authenticator.admits(transaction, name, flow, now):
            return
        # 202: a text that nobody listens for is accepted all the same (RFC 3428 section 7).
        self._stack.reply(transaction, 202, now)
        self._stack.outbox.emit(
            MessageReceived(
                endpoint=name,
                from_=request.from_,
                to=request.to,
                text=request.body.decode("utf-8", "replace"),
                flow=flow,
            )
        )

    def notified(self, transaction: Transaction, now: float) -> None:
        """Take a NOTIFY: of a referral of ours, or of nothing that is known here."""
        request = transaction.request
        name = self._referrals.get(request.call_id)
        if name is None:
            self._stack.reply_once(transaction, 481, now)
            return
        self._stack.reply(transaction, 200, now, to_tag=request.to.tag)
        status = status_of(request)
        if is_last(request) or status >= 200:
            self._forget(request.call_id)
        self._stack.outbox.emit(ReferralProgressed(name, status))

    def expired(self, due: ReferralTimer) -> None:
        """Nobody told how a referral ended."""
        self._referrals.pop(due.call_id, None)

    def _forget(self, call_id: str) -> None:
        self._referrals.pop(call_id, None)
        self._stack.deadlines.cancel(ReferralTimer(call_id))


def _checked(fields: Sequence[Field]) -> list[Field]:
    """Headers of the user's, less those that are ours to say. Raise MalformedSip."""
    return [field for field in map(checked_field, fields) if field[0].lower() not in OURS]


def is_last(notify: Request) -> bool:
    """Whether a NOTIFY ends its subscription (RFC 6665 section 4.1.3)."""
    state = (notify.headers.get("Subscription-State") or "").partition(";")[0]
    return state.strip().lower() == "terminated"


def status_of(notify: Request) -> int:
    """The status in a piece of SIP (RFC 3515 section 2.4.5); 100 where none can be read."""
    if notify.content_type != FRAGMENT:
        return 100
    words = notify.body.split(None, 2)
    if len(words) < 2 or words[0] != b"SIP/2.0" or not words[1].isdigit():
        return 100
    return int(words[1][:3])
