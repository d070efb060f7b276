"""Phones for tests: a user agent like ours on the virtual network, with RTP beside it."""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import trio
import trio.testing

from stasisd.credentials.digest import Credentials
from stasisd.media.commands import Remote
from stasisd.rtp import packet, telephone_event
from stasisd.sip import events
from stasisd.sip.events import CallId, Event
from stasisd.sip.flow import Address, Flow
from stasisd.sip.headers import Field
from stasisd.sip.message import Message, Request, Response
from stasisd.sip.parser import parse
from stasisd.sip.registration import Policy
from stasisd.sip.uri import NameAddr, SipUri, Uri
from stasisd.technologies.sip.description import Description
from stasisd.technologies.sip.inbox import Connected, Heard, Inbox
from stasisd.technologies.sip.line import Line
from stasisd.technologies.sip.settings import SipSettings
from tests.support.media import Network
from tests.technologies.sip.wire import Switch, VirtualWire

E = TypeVar("E")

FRAME = bytes([0x12, 0x34]) * 80  # 20 ms of G.711 that is no silence
RTP_PORT = 5004
PATIENCE = 600.0  # virtual seconds


class Anyone:
    """A phone lets everyone call it."""

    def name_of(self, address: Uri, target: Uri) -> str:
        return address.user

    def realm_of(self, name: str) -> str:
        return "stasisd"

    def is_open(self, name: str, flow: Flow) -> bool:
        return True

    def ha1(self, username: str, realm: str, algorithm: str) -> str | None:
        return None

    def may_use(self, username: str, name: str) -> bool:
        return False

    def policy(self, aor: str) -> Policy:
        return Policy(max_contacts=0)


class Phone:
    """One phone. ``heard`` are its user agent's events that no test has taken yet."""

    def __init__(
        self,
        name: str,
        host: str,
        server: Address,
        switch: Switch,
        network: Network,
        *,
        username: str = "",
        password: str = "secret",
        transport: str = "udp",
        codecs: tuple[str, ...] = ("ulaw", "alaw"),
        domain: str | None = None,
    ) -> None:
        """``domain`` stands in the phone's addresses instead of the server's own host."""
        self.name = name
        self._domain = domain or server[0]
        self.address = (host, 5060)
        self.line = Line(SipSettings(host=host, port=5060, tcp=transport == "tcp"), switch.wire)
        self.flow = Flow(transport, self.address, server)
        self.rtp = network.far(host, RTP_PORT)
        self.remote: Remote | None = None
        self.heard: list[Event] = []
        self._codecs = codecs
        self._server = server
        self._credentials = Credentials(username or name, password)
        self._news = trio.Event()
        self._sequence = 20_000
        self._registration: events.RegistrationId | None = None
        self.renew()

    def renew(self) -> None:
        """Forget the last call's media."""
        self.description = Description((self.address[0], RTP_PORT), "7", self._codecs)

    def move(self, host: str, port: int) -> None:
        """Let the next offer name another address for our media."""
        self.description._address, self.description._port = host, port

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            await self.line.open(Anyone(), nursery)
            task_status.started()
            while True:
                self.heard += await self.line.receive()
                self._news.set()

    # --- hearing

    async def wait(self, kind: type[E]) -> E:
        """The next event of this kind; what came before it is passed over."""
        with trio.fail_after(PATIENCE):
            while True:
                while self.heard:
                    event = self.heard.pop(0)
                    if isinstance(event, kind):
                        return event
                self._news = trio.Event()
                await self._news.wait()

    # --- registering

    @property
    def agent(self) -> Any:
        return self.line.agent

    def uri(self, user: str = "") -> SipUri:
        return SipUri(self._domain, user, self._server[1])

    async def register(self, expires: int = 300) -> events.Registered | events.RegistrationFailed:
        self._registration = self.line.agent.register(
            self.uri(),
            NameAddr(self.uri(self.name)),
            self.flow,
            self.line.now(),
            credentials=self._credentials,
            expires=expires,
        )
        self.line.flush()
        return await self._registered()

    async def unregister(self) -> events.Registered | events.RegistrationFailed:
        assert self._registration is not None
        self.line.agent.unregister(self._registration, self.line.now())
        self.line.flush()
        return await self._registered()

    async def _registered(self) -> events.Registered | events.RegistrationFailed:
        return await self.wait(events.Registered | events.RegistrationFailed)  # type: ignore[arg-type] # isinstance takes a union

    # --- calls

    def dial(self, exten: str, body: bytes | None = None, fields: Sequence[Field] = ()) -> CallId:
        self.renew()
        call = self.line.agent.invite(
            self.uri(exten),
            NameAddr(self.uri(exten)),
            NameAddr(self.uri(self.name), "Phone"),
            self.flow,
            self.description.offer() if body is None else body,
            self.line.now(),
            credentials=self._credentials,
            fields=fields,
        )
        self.line.flush()
        return call

    async def call(self, exten: str) -> CallId:
        """Dial, and be answered."""
        call = self.dial(exten)
        await self.answered()
        await trio.testing.wait_all_tasks_blocked()  # the ACK has come
        return call

    async def answered(self) -> events.CallAnswered:
        answered = await self.wait(events.CallAnswered)
        if answered.body:
            self.settle(answered.body)
        return answered

    async def rejected(self) -> events.CallRejected:
        return await self.wait(events.CallRejected)

    def settle(self, answer: bytes) -> Remote:
        self.remote = self.description.take_answer(answer)
        return self.remote

    async def rings(self) -> events.CallReceived:
        """Somebody calls."""
        self.renew()
        return await self.wait(events.CallReceived)

    def answer(self, received: events.CallReceived) -> None:
        body, self.remote = self.description.answer(received.body)
        self.line.agent.answer(received.call, body, self.line.now())
        self.line.flush()

    def do(self, verb: str, *arguments: Any, **options: Any) -> None:
        """A verb of the user agent."""
        getattr(self.line.agent, verb)(*arguments, now=self.line.now(), **options)
        self.line.flush()

    def hang_up(self, call: CallId, cause: int = 16) -> None:
        self.do("hangup", call, cause)

    # --- media

    @property
    def target(self) -> Address:
        """Where our RTP goes."""
        assert self.remote is not None
        return self.remote.address

    async def talk(self, seconds: float, octets: bytes = FRAME) -> None:
        """Send sound as fast as it is spoken."""
        for _ in range(math.ceil(seconds / 0.02)):
            self.rtp.send_audio(octets, self.target)
            await trio.sleep(0.02)

    async def press(self, digits: str) -> None:
        """Press keys, each for 100 ms, as RFC 4733 events."""
        for number, digit in enumerate(digits):
            sender = telephone_event.Sender(digit, 800)
            while not sender.finished:
                for event in sender.next():
                    self._send_event(telephone_event.make(event), 500_000 + 2000 * number)
                await trio.sleep(0.02)
            await trio.sleep(0.1)

    def _send_event(self, payload: bytes, timestamp: int) -> None:
        self._sequence += 1
        made = packet.Packet(101, self._sequence, timestamp, 0x1234, payload)
        self.rtp.send(packet.make(made), self.target)

    def keys_heard(self) -> str:
        """The keys that came as events."""
        found = {
            sent.timestamp: telephone_event.DIGITS[telephone_event.parse(sent.payload).event]
            for sent in self.rtp.rtp
            if sent.payload_type == 101
        }
        return "".join(found.values())


class Raw:
    """A far end that says what a test writes, by UDP or on one TCP connection."""

    def __init__(self, address: Address, server: Address, switch: Switch) -> None:
        self.address = address
        self.inbox = Inbox()
        self._came: list[Heard | Connected] = []
        self.wire = VirtualWire(switch, None, self.inbox)  # type: ignore[arg-type] # it starts no tasks
        self.wire.listen_udp(*address)
        self.flow = Flow("udp", address, server)

    def send(self, data: bytes | str) -> None:
        self.wire.send(self.flow, data if isinstance(data, bytes) else data.encode())

    async def message(self) -> Message:
        """The next message."""
        with trio.fail_after(PATIENCE):
            while not self._came:
                await self.inbox.wait()
                self._came += self.inbox.take()
        heard = self._came.pop(0)
        assert isinstance(heard, Heard)
        return parse(heard.data)

    async def final(self) -> Response:
        """The next final response."""
        while True:
            message = await self.message()
            if isinstance(message, Response) and message.status >= 200:
                return message

    async def request(self) -> Request:
        """The next request."""
        while True:
            message = await self.message()
            if isinstance(message, Request):
                return message

    async def call(self, exten: str, body: bytes | None = None) -> str:
        """Call, and be answered; returns the tag of the other side."""
        self.send(request("INVITE", exten=exten, body=sdp() if body is None else body))
        answered = await self.final()
        assert answered.status == 200, answered
        tag = answered.to.tag or ""
        self.send(request("ACK", exten=exten, to_tag=tag))
        return tag


def request(
    method: str,
    *,
    user: str = "open",
    exten: str = "600",
    cseq: int = 1,
    contact: str = "<sip:open@192.0.2.50>",
    to_tag: str = "",
    fields: Sequence[str] = (),
    body: bytes = b"",
) -> bytes:
    """A request of a far end at 192.0.2.50; REGISTER is for its own name."""
    target = user if method == "REGISTER" else exten
    lines = [
        f"{method} sip:{target}@192.0.2.100 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.50:5060;rport;branch=z9hG4bK{method}{cseq}",
        "Max-Forwards: 70",
        f"From: <sip:{user}@192.0.2.50>;tag=far",
        f"To: <sip:{target}@192.0.2.100>{to_tag and f';tag={to_tag}'}",
        "Call-ID: far-call",
        f"CSeq: {cseq} {method}",
        f"Contact: {contact}",
        *fields,
        *(["Content-Type: application/sdp"] if body and method == "INVITE" else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def sdp(
    *lines: str, host: str = "192.0.2.50", port: int = 5004, payload_types: str = "0 101"
) -> bytes:
    """A description with one audio stream, and more lines."""
    given = [
        "v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
        f"m=audio {port} RTP/AVP {payload_types}", "a=rtpmap:101 telephone-event/8000", *lines,
    ]  # fmt: skip
    return "".join(f"{line}\r\n" for line in given).encode()


def info(tag: str, text: str, cseq: int = 2) -> bytes:
    """A key by INFO."""
    content = ("Content-Type: application/dtmf-relay",)
    return request("INFO", cseq=cseq, to_tag=tag, fields=content, body=text.encode())


def ok(answered: Request) -> str:
    """200 to a request."""
    names = ("Via", "From", "To", "Call-ID", "CSeq")
    copied = [li for li in bytes(answered).decode().split("\r\n") if li.startswith(names)]
    return "\r\n".join(["SIP/2.0 200 OK", *copied, "", ""])
