"""A call as its user agent sees it (RFC 3261 sections 13 to 15): its states and what it keeps.

```
 incoming                      outgoing
 INCOMING --answer--> ANSWERED   CALLING --1xx--> PROCEEDING --2xx--> CONFIRMED
                         | ACK      |                 |
                         v          +----- hangup ----+----> CANCELLED --final response--> over
                     CONFIRMED
 ANSWERED --hangup--> LEAVING --ACK--> BYE --> over
```

The user of a call sees it end at once; CANCELLED, LEAVING and ENDED are what the peer still has to
be told.
"""

from enum import Enum, auto

from msgspec import Struct

from stasisd.credentials.digest import Credentials

from .dialog import Dialog
from .events import CallId
from .flow import Flow
from .headers import Field, Headers
from .message import Response
from .transaction_layer import Transaction


class CallState(Enum):
    """Where a call is; see the module's drawing."""

    INCOMING = auto()
    ANSWERED = auto()
    CALLING = auto()
    PROCEEDING = auto()
    CONFIRMED = auto()
    CANCELLED = auto()
    LEAVING = auto()
    ENDED = auto()


OVER = frozenset({CallState.CANCELLED, CallState.LEAVING, CallState.ENDED})


class Verb(Enum):
    """What a call's user may do; hanging up is always allowed."""

    RING = auto()
    PROGRESS = auto()
    ANSWER = auto()
    REJECT = auto()
    REDIRECT = auto()
    REINVITE = auto()
    ACCEPT_OFFER = auto()
    REJECT_OFFER = auto()
    REFERRAL = auto()
    REFER = auto()
    UPDATE = auto()


# In a state of OVER every verb is ignored, for the user can't know yet. Elsewhere it is an error.
ALLOWED: dict[Verb, frozenset[CallState]] = {
    Verb.RING: frozenset({CallState.INCOMING}),
    Verb.PROGRESS: frozenset({CallState.INCOMING}),
    Verb.ANSWER: frozenset({CallState.INCOMING}),
    Verb.REJECT: frozenset({CallState.INCOMING}),
    Verb.REDIRECT: frozenset({CallState.INCOMING}),
    Verb.REINVITE: frozenset({CallState.CONFIRMED}),
    Verb.ACCEPT_OFFER: frozenset({CallState.CONFIRMED}),
    Verb.REJECT_OFFER: frozenset({CallState.CONFIRMED}),
    Verb.REFERRAL: frozenset({CallState.CONFIRMED}),
    Verb.REFER: frozenset({CallState.CONFIRMED}),
    Verb.UPDATE: frozenset({CallState.CONFIRMED}),
}


class WrongState(Exception):
    """The caller of a verb can't use it now: a call already answered, a negotiation pending."""


class OfferState(Enum):
    """Of re-INVITEs there is at most one at a time (section 14)."""

    IDLE = auto()
    SENT = auto()
    WAITING = auto()  # refused with 491: ours is sent again after a while
    RECEIVED = auto()


class CallAlarm(Enum):
    """What may become due in a call."""

    REPEAT_PROVISIONAL = auto()
    REPEAT_ANSWER = auto()
    NO_ACK = auto()
    NO_FINAL_RESPONSE = auto()
    OFFER_AGAIN = auto()
    UPDATE_AGAIN = auto()
    NO_REPORT = auto()


class CallTimer(Struct, frozen=True, gc=False):
    """A running deadline of a call."""

    call: CallId
    alarm: CallAlarm


class Unacknowledged(Struct):
    """A 2xx of ours that waits for its ACK; ``interval`` is the next in seconds."""

    transaction: Transaction
    response: Response
    interval: float
    # Whether the 2xx brought our offer, so that the ACK brings the answer.
    offered: bool


class Referral(Struct):
    """A transfer that the peer asked for. ``transaction`` is the REFER's until it is answered.

    ``event`` is what NOTIFY requests name as their event; ``told`` says that they are wanted.
    """

    transaction: Transaction | None
    event: str
    told: bool


class Update(Struct):
    """An UPDATE of ours and its headers; after a glare it waits, without a transaction."""

    fields: tuple[Field, ...]
    transaction: Transaction | None


class Call:
    """One call. ``dialog`` is None until a call of ours is answered.

    ``transaction`` is the INVITE's. ``early`` are the forks of an unanswered call of ours, by
    their tag. ``offering`` is the re-INVITE's transaction, ours or the peer's. ``referral`` is a
    transfer that the peer asked for; while ``referring`` we have asked it for one. ``update`` is
    an UPDATE of ours that is under way, and ``takes_updates`` whether the peer knows the method.
    """

    def __init__(
        self,
        call_id: CallId,
        state: CallState,
        transaction: Transaction,
        dialog: Dialog | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.id = call_id
        self.state = state
        self.transaction = transaction
        self.dialog = dialog
        self.credentials = credentials
        self.is_outgoing = dialog is None
        self.early: dict[str, Dialog] = {}
        self.provisional: tuple[int, bytes, tuple[Field, ...]] | None = None
        self.unacknowledged: Unacknowledged | None = None
        self.offer_state = OfferState.IDLE
        self.offering: Transaction | None = None
        self.offered = b""
        self.offered_fields: tuple[Field, ...] = ()
        self.update: Update | None = None
        self.takes_updates = False
        self.referral: Referral | None = None
        self.was_referred = False
        self.referring = False
        self.cancel_sent = False
        self.cause = 0

    def note_methods(self, headers: Headers) -> None:
        """Learn what the peer understands from its Allow, where it has one."""
        if methods := headers.tokens("Allow"):
            self.takes_updates = "update" in methods

    @property
    def sip_call_id(self) -> str:
        """The Call-ID header's value."""
        return self.transaction.request.call_id

    @property
    def contact_user(self) -> str:
        """The user part of our Contact: as who we call, where it is us."""
        return self.transaction.request.from_.uri.user if self.is_outgoing else ""

    @property
    def flow(self) -> Flow:
        """Where the peer is."""
        return self.dialog.flow if self.dialog is not None else self.transaction.flow
