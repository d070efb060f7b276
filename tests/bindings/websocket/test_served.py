"""Event sockets over loopback, with all of ARI behind them: what clients may do wrong, bounded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from stasisd.bindings.rest.door import Door
from stasisd.bindings.rest.responder import AriResponder
from stasisd.bindings.rest.server import serve
from stasisd.bindings.rest.site import HttpSettings
from stasisd.bindings.websocket.opening import open_session
from stasisd.bindings.websocket.session import WebSocketSettings
from stasisd.bindings.websocket.wire import ServedSocket
from tests.bindings.rest.support import WebSocket
from tests.bindings.rest.test_life import reset
from tests.support.server import SERVER, Server, serving

PATIENCE = 20.0
MAX_MESSAGE = 20_000
TARGET = "/ari/events?app=a&api_key=conf:conf"


class Client:
    """A socket of the application `a`."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.stream = socket.stream
        self._text = ""

    async def say(self, text: str) -> None:
        await self.socket.send(TextMessage(text))

    async def ask(self, **fields: Any) -> None:
        await self.say(json.dumps({"type": "RESTRequest", **fields}))

    async def hear(self) -> dict[str, Any]:
        """The next message, events left out."""
        while True:
            event = await self.socket.event()
            assert isinstance(event, TextMessage), event
            self._text += event.data
            if event.message_finished:
                message, self._text = json.loads(self._text), ""
                if message["type"] == "RESTResponse":
                    return dict(message)


class Served:
    """The server, and the way to it."""

    def __init__(self, server: Server, address: tuple[str, int]) -> None:
        self.server = server
        self._address = address

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        socket = WebSocket(await trio.open_tcp_stream(*self._address))
        async with socket.stream:
            await socket.open(TARGET)
            yield Client(socket)

    async def wait_alone(self) -> None:
        """Wait until nobody serves `a` any more."""
        while "a" in self.server.tenant.applications:  # noqa: ASYNC110 - nothing tells
            await trio.sleep(0.01)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    with trio.fail_after(PATIENCE):
        async with serving(tmp_path) as server, trio.open_nursery() as nursery:
            responder = AriResponder(
                server.performer,
                Door(server.authenticator),
                documents=lambda _name, _host: None,
                open_session=lambda hearing, grant: ServedSocket(
                    open_session(
                        server.performer, hearing, grant, server.tenures, WebSocketSettings()
                    ),
                    MAX_MESSAGE,
                ),
                server=SERVER,
            )
            settings = HttpSettings(listen=(("127.0.0.1", 0),), send_timeout=0.5)
            stop = trio.Event()
            (address,) = await nursery.start(partial(serve, responder, settings, stop=stop))
            yield Served(server, address)
            stop.set()


async def test_requests_in_a_burst_are_all_answered(served: Served) -> None:
    async with served.client() as client:
        for number in range(300):
            await client.ask(method="GET", uri="asterisk/ping", request_id=str(number))
        heard = [(await client.hear())["request_id"] for _ in range(300)]
        assert heard == [str(number) for number in range(300)]


async def test_what_was_asked_before_the_close_is_done(served: Served) -> None:
    async with served.client() as client:
        await client.ask(method="POST", uri="bridges?bridgeId=b")
        await client.ask(method="POST", uri="bridges?bridgeId=c")
        await client.socket.send(CloseConnection(1000))
        await served.wait_alone()
    assert set(served.server.tenant.bridges) == {"b", "c"}


async def test_an_oversized_message_closes_with_1009(served: Served) -> None:
    async with served.client() as client:
        await client.ask(method="POST", uri="bridges", message_body="x" * MAX_MESSAGE)
        event = await client.socket.event()
        assert isinstance(event, CloseConnection)
        assert (event.code, event.reason) == (1009, f"a message has at most {MAX_MESSAGE} bytes")
    await served.wait_alone()


@pytest.mark.parametrize("deep", ["[" * 9000 + "]" * 9000, '{"a":' * 3000 + "1" + "}" * 3000])
async def test_deep_json_is_answered(served: Served, deep: str) -> None:
    async with served.client() as client:
        await client.say(deep)
        assert (await client.hear())["status_code"] == 400
        await client.ask(
            method="POST",
            uri="bridges",
            content_type="application/json",
            message_body=f'{{"variables": {deep[:6000]}',
        )
        answer = await client.hear()
        assert answer["status_code"] == 400
        assert json.loads(answer["message_body"])["message"] == "Error parsing request body"


async def test_a_client_that_takes_no_answers_is_cut_off_and_delays_nobody(
    served: Served,
) -> None:
    """Its requests hold the reader back, its answers the work, and the send has an end."""
    async with served.client() as stuck, trio.open_nursery() as nursery:

        async def flood() -> None:
            try:
                while True:
                    await stuck.ask(method="GET", uri="asterisk/info")
            except trio.BrokenResourceError:
                nursery.cancel_scope.cancel()

        nursery.start_soon(flood)
        while not nursery.cancel_scope.cancel_called:
            asked = trio.current_time()
            assert (await served.server.request("GET", "/ari/channels")).status == 200
            assert trio.current_time() - asked < 1
            await trio.sleep(0.05)
    await served.wait_alone()


async def test_an_abrupt_end_is_seen(served: Served) -> None:
    async with served.client() as client:
        await client.ask(method="POST", uri="bridges?bridgeId=b")
        await client.hear()
        reset(client.stream)
        await served.wait_alone()


async def test_half_a_frame_harms_nobody(served: Served) -> None:
    async with served.client() as half, served.client() as whole:
        await half.stream.send_all(b"\x81\xfe\x40")
        await whole.ask(method="GET", uri="asterisk/ping")
        assert (await whole.hear())["status_code"] == 200


async def test_pings_are_answered_between_requests(served: Served) -> None:
    async with served.client() as client:
        await client.socket.send(Ping(b"there?"))
        assert await client.socket.event() == Pong(b"there?")
        await client.ask(method="GET", uri="nothing/at/all")
        assert (await client.hear())["status_code"] == 404


async def test_a_socket_ends_with_its_token(served: Served) -> None:
    server = served.server
    async with served.client() as client:
        await client.ask(method="GET", uri="asterisk/ping")
        assert (await client.hear())["status_code"] == 200
        grant = server.authenticator.local("conf")
        server.keyring.revoke(grant.tenant, grant.token_id)
        await client.ask(method="POST", uri="bridges?bridgeId=b", request_id="late")
        answer = await client.hear()
        assert (answer["status_code"], answer["request_id"]) == (401, "late")
        assert json.loads(answer["message_body"]) == {
            "message": "Authentication required",
            "detail": "the token was revoked",
        }
        server.tenures.revise()
        event = await client.socket.event()
        assert isinstance(event, CloseConnection)
        assert (event.code, event.reason) == (1008, "the token was revoked")
        await served.wait_alone()
    assert not server.tenant.bridges
    async with served.client() as client:  # the password is still good, for a new token
        await client.ask(method="GET", uri="asterisk/ping")
        assert (await client.hear())["status_code"] == 200
