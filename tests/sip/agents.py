"""User agents at both ends of a virtual network, and a plain far end that says what a test says."""

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from stasisd.credentials.digest import Credentials, ha1
from stasisd.sip import events
from stasisd.sip.endpoint import Endpoint
from stasisd.sip.events import CallId, Event, RegistrationId
from stasisd.sip.flow import Flow
from stasisd.sip.message import Message, Request, Response
from stasisd.sip.parser import parse
from stasisd.sip.registration import Policy
from stasisd.sip.settings import Settings, Transport
from stasisd.sip.uri import NameAddr, SipUri, Uri
from tests.support.network import Address, VirtualNetwork

E = TypeVar("E")

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
ANSWER = b"v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\n"
HOLD = b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=sendonly\r\n"

SERVER = ("192.0.2.1", 5060)
PHONE = ("192.0.2.2", 5060)
PASSWORDS = {"100": "secret", "101": "other", "102": "third"}


class People:
    """A directory: 100 to 102 have passwords, those in ``open_names`` need none."""

    def __init__(self, open_names: frozenset[str] = frozenset(), policy: Policy | None = None):
        self.open_names = open_names
        self.bounds = policy or Policy()

    def name_of(self, address: Uri, target: Uri) -> str:
        return address.user

    def realm_of(self, name: str) -> str:
        return "stasisd"

    def is_open(self, name: str, flow: Flow) -> bool:
        return name in self.open_names

    def ha1(self, username: str, realm: str, algorithm: str) -> str | None:
        password = PASSWORDS.get(username)
        return None if password is None else ha1(username, realm, password, algorithm)

    def may_use(self, username: str, name: str) -> bool:
        return username == name

    def policy(self, aor: str) -> Policy:
        return self.bounds


EVERYBODY = frozenset({"100", "101", "102", "anonymous"})


def tokens(prefix: str) -> Callable[[], str]:
    """A source of tokens that are all different and the same in each run."""
    count = itertools.count(1)
    return lambda: f"{prefix}{next(count)}"


def endpoint(
    address: Address = SERVER,
    *,
    people: People | None = None,
    prefix: str = "s",
    transport: str = "udp",
    **settings: Any,
) -> Endpoint:
    given = Settings(transports=(Transport(transport, address),))
    return Endpoint(
        msgspec.structs.replace(given, **settings),
        people or People(EVERYBODY),
        token=tokens(prefix),
        secret=b"a secret of the tests",
    )


class Agent:
    """An endpoint as a party of the virtual network. ``heard`` are its events so far."""

    def __init__(self, network: VirtualNetwork, address: Address, agent: Endpoint) -> None:
        self.network = network
        self.address = address
        self.sip = agent
        self.heard: list[Event] = []
        network.add(address, self)

    def receive(self, data: bytes, source: Address, now: float) -> None:
        self.sip.receive(data, Flow("udp", self.address, source), now)
        self._listen()

    def datagrams_to_send(self, now: float) -> list[tuple[Address, bytes]]:
        sent = [(flow.remote, data) for flow, data in self.sip.datagrams_to_send(now)]
        self._listen()
        return sent

    def next_timeout(self) -> float | None:
        return self.sip.next_timeout()

    def handle_timeout(self, now: float) -> None:
        self.sip.handle_timeout(now)
        self._listen()

    def _listen(self) -> None:
        self.heard += self.sip.events()

    @property
    def now(self) -> float:
        return self.network.now

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.heard if isinstance(event, kind)]

    def wait(self, kind: type[E], count: int = 1) -> E:
        """Let time pass until so many events of a kind were heard; returns the last of them."""
        self.network.run_until(lambda: len(self.all(kind)) >= count)
        return self.all(kind)[count - 1]

    def flow_to(self, other: Address) -> Flow:
        return Flow("udp", self.address, other)

    def call(
        self, to: Address, user: str = "200", from_user: str = "100", **options: Any
    ) -> CallId:
        target = SipUri(to[0], user, to[1])
        given: dict[str, Any] = {"body": OFFER} | options
        return self.sip.invite(
            target,
            NameAddr(SipUri(to[0], user)),
            NameAddr(SipUri(self.address[0], from_user)),
            self.flow_to(to),
            now=self.now,
            **given,
        )

    def register(
        self, to: Address, user: str = "100", password: str = "secret", **options: Any
    ) -> RegistrationId:
        return self.sip.register(
            SipUri(to[0], port=to[1]),
            NameAddr(SipUri(to[0], user)),
            self.flow_to(to),
            self.now,
            credentials=Credentials(user, password),
            **options,
        )


class Far:
    """A far end that sends what a test writes, and keeps what comes."""

    def __init__(self, network: VirtualNetwork, address: Address) -> None:
        self.network = network
        self.address = address
        self.messages: list[Message] = []
        network.add(address, self)

    def receive(self, data: bytes, source: Address, now: float) -> None:
        self.messages.append(parse(data))

    def datagrams_to_send(self, now: float) -> list[tuple[Address, bytes]]:
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, now: float) -> None:
        """Has no time."""

    def send(self, to: Address, message: Message | bytes | str) -> None:
        data = message.encode() if isinstance(message, str) else bytes(message)
        self.network.send(self.address, to, data)

    @property
    def requests(self) -> list[Request]:
        return [message for message in self.messages if isinstance(message, Request)]

    @property
    def responses(self) -> list[Response]:
        return [message for message in self.messages if isinstance(message, Response)]

    @property
    def statuses(self) -> list[int]:
        return [response.status for response in self.responses]

    def wait_status(self, status: int, count: int = 1) -> Response:
        def found() -> list[Response]:
            return [response for response in self.responses if response.status == status]

        self.network.run_until(lambda: len(found()) >= count)
        return found()[count - 1]

    def wait_request(self, method: str, count: int = 1) -> Request:
        def found() -> list[Request]:
            return [request for request in self.requests if request.method == method]

        self.network.run_until(lambda: len(found()) >= count)
        return found()[count - 1]


def pair(
    *, people: People | None = None, network: VirtualNetwork | None = None, **settings: Any
) -> tuple[Agent, Agent]:
    """A phone and a server, wired together."""
    network = network or VirtualNetwork()
    server = Agent(network, SERVER, endpoint(SERVER, people=people, **settings))
    phone = Agent(network, PHONE, endpoint(PHONE, prefix="p"))
    return phone, server


def ringing(phone: Agent, server: Agent, **options: Any) -> tuple[CallId, CallId]:
    """A call from the phone that waits to be answered: its ids at the phone and the server."""
    seen = len(server.all(events.CallReceived))
    call = phone.call(server.address, **options)
    return call, server.wait(events.CallReceived, seen + 1).call


def answered(phone: Agent, server: Agent, **options: Any) -> tuple[CallId, CallId]:
    """A call from the phone that the server has answered."""
    call, received = ringing(phone, server, **options)
    before = len(phone.all(events.CallAnswered))
    server.sip.answer(received, ANSWER, server.now)
    phone.wait(events.CallAnswered, before + 1)
    phone.network.run_for(1.0)
    return call, received


def request(
    method: str,
    *,
    branch: str = "z9hG4bKfar1",
    target: str = "sip:200@192.0.2.1",
    source: Address = PHONE,
    from_: str = "<sip:100@192.0.2.2>;tag=far",
    to: str = "<sip:200@192.0.2.1>",
    call_id: str = "call@far",
    cseq: str | None = None,
    fields: tuple[str, ...] = (),
    body: bytes = b"",
) -> bytes:
    """A request as a phone would send it."""
    lines = [
        f"{method} {target} SIP/2.0",
        f"Via: SIP/2.0/UDP {source[0]}:{source[1]};branch={branch}",
        "Max-Forwards: 70",
        f"From: {from_}",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq or f'1 {method}'}",
        f"Contact: <sip:100@{source[0]}:{source[1]}>",
        *fields,
        *(["Content-Type: application/sdp"] if body and method == "INVITE" else []),
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body
