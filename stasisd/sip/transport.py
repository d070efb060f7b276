"""The transport layer (RFC 3261 section 18): bytes to messages, and messages to their flows.

A message for a TCP flow that is not open yet waits here: `ConnectionWanted` asks the shell to
connect, `opened` lets the messages go. A flow of an open connection is found again by whoever
names only its addresses.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from .events import CloseWanted, ConnectionWanted
from .flow import Flow
from .grammar import MalformedSip
from .headers import Via
from .message import REASONS, Message, Request, refuse
from .outbox import Outbox
from .parser import MalformedMessage, StreamParser, parse
from .settings import Settings
from .timers import Deadlines

MAX_WAITING = 256
_BLANK = b"\r\n\0 \t"


class UnfinishedMessage(Struct, frozen=True, gc=False):
    """The deadline for the rest of a message on a stream."""

    flow: Flow


class TransportLayer:
    """Reads and writes messages; knows no transactions."""

    def __init__(self, settings: Settings, outbox: Outbox, deadlines: Deadlines[object]) -> None:
        self._settings = settings
        self._outbox = outbox
        self._deadlines = deadlines
        self._streams: dict[Flow, StreamParser] = {}
        # By a connection's addresses alone: the open flow.
        self._open: dict[Flow, Flow] = {}
        self._waiting: dict[Flow, list[bytes]] = {}

    def receive(self, data: bytes, flow: Flow, now: float) -> Iterator[Message]:
        """Read messages; a request's topmost Via notes whence it came (section 18.2.1)."""
        self._outbox.counts["received"] += 1
        messages = self._stream(data, flow, now) if flow.is_reliable else self._datagram(data, flow)
        for message in messages:
            try:
                yield self._noted(message, flow) if isinstance(message, Request) else message
            except MalformedSip as error:
                self._outbox.malformed(flow, error)

    def _datagram(self, data: bytes, flow: Flow) -> Iterator[Message]:
        if not data.strip(_BLANK):
            return  # a keep-alive
        try:
            yield parse(data, self._settings.limits)
        except MalformedMessage as error:
            self._refuse(error, flow)

    def _stream(self, data: bytes, flow: Flow, now: float) -> Iterator[Message]:
        parser = self._streams.get(flow)
        if parser is None:
            parser = self._add(flow)
        parser.feed(data)
        try:
            while (message := parser.next_message()) is not None:
                yield message
        except MalformedMessage as error:
            self._refuse(error, flow)
            self.close(flow, str(error))
            return
        for _ in range(min(parser.keep_alives(), 1)):
            self._outbox.send(flow, b"\r\n")
        self._watch(parser, flow, now)

    def _watch(self, parser: StreamParser, flow: Flow, now: float) -> None:
        timer = UnfinishedMessage(flow)
        if parser.is_idle:
            self._deadlines.cancel(timer)
        else:
            self._deadlines.set(timer, now + self._settings.timers.give_up)

    def _noted(self, message: Request, flow: Flow) -> Request:
        rport = self._settings.force_rport or message.via.wants_rport
        via = message.via.with_source(*flow.remote, rport=rport)
        return message.replace(headers=message.headers.with_first_via(str(via)))

    def _refuse(self, error: MalformedMessage, flow: Flow) -> None:
        if error.partial is None:
            self._outbox.malformed(flow, error)
        else:
            self.refuse(error.partial, error.status, flow, error)

    def refuse(self, message: Message, status: int, flow: Flow, error: MalformedSip) -> None:
        """Report a message that can't be understood, and answer it if it is a request."""
        self._outbox.malformed(flow, error)
        if not isinstance(message, Request) or message.method == "ACK":
            return
        reason = f"{REASONS[status]} ({error})"
        try:
            noted = self._noted(message, flow)
            self.respond(bytes(refuse(noted, status, reason)), noted.via, flow)
        except MalformedSip:
            pass  # without a Via there is nobody to tell

    def _add(self, flow: Flow) -> StreamParser:
        parser = self._streams[flow] = StreamParser(self._settings.limits)
        self._open[replace(flow, connection=None)] = flow
        return parser

    def find(self, flow: Flow) -> Flow:
        """The open flow between the same addresses, else the flow itself."""
        if flow.connection is None:
            return self._open.get(flow, flow)
        return flow

    def is_open(self, flow: Flow) -> bool:
        """Whether something sent on this flow can arrive without a connection being made."""
        return not flow.is_reliable or self.find(flow) in self._streams

    def send(self, data: bytes, flow: Flow) -> None:
        """Send a message's bytes, or keep them until there is a connection."""
        flow = self.find(flow)
        if self.is_open(flow):
            self._outbox.send(flow, data)
            return
        wanted = replace(flow, connection=None)
        waiting = self._waiting.get(wanted)
        if waiting is None:
            waiting = self._waiting[wanted] = []
            self._outbox.emit(ConnectionWanted(wanted))
        if len(waiting) < MAX_WAITING:
            waiting.append(data)

    def respond(self, data: bytes, via: Via, flow: Flow) -> None:
        """Send a response along its request's topmost Via (section 18.2.2 and RFC 3581)."""
        self.send(data, self.response_flow(via, flow))

    def response_flow(self, via: Via, flow: Flow) -> Flow:
        """Where the response to a request goes that came on this flow."""
        if flow.is_reliable:
            usable = self.is_open(flow)
        else:
            usable = self._settings.force_rport or via.wants_rport
        if usable:
            return flow
        return replace(flow, remote=(flow.remote[0], via.sent_by[1]), connection=None)

    def opened(self, wanted: Flow, connection: int) -> Flow:
        """Note that a wanted connection is there, and send what waits for it."""
        flow = replace(wanted, connection=connection)
        self._add(flow)
        for data in self._waiting.pop(wanted, []):
            self._outbox.send(flow, data)
        return flow

    def closed(self, flow: Flow) -> None:
        """Forget a flow and what waits for it."""
        self._streams.pop(flow, None)
        self._deadlines.cancel(UnfinishedMessage(flow))
        wanted = replace(flow, connection=None)
        if self._open.get(wanted) == flow:
            del self._open[wanted]
        if flow.connection is None:
            self._waiting.pop(flow, None)

    def close(self, flow: Flow, reason: str) -> None:
        """Give up a connection, and ask the shell to close it."""
        self.closed(flow)
        self._outbox.emit(CloseWanted(flow, reason))
