"""A virtual network under SIP user agents: what is sent arrives at once and in order."""

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from stasisd.sip.flow import Address, Flow
from stasisd.technologies.sip.inbox import Connected, Heard, Inbox
from stasisd.technologies.sip.line import OpenWire
from stasisd.technologies.sip.sockets import CannotListen


@dataclass
class Switch:
    """Who listens where. ``log`` is all that was sent; ``drops`` decides what gets lost."""

    udp: dict[Address, Inbox] = field(default_factory=dict)
    tcp: dict[Address, Inbox] = field(default_factory=dict)
    # The other end of each connection: its inbox, and the flow as that end knows it.
    pipes: dict[int, tuple[Inbox, Flow]] = field(default_factory=dict)
    log: list[tuple[Flow, bytes]] = field(default_factory=list)
    drops: Callable[[bytes], bool] = lambda _data: False
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def wire(self) -> OpenWire:
        """What a line takes as its way to open sockets."""
        return functools.partial(VirtualWire, self)

    def cut(self, host: str) -> None:
        """End the connections of this host; both ends hear of it."""
        for number, (inbox, flow) in list(self.pipes.items()):
            if host in {flow.local[0], flow.remote[0]}:
                inbox.put(Heard(flow, b""))
                del self.pipes[number]

    def sent(self, start: str, source: Address | None = None) -> list[str]:
        """The messages so far that start like this, as text."""
        texts = [d.decode(errors="replace") for f, d in self.log if source in {None, f.local}]
        return [text for text in texts if text.startswith(start)]


class VirtualWire:
    """One user agent's sockets on a switch."""

    def __init__(self, switch: Switch, nursery: trio.Nursery, inbox: Inbox) -> None:
        self._switch = switch
        self._inbox = inbox

    def _listen(self, taken: dict[Address, Inbox], host: str, port: int) -> Address:
        address = host, port or 30_000 + next(self._switch.numbers)
        if address in taken:
            raise CannotListen(f"SIP cannot listen on {host} port {port}")
        taken[address] = self._inbox
        return address

    def listen_udp(self, host: str, port: int) -> Address:
        return self._listen(self._switch.udp, host, port)

    async def listen_tcp(self, host: str, port: int) -> Address:
        return self._listen(self._switch.tcp, host, port)

    def send(self, flow: Flow, data: bytes) -> None:
        self._switch.log.append((flow, data))
        if self._switch.drops(data):
            return
        if flow.transport == "udp":
            inbox = self._switch.udp.get(flow.remote)
            if inbox is not None:
                inbox.put(Heard(Flow("udp", flow.remote, flow.local), data))
        elif flow.connection in self._switch.pipes:
            inbox, theirs = self._switch.pipes[flow.connection]
            inbox.put(Heard(theirs, data))

    def connect(self, wish: Flow) -> None:
        far = self._switch.tcp.get(wish.remote)
        if far is None:
            self._inbox.put(Connected(wish, None))
            return
        here, there = next(self._switch.numbers), next(self._switch.numbers)
        client = wish.local[0], 40_000 + here
        self._switch.pipes[here] = far, Flow("tcp", wish.remote, client, there)
        self._switch.pipes[there] = self._inbox, Flow("tcp", wish.local, wish.remote, here)
        self._inbox.put(Connected(wish, here))

    def disconnect(self, flow: Flow) -> None:
        assert flow.connection is not None
        if flow.connection not in self._switch.pipes:
            return
        far, theirs = self._switch.pipes.pop(flow.connection)
        assert theirs.connection is not None
        del self._switch.pipes[theirs.connection]
        self._inbox.put(Heard(flow, b""))
        far.put(Heard(theirs, b""))
