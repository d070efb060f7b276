"""A phone over real sockets: our own SIP user agent with one voice.

For loads and ends; what the rest of the world says to us is tried by `tests/phone`.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from stasisd.credentials.digest import Credentials
from stasisd.sip import events
from stasisd.sip.endpoint import Endpoint
from stasisd.sip.events import CallId
from stasisd.sip.flow import Address, Flow
from stasisd.sip.registration import Policy
from stasisd.sip.settings import Settings, Transport
from stasisd.sip.uri import NameAddr, SipUri, Uri

from .program import PHONE_PASSWORD

HOST = "127.0.0.1"


class Everybody:
    """A phone lets anybody call."""

    def name_of(self, address: Uri, target: Uri) -> str:
        return address.user

    def realm_of(self, name: str) -> str:
        return "stasisd"

    def is_open(self, name: str, flow: Flow) -> bool:
        return True

    def ha1(self, username: str, realm: str, algorithm: str) -> str | None:
        return None

    def may_use(self, username: str, name: str) -> bool:
        return True

    def policy(self, aor: str) -> Policy:
        return Policy()


def description(
    rtp: Address, *, telephone_event: bool = True, direction: str = "sendrecv"
) -> bytes:
    """An offer or an answer of PCMU at this address."""
    host, port = rtp
    formats = "0 101" if telephone_event else "0"
    lines = [
        "v=0",
        f"o=phone 1 {time.monotonic_ns()} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        "a=rtpmap:0 PCMU/8000",
        *(["a=rtpmap:101 telephone-event/8000"] if telephone_event else []),
        f"a={direction}",
        "",
    ]
    return "\r\n".join(lines).encode()


def rtp_address(body: bytes) -> Address:
    """Where a description wants its audio."""
    lines = body.decode().splitlines()
    host = next(line.split()[-1] for line in lines if line.startswith("c="))
    port = next(line.split()[1] for line in lines if line.startswith("m=audio"))
    return host, int(port)


class Call:
    """One call of a phone."""

    def __init__(self, phone: Phone, call: CallId) -> None:
        self._phone = phone
        self.id = call
        self.answered = trio.Event()
        self.over = trio.Event()
        self.settled = trio.Event()  # one of the two
        self.happened: list[events.Event] = []
        self.remote: Address | None = None

    def take(self, event: events.Event) -> None:
        self.happened.append(event)
        if isinstance(event, (events.CallAnswered, events.CallProgressed)) and event.body:
            self.remote = rtp_address(event.body)
        if isinstance(event, events.CallAnswered):
            self.answered.set()
        if isinstance(event, (events.CallEnded, events.CallRejected)):
            self.over.set()
        if self.answered.is_set() or self.over.is_set():
            self.settled.set()

    @property
    def end(self) -> events.CallEnded | events.CallRejected:
        """How the call ended."""
        last = self.happened[-1]
        assert isinstance(last, (events.CallEnded, events.CallRejected))
        return last

    def hang_up(self) -> None:
        """End the call."""
        self._phone.agent.hangup(self.id, 16, trio.current_time())
        self._phone.flush()
        self.over.set()


class Phone:
    """A user agent on a UDP socket. All of its calls share one address for audio, ``rtp``.

    To a ``deaf`` one nothing gets through.
    """

    def __init__(
        self,
        server: Address,
        name: str = "100",
        rtp: Address | None = None,
        *,
        password: str = PHONE_PASSWORD,
        domain: str = "",
    ) -> None:
        """``domain`` stands in its addresses instead of the server's host."""
        self.name = name
        self._credentials = Credentials(name, password)
        self._domain = domain or server[0]
        self.server = server
        self.rtp = rtp or (HOST, 9)
        self.calls: dict[CallId, Call] = {}
        self.registered = trio.Event()
        self.deaf = False
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._kick = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Live until cancelled."""
        with self._socket:
            self._socket.bind((HOST, 0))
            waiting = trio.socket.from_stdlib_socket(self._socket)
            self.local: Address = self._socket.getsockname()
            self.flow = Flow("udp", self.local, self.server)
            self.agent = Endpoint(
                Settings(transports=(Transport("udp", self.local),)),
                Everybody(),
                token=lambda: secrets.token_hex(8),
                secret=secrets.token_bytes(16),
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch_clock)
                task_status.started()
                while True:
                    data, source = await waiting.recvfrom(65535)
                    if self.deaf:
                        continue
                    self.agent.receive(data, Flow("udp", self.local, source), trio.current_time())
                    self._act()

    async def _watch_clock(self) -> None:
        while True:
            due = self.agent.next_timeout()
            self._kick = trio.Event()
            with trio.move_on_at(float("inf") if due is None else due):
                await self._kick.wait()
            self.agent.handle_timeout(trio.current_time())
            self._act()

    def flush(self) -> None:
        """Send what is to be sent."""
        for flow, data in self.agent.datagrams_to_send(trio.current_time()):
            self._socket.sendto(data, flow.remote)
        self._kick.set()

    def _act(self) -> None:
        self.flush()
        while happened := self.agent.events():
            for event in happened:
                self._take(event)
            self.flush()

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.Registered):
            self.registered.set()
        elif isinstance(event, events.CallReceived):
            self.calls[event.call] = Call(self, event.call)
            self.calls[event.call].remote = rtp_address(event.body)
            self.agent.answer(event.call, description(self.rtp), trio.current_time())
        elif isinstance(event, events.OfferReceived):
            self.agent.accept_offer(event.call, description(self.rtp), trio.current_time())
        else:
            call = self.calls.get(getattr(event, "call", CallId("")))
            if call is not None:
                call.take(event)

    async def register(self) -> None:
        """Register, and wait until it is done."""
        self.agent.register(
            SipUri(self._domain, port=self.server[1]),
            NameAddr(SipUri(self._domain, self.name)),
            self.flow,
            trio.current_time(),
            credentials=self._credentials,
        )
        self.flush()
        await self.registered.wait()

    def call(self, exten: str, rtp: Address | None = None, *, telephone_event: bool = True) -> Call:
        """Call somebody."""
        host, port = self._domain, self.server[1]
        made = self.agent.invite(
            SipUri(host, exten, port),
            NameAddr(SipUri(host, exten)),
            NameAddr(SipUri(host, self.name)),
            self.flow,
            description(rtp or self.rtp, telephone_event=telephone_event),
            trio.current_time(),
            credentials=self._credentials,
        )
        self.calls[made] = Call(self, made)
        self.flush()
        return self.calls[made]


@asynccontextmanager
async def phone(
    server: Address, name: str = "100", rtp: Address | None = None, **options: str
) -> AsyncIterator[Phone]:
    """A phone that is switched on."""
    made = Phone(server, name, rtp, **options)
    async with trio.open_nursery() as nursery:
        await nursery.start(made.run)
        yield made
        nursery.cancel_scope.cancel()
