"""The four transaction machines of RFC 3261 section 17, as RFC 6026 corrected them.

A transaction is one request and its responses. Its machine decides what is sent again, what is
absorbed as a repetition, and what its user (the layer above) gets to see:

- A client transaction repeats its request over an unreliable transport until a response comes
  (timers A and E), gives up after 64*T1 (B and F), and stays a while to absorb repeated responses
  (D and K).
- A server transaction repeats its last response whenever its request comes again, repeats a
  failed INVITE's response by itself until the ACK comes (G, until H), and stays a while to absorb
  (I and J).
- 2xx responses to INVITE are repeated by the user, end to end, so RFC 6026 lets both sides stay
  in Accepted (M and L): the client passes each 2xx on, for each may be of another fork and wants
  its ACK; the server absorbs repeated INVITEs.

Each machine is a table: (state, input) -> (next state, actions). An input without a row is
ignored. A timer that has no row in the next state is stopped; so are all when it ends.
"""

from enum import Enum, auto

from msgspec import Struct

from .timers import Timers


class State(Enum):
    """Where a transaction is; each machine uses its own five or six."""

    START = auto()
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Input(Enum):
    """What may happen to a transaction."""

    CREATED = auto()
    # From the network.
    REQUEST = auto()  # at the server: the request once more
    ACK = auto()
    PROVISIONAL = auto()  # at the client: a response came; at the server: the user sends one
    SUCCESS = auto()
    FAILURE = auto()
    TRANSPORT_ERROR = auto()
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_D = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_J = auto()
    TIMER_K = auto()
    TIMER_L = auto()
    TIMER_M = auto()


class Action(Enum):
    """What a transaction does about it."""

    SEND = auto()  # the request (client), or the latest response (server)
    SEND_ACK = auto()
    PASS = auto()  # hand the message up
    TIMED_OUT = auto()  # tell the user that nobody answered
    UNREACHABLE = auto()  # tell the user that the transport failed
    START_A = auto()
    START_B = auto()
    START_D = auto()
    START_E = auto()
    START_F = auto()
    START_G = auto()
    START_H = auto()
    START_I = auto()
    START_J = auto()
    START_K = auto()
    START_L = auto()
    START_M = auto()


Table = dict[tuple[State, Input], tuple[State, tuple[Action, ...]]]

S, I, A = State, Input, Action  # noqa: E741 - the tables are read by column, and names repeat

# RFC 3261 section 17.1.1 and figure 5, as RFC 6026 section 7.2 changed it.
INVITE_CLIENT: Table = {
    (S.START, I.CREATED): (S.CALLING, (A.SEND, A.START_A, A.START_B)),
    # 17.1.1.2: the request is repeated over unreliable transports, the interval doubling.
    (S.CALLING, I.TIMER_A): (S.CALLING, (A.SEND, A.START_A)),
    (S.CALLING, I.TIMER_B): (S.TERMINATED, (A.TIMED_OUT,)),
    (S.CALLING, I.TRANSPORT_ERROR): (S.TERMINATED, (A.UNREACHABLE,)),
    (S.CALLING, I.PROVISIONAL): (S.PROCEEDING, (A.PASS,)),
    (S.CALLING, I.SUCCESS): (S.ACCEPTED, (A.PASS, A.START_M)),
    (S.CALLING, I.FAILURE): (S.COMPLETED, (A.SEND_ACK, A.PASS, A.START_D)),
    (S.PROCEEDING, I.PROVISIONAL): (S.PROCEEDING, (A.PASS,)),
    (S.PROCEEDING, I.SUCCESS): (S.ACCEPTED, (A.PASS, A.START_M)),
    (S.PROCEEDING, I.FAILURE): (S.COMPLETED, (A.SEND_ACK, A.PASS, A.START_D)),
    (S.PROCEEDING, I.TRANSPORT_ERROR): (S.TERMINATED, (A.UNREACHABLE,)),
    # 17.1.1.2: repetitions of the final response are acknowledged, not passed up.
    (S.COMPLETED, I.FAILURE): (S.COMPLETED, (A.SEND_ACK,)),
    (S.COMPLETED, I.TRANSPORT_ERROR): (S.TERMINATED, (A.UNREACHABLE,)),
    (S.COMPLETED, I.TIMER_D): (S.TERMINATED, ()),
    # RFC 6026 section 7.2: every 2xx is passed up, for it may be another fork's.
    (S.ACCEPTED, I.SUCCESS): (S.ACCEPTED, (A.PASS,)),
    (S.ACCEPTED, I.TIMER_M): (S.TERMINATED, ()),
}

# RFC 3261 section 17.1.2, figure 6.
CLIENT: Table = {
    (S.START, I.CREATED): (S.TRYING, (A.SEND, A.START_E, A.START_F)),
    (S.TRYING, I.TIMER_E): (S.TRYING, (A.SEND, A.START_E)),
    (S.TRYING, I.TIMER_F): (S.TERMINATED, (A.TIMED_OUT,)),
    (S.TRYING, I.TRANSPORT_ERROR): (S.TERMINATED, (A.UNREACHABLE,)),
    (S.TRYING, I.PROVISIONAL): (S.PROCEEDING, (A.PASS,)),
    (S.TRYING, I.SUCCESS): (S.COMPLETED, (A.PASS, A.START_K)),
    (S.TRYING, I.FAILURE): (S.COMPLETED, (A.PASS, A.START_K)),
    # 17.1.2.2: in Proceeding, timer E is reset to T2.
    (S.PROCEEDING, I.TIMER_E): (S.PROCEEDING, (A.SEND, A.START_E)),
    (S.PROCEEDING, I.TIMER_F): (S.TERMINATED, (A.TIMED_OUT,)),
    (S.PROCEEDING, I.TRANSPORT_ERROR): (S.TERMINATED, (A.UNREACHABLE,)),
    (S.PROCEEDING, I.PROVISIONAL): (S.PROCEEDING, (A.PASS,)),
    (S.PROCEEDING, I.SUCCESS): (S.COMPLETED, (A.PASS, A.START_K)),
    (S.PROCEEDING, I.FAILURE): (S.COMPLETED, (A.PASS, A.START_K)),
    (S.COMPLETED, I.TIMER_K): (S.TERMINATED, ()),
}

# RFC 3261 section 17.2.1 and figure 7, as RFC 6026 section 7.1 changed it; which also keeps the
# state through transport errors, since the client will ask again.
INVITE_SERVER: Table = {
    (S.START, I.CREATED): (S.PROCEEDING, (A.PASS,)),
    (S.PROCEEDING, I.REQUEST): (S.PROCEEDING, (A.SEND,)),
    (S.PROCEEDING, I.PROVISIONAL): (S.PROCEEDING, (A.SEND,)),
    (S.PROCEEDING, I.SUCCESS): (S.ACCEPTED, (A.SEND, A.START_L)),
    (S.PROCEEDING, I.FAILURE): (S.COMPLETED, (A.SEND, A.START_G, A.START_H)),
    (S.PROCEEDING, I.TRANSPORT_ERROR): (S.PROCEEDING, (A.UNREACHABLE,)),
    (S.COMPLETED, I.REQUEST): (S.COMPLETED, (A.SEND,)),
    (S.COMPLETED, I.TIMER_G): (S.COMPLETED, (A.SEND, A.START_G)),
    (S.COMPLETED, I.TIMER_H): (S.TERMINATED, ()),
    (S.COMPLETED, I.ACK): (S.CONFIRMED, (A.START_I,)),
    # 17.2.1: Confirmed is there to absorb more ACKs until timer I.
    (S.CONFIRMED, I.TIMER_I): (S.TERMINATED, ()),
    # RFC 6026 section 7.1: repeated INVITEs are absorbed; the user's repeated 2xx go out.
    (S.ACCEPTED, I.SUCCESS): (S.ACCEPTED, (A.SEND,)),
    (S.ACCEPTED, I.ACK): (S.ACCEPTED, (A.PASS,)),
    (S.ACCEPTED, I.TIMER_L): (S.TERMINATED, ()),
}

# RFC 3261 section 17.2.2, figure 8.
SERVER: Table = {
    (S.START, I.CREATED): (S.TRYING, (A.PASS,)),
    (S.TRYING, I.PROVISIONAL): (S.PROCEEDING, (A.SEND,)),
    (S.TRYING, I.SUCCESS): (S.COMPLETED, (A.SEND, A.START_J)),
    (S.TRYING, I.FAILURE): (S.COMPLETED, (A.SEND, A.START_J)),
    (S.PROCEEDING, I.REQUEST): (S.PROCEEDING, (A.SEND,)),
    (S.PROCEEDING, I.PROVISIONAL): (S.PROCEEDING, (A.SEND,)),
    (S.PROCEEDING, I.SUCCESS): (S.COMPLETED, (A.SEND, A.START_J)),
    (S.PROCEEDING, I.FAILURE): (S.COMPLETED, (A.SEND, A.START_J)),
    (S.COMPLETED, I.REQUEST): (S.COMPLETED, (A.SEND,)),
    (S.COMPLETED, I.TIMER_J): (S.TERMINATED, ()),
}


class Step(Struct, frozen=True):
    """What came of an input: the actions to do, and the timers to stop."""

    actions: tuple[Action, ...]
    stop: tuple[Input, ...]


class Machine:
    """One table at work. It sends nothing and has no clock; it only says what to do."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.state = State.START
        self._running: set[Input] = set()

    @property
    def is_terminated(self) -> bool:
        """Whether the transaction is over."""
        return self.state is State.TERMINATED

    def step(self, happened: Input) -> Step | None:
        """Go on, and say what to do; None where the input means nothing here."""
        row = self.table.get((self.state, happened))
        if row is None:
            return None
        self.state, actions = row
        self._running.discard(happened)
        self._running.update(TIMER_OF[action] for action in actions if action in TIMER_OF)
        stopped = {timer for timer in self._running if (self.state, timer) not in self.table}
        self._running -= stopped
        return Step(actions, tuple(stopped))


TIMER_OF = {
    action: Input[action.name.replace("START", "TIMER")]
    for action in Action
    if action.name.startswith("START_")
}

# RFC 3261 table 4: these only repeat what the transport may lose, those only wait for repetitions.
_REPEATING = {Input.TIMER_A, Input.TIMER_E, Input.TIMER_G}
_ABSORBING = {Input.TIMER_D, Input.TIMER_I, Input.TIMER_J, Input.TIMER_K}


def duration(
    timer: Input, timers: Timers, *, reliable: bool, times: int, state: State
) -> float | None:
    """How long a timer runs, in seconds, or None if it doesn't.

    ``times`` is how often a repeating timer has run before.
    """
    if timer in _REPEATING:
        return None if reliable else _interval(timer, timers, times, state)
    if timer in _ABSORBING and reliable:
        return 0.0
    if timer is Input.TIMER_D:
        return max(32.0, timers.give_up)
    if timer in {Input.TIMER_I, Input.TIMER_K}:
        return timers.t4
    return timers.give_up


def _interval(timer: Input, timers: Timers, times: int, state: State) -> float:
    if timer is Input.TIMER_E and state is State.PROCEEDING:
        return timers.t2
    doubled = timers.t1 * 2.0 ** min(times, 16)
    # Only INVITE's interval has no upper bound (17.1.1.2); timer B ends it.
    return doubled if timer is Input.TIMER_A else min(doubled, timers.t2)
