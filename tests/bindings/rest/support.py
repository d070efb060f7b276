"""A Responder that does what a test says, a server around it, and a client on a raw socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import h11
import msgspec
import trio
from quart import Blueprint
from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import (
    AcceptConnection,
    Event,
    RejectConnection,
    RejectData,
    Request,
)

from stasisd.bindings.rest.answers import json_answer, message_answer
from stasisd.bindings.rest.exchange import HttpRequest, HttpResponse, WebSocketSession
from stasisd.bindings.rest.server import serve
from stasisd.bindings.rest.site import HttpSettings
from stasisd.bindings.websocket.session import Ended, EventSession, WebSocketSettings
from stasisd.bindings.websocket.wire import ServedSocket

Respond = Callable[[HttpRequest], Awaitable[HttpResponse]]
# Long enough for a loaded machine; a test that works never waits for it.
PATIENCE = 10.0


class FakeStream:
    """An `EventStream` that a test feeds."""

    def __init__(self) -> None:
        self.incoming: list[str | bytes] = []
        self.closed = trio.Event()
        self.got_message = trio.Event()
        self._feed, self._backlog = trio.open_memory_channel[Sequence[bytes] | Ended](1000)

    def publish(self, *messages: bytes) -> None:
        self._feed.send_nowait(messages)

    def end(self, code: int, reason: str) -> None:
        self._feed.send_nowait(Ended(code, reason))

    async def receive(self) -> Sequence[bytes] | Ended:
        return await self._backlog.receive()

    async def answer(self, message: str | bytes) -> bytes:
        self.incoming.append(message)
        self.got_message.set()
        return b"answered"

    def close(self) -> None:
        assert not self.closed.is_set(), "closed twice"
        self._feed.close()
        self._backlog.close()
        self.closed.set()


class FakeResponder:
    """Echoes the request, or does what `respond` was replaced by."""

    def __init__(self, respond: Respond | None = None) -> None:
        self.requests: list[HttpRequest] = []
        self.streams: list[FakeStream] = []
        self.opened = trio.Event()
        self.websocket = WebSocketSettings()
        self.max_message = 1 << 20
        self._respond = respond

    async def respond(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        if self._respond is not None:
            return await self._respond(request)
        return json_answer(200, {"path": request.path, "body": request.body.decode()})

    async def open_events(self, request: HttpRequest) -> HttpResponse | WebSocketSession:
        self.requests.append(request)
        if ("app", "refused") in request.query:
            challenge = ((b"www-authenticate", b'Basic realm="Asterisk REST Interface"'),)
            return message_answer(401, "Authentication required", challenge)
        if ("app", "broken") in request.query:
            raise RuntimeError("a bug")
        stream = FakeStream()
        self.streams.append(stream)
        self.opened.set()
        return ServedSocket(EventSession(stream, stream.answer, self.websocket), self.max_message)


class Server:
    """A running `serve`."""

    def __init__(self, address: tuple[str, int], stop: trio.Event, ended: trio.Event) -> None:
        self.address = address
        self.stop = stop
        self.ended = ended

    async def connect(self) -> Client:
        return Client(await trio.open_tcp_stream(*self.address))

    async def ask(self, method: str, target: str, **options: Any) -> Answer:
        """One request on a connection of its own."""
        client = await self.connect()
        async with client.stream:
            return await client.ask(method, target, **options)


@asynccontextmanager
async def serving(
    responder: FakeResponder, blueprints: Iterable[Blueprint] = (), **settings: Any
) -> AsyncIterator[Server]:
    """Serve on a free port of the loopback; stop, and wait for the end, on the way out."""
    stop, ended = trio.Event(), trio.Event()
    all_settings = HttpSettings(listen=(("127.0.0.1", 0),), **settings)

    async def run(task_status: trio.TaskStatus[list[tuple[str, int]]]) -> None:
        await serve(
            responder, all_settings, stop=stop, blueprints=blueprints, task_status=task_status
        )
        ended.set()

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(run)
            yield Server(addresses[0], stop, ended)
            stop.set()


class Answer(msgspec.Struct):
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Client:
    """One HTTP/1.1 connection."""

    def __init__(self, stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]) -> None:
        self.stream = stream
        self._h11 = h11.Connection(h11.CLIENT)
        self.continued = False

    async def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Answer:
        fields = [("Host", "test"), *headers]
        if body and not any(name.lower() == "transfer-encoding" for name, _ in fields):
            fields.append(("Content-Length", str(len(body))))
        data = self._h11.send(h11.Request(method=method, target=target, headers=fields))
        if body:
            data += self._h11.send(h11.Data(data=body))
        data += self._h11.send(h11.EndOfMessage())
        await self.stream.send_all(data)
        return await self.answer()

    async def raw(self, data: bytes, method: str = "GET") -> Answer:
        """Send bytes as they are and read a response to them."""
        self._h11.send(h11.Request(method=method, target="/", headers=[("Host", "test")]))
        self._h11.send(h11.EndOfMessage())
        await self.stream.send_all(data)
        return await self.answer()

    async def answer(self) -> Answer:
        response, body = None, b""
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                self._h11.receive_data(bytes(await self.stream.receive_some(65536)))
            elif isinstance(event, h11.InformationalResponse):
                self.continued = event.status_code == 100
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                break
        assert response is not None
        headers = {name.decode(): value.decode() for name, value in response.headers}
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        return Answer(response.status_code, response.reason.decode(), headers, body)

    async def closed_by_server(self) -> bool:
        """Wait for the server to hang up; anything else that it says is an error."""
        try:
            return await self.stream.receive_some(1) == b""
        except trio.BrokenResourceError:
            return True


class WebSocket:
    """A WebSocket client that speaks only when told to."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._events: list[Event] = []

    async def open(self, target: str, **options: Any) -> AcceptConnection | Answer:
        await self.send(Request(host="test", target=target, **options))
        event = await self.event()
        if isinstance(event, AcceptConnection):
            return event
        assert isinstance(event, RejectConnection)
        headers = {name.decode(): value.decode() for name, value in event.headers}
        body = b""
        while event.has_body if isinstance(event, RejectConnection) else not event.body_finished:
            event = await self.event()
            assert isinstance(event, RejectData)
            body += event.data
        return Answer(int(headers.pop("status", 0)) or self.status, "", headers, body)

    status = 0

    async def send(self, event: Event) -> None:
        await self.stream.send_all(self._connection.send(event))

    async def event(self) -> Event:
        """Return what the server says next; EOF is a CloseConnection with 1006."""
        while not self._events:
            try:
                data = bytes(await self.stream.receive_some(65536))
            except trio.BrokenResourceError:
                data = b""
            self._connection.receive_data(data or None)
            for event in self._connection.events():
                if isinstance(event, RejectConnection):
                    self.status = event.status_code
                self._events.append(event)
        return self._events.pop(0)


async def open_websocket(
    server: Server, target: str = "/ari/events?app=a", **options: Any
) -> WebSocket:
    """Open a WebSocket that has to be accepted."""
    websocket = WebSocket(await trio.open_tcp_stream(*server.address))
    assert isinstance(await websocket.open(target, **options), AcceptConnection)
    return websocket
