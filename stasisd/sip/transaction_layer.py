"""Finds each message's transaction and runs its machine (RFC 3261 sections 17.1.3 and 17.2.3).

What the user of the transactions must know comes back as return values, never by callback.
"""

from collections.abc import Callable, Hashable, Iterator
from enum import StrEnum

from msgspec import Struct

from .flow import Flow
from .headers import Headers
from .message import MAX_FORWARDS, Message, Request, Response, respond
from .outbox import Outbox
from .settings import Settings
from .timers import Deadlines
from .transactions import (
    CLIENT,
    INVITE_CLIENT,
    INVITE_SERVER,
    SERVER,
    TIMER_OF,
    Action,
    Input,
    Machine,
    Step,
    duration,
)
from .transport import TransportLayer

MAGIC = "z9hG4bK"
Key = tuple[Hashable, ...]


class Purpose(StrEnum):
    """What a request of ours is for: who takes its responses."""

    INVITE = "INVITE"
    REINVITE = "re-INVITE"
    CANCEL = "CANCEL"
    BYE = "BYE"
    REGISTER = "REGISTER"
    NOTIFY = "NOTIFY"
    UPDATE = "UPDATE"
    REFER = "REFER"
    SINGLE = "a single request"


class Transaction:
    """One transaction. Of a client's, ``purpose`` and ``owner`` tell whose it is."""

    def __init__(
        self,
        key: Key,
        machine: Machine,
        request: Request,
        flow: Flow,
        purpose: Purpose | None = None,
        owner: str = "",
    ) -> None:
        """``flow`` is where the request is sent to, or came from."""
        self.key = key
        self.machine = machine
        self.request = request
        self.flow = flow
        self.purpose = purpose
        self.owner = owner
        self.latest: Response | None = None
        self.times: dict[Input, int] = {}


class TransactionTimer(Struct, frozen=True, gc=False):
    """A running timer of a transaction."""

    key: Key
    timer: Input


class RequestReceived(Struct, frozen=True):
    """A new request; answer it through its transaction. An ACK has none."""

    request: Request
    flow: Flow
    transaction: Transaction | None


class ResponseReceived(Struct, frozen=True):
    """A response to a request of ours."""

    response: Response
    flow: Flow
    transaction: Transaction


class Failed(Struct, frozen=True):
    """A request of ours got no final response: 408 time-out, 503 transport (section 8.1.3.1)."""

    transaction: Transaction
    status: int


Indication = RequestReceived | ResponseReceived | Failed


class TransactionLayer:
    """All transactions of a user agent."""

    def __init__(
        self,
        settings: Settings,
        transport: TransportLayer,
        outbox: Outbox,
        deadlines: Deadlines[object],
        token: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._outbox = outbox
        self._deadlines = deadlines
        self._token = token
        self._transactions: dict[Key, Transaction] = {}
        # Section 8.2.2.2: what a request is besides its branch, to the transaction that has it.
        self._merged: dict[Key, Key] = {}

    def __len__(self) -> int:
        return len(self._transactions)

    def receive(self, message: Message, flow: Flow, now: float) -> Iterator[Indication]:
        """Take a message from the network. Raise MalformedSip."""
        if isinstance(message, Response):
            yield from self._response(message, flow, now)
        elif message.method == "ACK":
            yield from self._ack(message, flow, now)
        else:
            yield from self._request(message, flow, now)

    def _response(self, response: Response, flow: Flow, now: float) -> Iterator[Indication]:
        key = ("client", response.via.branch, response.cseq.method)
        transaction = self._transactions.get(key)
        if transaction is None:
            self._outbox.counts["stray responses"] += 1
            return
        # All that the layers above will read must be readable before anything changes.
        _ = (response.to, response.contacts, response.record_route)
        transaction.latest = response
        step = self._step(transaction, input_of(response.status), now)
        if step is not None and Action.PASS in step.actions:
            yield ResponseReceived(response, flow, transaction)

    def _ack(self, request: Request, flow: Flow, now: float) -> Iterator[Indication]:
        transaction = self._transactions.get(server_key(request, "INVITE"))
        step = self._step(transaction, Input.ACK, now) if transaction is not None else None
        if transaction is None or (step is not None and Action.PASS in step.actions):
            yield RequestReceived(request, flow, None)

    def _request(self, request: Request, flow: Flow, now: float) -> Iterator[Indication]:
        key = server_key(request, request.method)
        transaction = self._transactions.get(key)
        if transaction is not None:
            self._step(transaction, Input.REQUEST, now)
        elif len(self._transactions) >= self._settings.max_transactions:
            self._refuse(request, 503, flow)
        elif self._is_merged(request, key):
            self._refuse(request, 482, flow)
        else:
            transaction = self._add_server(key, request, flow, now)
            yield RequestReceived(request, flow, transaction)

    def _refuse(self, request: Request, status: int, flow: Flow) -> None:
        # Without a transaction (section 8.2.7), so that it costs nothing to keep.
        response = respond(request, status, to_tag=self._token())
        self._transport.respond(bytes(response), request.via, flow)

    def _is_merged(self, request: Request, key: Key) -> bool:
        merged = merge_key(request)
        if request.to.tag is not None:
            return False
        return self._merged.setdefault(merged, key) != key

    def _add_server(self, key: Key, request: Request, flow: Flow, now: float) -> Transaction:
        table = INVITE_SERVER if request.method == "INVITE" else SERVER
        transaction = self._transactions[key] = Transaction(key, Machine(table), request, flow)
        self._step(transaction, Input.CREATED, now)
        return transaction

    def invite_of(self, cancel: Request) -> Transaction | None:
        """The INVITE transaction that a CANCEL is for (section 9.2)."""
        return self._transactions.get(server_key(cancel, "INVITE"))

    def request(
        self,
        request: Request,
        flow: Flow,
        purpose: Purpose,
        owner: str,
        now: float,
        *,
        branch: str | None = None,
    ) -> Transaction:
        """Send a request that has no Via yet, in a transaction of its own."""
        flow = self._transport.find(flow)
        branch = branch or self.new_branch()
        sent = self.with_via(request, flow, branch)
        key = ("client", branch, request.method)
        table = INVITE_CLIENT if request.method == "INVITE" else CLIENT
        transaction = Transaction(key, Machine(table), sent, flow, purpose, owner)
        self._transactions[key] = transaction
        self._step(transaction, Input.CREATED, now)
        return transaction

    def new_branch(self) -> str:
        """A branch as RFC 3261 wants it (section 8.1.1.7)."""
        return MAGIC + self._token()

    def with_via(self, request: Request, flow: Flow, branch: str) -> Request:
        """The request with our Via on top."""
        host, port = self._settings.advertised(flow)
        shown = f"[{host}]" if ":" in host else host
        via = f"SIP/2.0/{flow.transport.upper()} {shown}:{port};rport;branch={branch}"
        return request.replace(headers=Headers([("Via", via), *request.headers]))

    def respond(self, transaction: Transaction, response: Response, now: float) -> None:
        """Send a response through its transaction, which repeats it as needed."""
        transaction.latest = response
        self._step(transaction, input_of(response.status), now)

    def forget(self, transaction: Transaction) -> None:
        """End a transaction before its time."""
        for timer in Input:
            self._deadlines.cancel(TransactionTimer(transaction.key, timer))
        self._remove(transaction)

    def timeout(self, due: TransactionTimer, now: float) -> Iterator[Indication]:
        """Run a timer that is due."""
        transaction = self._transactions.get(due.key)
        if transaction is not None:
            step = self._step(transaction, due.timer, now)
            if step is not None and Action.TIMED_OUT in step.actions:
                yield Failed(transaction, 408)

    def flow_opened(self, wanted: Flow, flow: Flow) -> None:
        """Let the transactions know the connection that they wait for."""
        for transaction in self._transactions.values():
            if transaction.flow == wanted:
                transaction.flow = flow

    def flow_closed(self, flow: Flow, now: float) -> Iterator[Indication]:
        """Let the transactions know that use a flow."""
        affected = [each for each in self._transactions.values() if each.flow == flow]
        for transaction in affected:
            step = self._step(transaction, Input.TRANSPORT_ERROR, now)
            is_client = transaction.purpose is not None
            if is_client and step is not None and Action.UNREACHABLE in step.actions:
                yield Failed(transaction, 503)

    def _step(self, transaction: Transaction, happened: Input, now: float) -> Step | None:
        step = transaction.machine.step(happened)
        if step is None:
            return None
        for timer in step.stop:
            self._deadlines.cancel(TransactionTimer(transaction.key, timer))
        for action in step.actions:
            self._act(transaction, action, now)
        if transaction.machine.is_terminated:
            self._remove(transaction)
        return step

    def _act(self, transaction: Transaction, action: Action, now: float) -> None:
        if action is Action.SEND:
            self._send(transaction)
        elif action is Action.SEND_ACK:
            self._transport.send(bytes(ack_of(transaction)), transaction.flow)
        elif action in TIMER_OF:
            self._start(transaction, TIMER_OF[action], now)

    def _send(self, transaction: Transaction) -> None:
        request, flow = transaction.request, transaction.flow
        if transaction.purpose is not None:
            self._transport.send(bytes(request), flow)
        elif transaction.latest is not None:
            self._transport.respond(bytes(transaction.latest), request.via, flow)

    def _start(self, transaction: Transaction, timer: Input, now: float) -> None:
        times = transaction.times.get(timer, 0)
        transaction.times[timer] = times + 1
        runs = duration(
            timer,
            self._settings.timers,
            reliable=transaction.flow.is_reliable,
            times=times,
            state=transaction.machine.state,
        )
        if runs is not None:
            self._deadlines.set(TransactionTimer(transaction.key, timer), now + runs)

    def _remove(self, transaction: Transaction) -> None:
        self._transactions.pop(transaction.key, None)
        if transaction.purpose is None:
            merged = merge_key(transaction.request)
            if self._merged.get(merged) == transaction.key:
                del self._merged[merged]


def input_of(status: int) -> Input:
    """What a response's status means to a machine."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


def server_key(request: Request, method: str) -> Key:
    """What a request's transaction is found by (section 17.2.3)."""
    via = request.via
    if via.branch.startswith(MAGIC) and via.branch != MAGIC:
        return ("server", via.branch, via.sent_by, method)
    # A peer of RFC 2543: its branch means nothing, so the whole request has to identify it. The
    # tag of To is left out, for only the ACK has it.
    identity = (request.call_id, request.from_.tag, request.cseq.number, request.target)
    return ("server", *identity, via.sent_by, method)


def merge_key(request: Request) -> Key:
    """What two branches of one request have in common (section 8.2.2.2)."""
    return (request.from_.tag, request.call_id, request.cseq.number, request.method)


def ack_of(transaction: Transaction) -> Request:
    """The ACK to a response other than 2xx (section 17.1.1.3)."""
    request, response = transaction.request, transaction.latest
    assert response is not None
    headers = [
        ("Via", request.headers.values("Via")[0]),
        ("Max-Forwards", str(MAX_FORWARDS)),
        *(field for field in request.headers if field[0] == "Route"),
        ("From", request.headers.only("From")),
        ("To", response.headers.only("To")),
        ("Call-ID", request.call_id),
        ("CSeq", f"{request.cseq.number} ACK"),
    ]
    return Request("ACK", request.target, Headers(headers))
