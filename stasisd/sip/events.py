"""What a user agent reports: frozen, in the order in which it happened."""

from enum import StrEnum
from typing import NewType

from msgspec import Struct

from .flow import Flow
from .headers import Headers
from .registration import Binding
from .uri import NameAddr, Uri

# Our name for a call; it is our tag in the call's dialog.
CallId = NewType("CallId", str)
RegistrationId = NewType("RegistrationId", str)
# Our name for a single request of ours.
RequestId = NewType("RequestId", str)


class By(StrEnum):
    """Who ended a call."""

    LOCAL = "local"
    REMOTE = "remote"
    TIMEOUT = "timeout"  # the peer does not answer any more
    TRANSPORT = "transport"  # the peer can't be reached any more


class CallReceived(Struct, frozen=True, kw_only=True):
    """A phone calls. ``endpoint`` is the name it has proved to be, or is taken at its word for.

    An empty body means that the caller wants our offer in the answer.
    """

    call: CallId
    sip_call_id: str
    endpoint: str
    from_: NameAddr
    to: NameAddr
    target: Uri
    body: bytes
    headers: Headers
    flow: Flow


class CallProgressed(Struct, frozen=True):
    """A call of ours is on its way: a provisional response above 100, with SDP or without."""

    call: CallId
    status: int
    reason: str
    body: bytes


class CallAnswered(Struct, frozen=True):
    """A call of ours is answered. The body is empty where a 183 brought the answer already."""

    call: CallId
    body: bytes


class CallRejected(Struct, frozen=True):
    """A call of ours is refused, and over. ``contacts`` are where a 3xx sends us."""

    call: CallId
    status: int
    reason: str
    cause: int
    contacts: tuple[Uri, ...] = ()


class CallEnded(Struct, frozen=True):
    """A call is over; ``cause`` is Q.850's. The last event of a call, but for CallRejected."""

    call: CallId
    cause: int
    by: By


class OfferReceived(Struct, frozen=True):
    """The peer re-negotiates; answer with accept_offer or reject_offer.

    An empty body asks for our offer; the peer's answer comes as OfferAnswered.
    """

    call: CallId
    body: bytes


class OfferAnswered(Struct, frozen=True):
    """The answer to an offer of ours: to a re-INVITE, or in an ACK to an offer in a 200."""

    call: CallId
    body: bytes


class Acknowledged(Struct, frozen=True):
    """The ACK to a 200 of ours came: from now on we may offer (RFC 3261 section 14.1)."""

    call: CallId


class OfferRejected(Struct, frozen=True):
    """The peer refuses our re-INVITE; the session goes on as it was."""

    call: CallId
    status: int
    reason: str


class Updated(Struct, frozen=True):
    """The final response to an UPDATE of ours; what it said may be refused by 405 or 501."""

    call: CallId
    status: int


class DtmfInfo(Struct, frozen=True):
    """A key by INFO (application/dtmf-relay); the duration is in milliseconds."""

    call: CallId
    digit: str
    duration: int


class Replaces(Struct, frozen=True):
    """The call that a call to be shall stand for, by its dialog (RFC 3891).

    The tags are named as seen by who is called with it. ``call`` is None where we know none such.
    """

    sip_call_id: str
    to_tag: str
    from_tag: str
    call: CallId | None


class ReferReceived(Struct, frozen=True, kw_only=True):
    """The peer asks to be transferred; answer with accept_referral or reject_referral.

    ``replaces`` makes it an attended transfer. ``referred_by`` is as the peer wrote it, or None.
    """

    call: CallId
    refer_to: NameAddr
    referred_by: str | None
    replaces: Replaces | None


class CallReferred(Struct, frozen=True):
    """The peer that we referred tells how it goes: the status its own call got, 100 for none yet.

    A final status comes once. 408 stands for none in time.
    """

    call: CallId
    status: int


class BindingChanged(Struct, frozen=True):
    """A contact was registered or refreshed, or is gone."""

    binding: Binding
    removed: bool = False
    reason: str = ""


class Registered(Struct, frozen=True):
    """A registration of ours is in force for ``expires`` seconds, and is refreshed in time.

    Zero means that it is taken back, as asked.
    """

    registration: RegistrationId
    expires: int


class RegistrationFailed(Struct, frozen=True):
    """A registration of ours was refused, and is not tried again."""

    registration: RegistrationId
    status: int
    reason: str


class MessageReceived(Struct, frozen=True, kw_only=True):
    """A phone sends a text (MESSAGE). ``endpoint`` is the name it has proved to be."""

    endpoint: str
    from_: NameAddr
    to: NameAddr
    text: str
    flow: Flow


class RequestAnswered(Struct, frozen=True):
    """The final response to a MESSAGE or REFER of ours came, or 408 or 503 stand for none."""

    request: RequestId
    status: int
    reason: str


class ReferralProgressed(Struct, frozen=True):
    """Whom we referred tells how the call went so far: the status it got, 100 for none yet."""

    request: RequestId
    status: int


class AuthenticationFailed(Struct, frozen=True):
    """Wrong credentials came: a wrong password, or an unknown user."""

    flow: Flow
    username: str
    method: str


class MalformedReceived(Struct, frozen=True):
    """Bytes came that are no SIP, or a message that breaks its grammar."""

    flow: Flow
    error: str


class ConnectionWanted(Struct, frozen=True):
    """Connect to ``flow.remote``; then tell flow_opened, or flow_closed if it can't be done."""

    flow: Flow


class CloseWanted(Struct, frozen=True):
    """Close this connection, which carries no SIP any more. flow_closed need not be told."""

    flow: Flow
    reason: str


Event = (
    CallReceived
    | CallProgressed
    | CallAnswered
    | CallRejected
    | CallEnded
    | OfferReceived
    | OfferAnswered
    | OfferRejected
    | Acknowledged
    | Updated
    | DtmfInfo
    | ReferReceived
    | CallReferred
    | BindingChanged
    | Registered
    | RegistrationFailed
    | MessageReceived
    | RequestAnswered
    | ReferralProgressed
    | AuthenticationFailed
    | MalformedReceived
    | ConnectionWanted
    | CloseWanted
)
