"""All of ARI but the sockets: requests go to the Responder, events come out of its streams."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from caps.grant import Grant
from caps.keyring import Keyring
from caps.token import generate_key
from stasisd.bindings.ari.encoding import Encoder
from stasisd.bindings.ari.performing import Performer
from stasisd.bindings.rest import perform
from stasisd.bindings.rest.door import Door
from stasisd.bindings.rest.exchange import HttpRequest, WebSocketSession, build_request
from stasisd.bindings.rest.files import FileSlice
from stasisd.bindings.rest.responder import AriResponder
from stasisd.bindings.websocket.applications import ApplicationStream
from stasisd.bindings.websocket.requests import Conversation
from stasisd.bindings.websocket.session import Ended
from stasisd.core.tenant import Tenant
from stasisd.credentials.passwords import Plain
from stasisd.operations.authentication import Authenticator, User
from stasisd.operations.events import Hearing
from stasisd.operations.gate import Gate
from stasisd.operations.hearing import permits
from stasisd.operations.tenure import Tenures
from tests.support.tenant import running_tenant

SERVER_ID = "02:fc:00:00:00:01"
SERVER = "Asterisk/GIT-master-f0c1c1a7b7"
ORIGIN = "http://good.example"
USER = "conf:conf"
READER = "confro:confro"


class Reply(msgspec.Struct, frozen=True):
    """An answer; the body of a file is read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Socket:
    """An open event WebSocket, read all the time. `messages` are the events, as JSON values."""

    def __init__(self, stream: ApplicationStream, conversation: Conversation) -> None:
        self.messages: list[dict[str, Any]] = []
        self.pieces: list[int] = []  # the bytes of each backlog
        self.ended: Ended | None = None
        self.scope = trio.CancelScope()
        self._stream = stream
        self._conversation = conversation
        self._news = trio.Event()

    async def say(self, message: str) -> dict[str, Any]:
        """Send a request; its answer is among the messages, too."""
        answer: dict[str, Any] = msgspec.json.decode(await self._conversation.answer(message))
        self.messages.append(answer)
        return answer

    async def read(self) -> None:
        with self.scope:
            while self.ended is None:
                taken = await self._stream.receive()
                if isinstance(taken, Ended):
                    self.ended = taken
                else:
                    self.pieces.append(sum(map(len, taken)))
                    self.messages += [msgspec.json.decode(message) for message in taken]
                self._news.set()
                self._news = trio.Event()

    async def until(self, kind: str) -> dict[str, Any]:
        """The first event of this type that is not yet taken; those before it are taken too."""
        while True:
            while self.messages:
                message = self.messages.pop(0)
                if message["type"] == kind:
                    return message
            await self._news.wait()

    async def wait_count(self, count: int) -> None:
        """Wait until so many events are there."""
        while len(self.messages) < count:
            await self._news.wait()

    def close(self) -> None:
        self.scope.cancel()
        self._stream.close()


class _Opened:
    """What stands for the session of a real WebSocket."""

    subprotocols: Sequence[str] = ("ari",)

    def __init__(self, stream: ApplicationStream, conversation: Conversation) -> None:
        self.stream = stream
        self.conversation = conversation

    async def run(self, wire: Any) -> None:
        raise AssertionError("there is no wire here")

    def close(self) -> None:
        self.stream.close()


class Server:
    """One tenant behind the responder, with a user that may write and one that may read.

    ``others`` are tenants there, too; their user logs in as `conf@NAME`.
    """

    def __init__(
        self, tenant: Tenant, nursery: trio.Nursery, others: Sequence[Tenant] = ()
    ) -> None:
        self.tenant = tenant
        names = [tenant.name, *(other.name for other in others)]
        self.keyring = Keyring([generate_key(f"k{n}", name) for n, name in enumerate(names, 1)])
        self.encoder = Encoder(SERVER_ID, "GIT-master-f0c1c1a7b7")
        users = (
            User(name="conf", tenant=tenant.name, password=Plain("conf")),
            User(name="confro", tenant=tenant.name, password=Plain("confro"), read_only=True),
            User(name="near", tenant=tenant.name, password=Plain("near"), permit=("192.0.2.0/24",)),
            User(name="far", tenant=tenant.name, password=Plain("far"), deny=("192.0.2.0/28",)),
            *(User(name="conf", tenant=name, password=Plain("conf")) for name in names[1:]),
        )
        self._tenants = {each.name: each for each in (tenant, *others)}
        self.gate = Gate(self._tenants, tenant.now)
        self.performer = Performer(self.gate, self.encoder)
        self.authenticator = Authenticator(users, self.keyring, tenant.now)
        self.tenures = Tenures(self.keyring, tenant.now)
        self.responder = AriResponder(
            self.performer,
            Door(self.authenticator, allow_plaintext=True),
            documents=lambda _name, _host: None,
            open_session=self._session,
            server=SERVER,
        )
        self._nursery = nursery

    def _session(self, hearing: Hearing, grant: Grant) -> WebSocketSession:
        assert grant.tenant is not None
        may_hear = permits(grant, self._tenants[grant.tenant])
        stream = ApplicationStream(hearing, self.encoder.event, may_hear)
        tenure = self.tenures.of(grant)
        conversation = Conversation(
            self.performer, grant, tenure, hearing.names[0], self.tenant.now
        )
        return _Opened(stream, conversation)

    async def request(
        self,
        method: str,
        target: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        user: str | None = USER,
    ) -> Reply:
        """Ask; `body` is JSON, or bytes where the headers name their type."""
        request = _request(method, target, body, headers or {}, user)
        outgoing = await perform.perform(self.responder, request, (ORIGIN,))
        return await _reply(outgoing)

    async def get(self, target: str, **options: Any) -> Any:
        """The JSON of a GET that succeeds."""
        reply = await self.request("GET", target, **options)
        assert reply.status == 200, reply
        return reply.json

    async def open(
        self,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        user: str | None = USER,
    ) -> Socket | Reply:
        """Open an event WebSocket, or be refused."""
        request = _request("GET", target, None, headers or {}, user)
        opened = await perform.open_events(self.responder, request, ())
        if isinstance(opened, perform.Outgoing):
            return await _reply(opened)
        assert isinstance(opened, _Opened)
        socket = Socket(opened.stream, opened.conversation)
        self._nursery.start_soon(socket.read)
        return socket

    async def listen(self, target: str, **options: Any) -> Socket:
        """Open an event WebSocket that is allowed."""
        socket = await self.open(target, **options)
        assert isinstance(socket, Socket), socket
        return socket


@asynccontextmanager
async def serving(
    folder: Path, dialplan: str | None = None, **options: Any
) -> AsyncIterator[Server]:
    """A server on a tenant of its own."""
    async with (
        running_tenant(folder, dialplan, **options) as tenant,
        trio.open_nursery() as nursery,
    ):
        yield Server(tenant, nursery)
        nursery.cancel_scope.cancel()


def _request(
    method: str, target: str, body: object, headers: Mapping[str, str], user: str | None
) -> HttpRequest:
    sent = dict(headers)
    if user is not None and "api_key=" not in target:
        sent.setdefault("authorization", f"Basic {base64.b64encode(user.encode()).decode()}")
    data = body if isinstance(body, bytes) else b""
    if body is not None and not isinstance(body, bytes):
        data = msgspec.json.encode(body)
        sent.setdefault("content-type", "application/json")
    return build_request(method, target.encode(), sent, data, ("192.0.2.9", 40000), secure=False)


async def _reply(outgoing: perform.Outgoing) -> Reply:
    body = outgoing.body
    if isinstance(body, FileSlice):
        body.file.seek(body.offset)
        body = body.file.read(body.length)
    outgoing.close()
    headers = {name.decode(): value.decode() for name, value in outgoing.headers}
    return Reply(outgoing.status, headers, body)
