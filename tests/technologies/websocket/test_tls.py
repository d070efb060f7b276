"""Programs that serve WebSockets with TLS, by URL and by a name of the configuration."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from stasisd.technologies.websocket import Connection, MediaWebSocket
from tests.support.certificates import make_certificate, needs_openssl
from tests.support.server import Server, serving
from tests.support.tenant import assert_nothing_left

pytestmark = needs_openssl

PATIENCE = 10


class Program:
    """Takes down who comes."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str]] = []
        self.port = 0

    async def welcome(self, request: WebSocketRequest) -> None:
        headers = {name.lower(): value for name, value in request.headers}
        shown = headers.get(b"authorization", b"Basic ").removeprefix(b"Basic ")
        self.came.append((request.path, base64.b64decode(shown).decode()))
        connection = await request.accept(subprotocol="media")
        try:
            while True:
                await connection.get_message()
        except ConnectionClosed:
            pass


@asynccontextmanager
async def program(certificate: Path | None) -> AsyncIterator[Program]:
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    made = Program()
    async with trio.open_nursery() as nursery:
        served: Any = await nursery.start(serve_websocket, made.welcome, "127.0.0.1", 0, context)
        made.port = served.port
        yield made
        nursery.cancel_scope.cancel()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        await made.listen("/ari/events?app=app")
        yield made


async def ask(server: Server, host: str, options: str = "") -> tuple[int, Any]:
    query = f"app=app&channelId=e&format=slin&encapsulation=none&transport=websocket&{options}"
    reply = await server.request(
        "POST", f"/ari/channels/externalMedia?{query}&external_host={host}"
    )
    return reply.status, reply.json


async def test_a_certificate_is_verified(server: Server, tmp_path: Path) -> None:
    async with program(make_certificate(tmp_path / "own.pem")) as far:
        status, said = await ask(server, f"wss://localhost:{far.port}")
    assert (status, said["error"]) == (500, "Allocation failed")
    assert "the certificate is not valid" in said["detail"]
    assert not far.came
    assert_nothing_left(server.tenant)


@pytest.mark.parametrize(("name", "status"), [("localhost", 200), ("elsewhere.example", 500)])
async def test_a_connection_of_the_configuration(
    name: str, status: int, server: Server, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path / "own.pem", name)
    async with program(certificate) as far:
        server.tenant.technologies["WebSocket"] = MediaWebSocket({
            "agent": Connection(
                url=f"wss://localhost:{far.port}/voice?a=1",
                username="me",
                password="secret",
                authorities=certificate,
            )
        })  # fmt: skip
        with trio.fail_after(PATIENCE):
            answered, said = await ask(server, "agent", "transport_data=v(b=2,c=3%2520)")
            assert answered == status, said
            if status == 200:
                assert said["name"].startswith("WebSocket/agent/0x")
                assert far.came == [("/voice?a=1&b=2&c=3%20", "me:secret")]
                await server.request("DELETE", "/ari/channels/e")
                await server.tenant.wait_empty()


async def test_authorities_that_are_none(server: Server, tmp_path: Path) -> None:
    url = "wss://localhost:1"
    async with program(make_certificate(tmp_path / "own.pem")) as far:
        for file in (tmp_path / "absent.pem", Path(__file__)):
            server.tenant.technologies["WebSocket"] = MediaWebSocket({
                "agent": Connection(url=f"wss://localhost:{far.port}", authorities=file)
            })  # fmt: skip
            status, said = await ask(server, "agent")
            assert (status, str(file) in said["detail"]) == (500, True), url


async def test_a_name_that_is_not_configured(server: Server) -> None:
    status, said = await ask(server, "nobody")
    assert status == 500
    assert said["detail"] == "there is no connection 'nobody' among media_connections"


async def test_what_the_configuration_names_is_not_judged(tmp_path: Path) -> None:
    async with serving(tmp_path, networks=()) as made, program(None) as far:
        await made.listen("/ari/events?app=app")
        assert (await ask(made, f"127.0.0.1:{far.port}"))[0] == 403
        made.tenant.technologies["WebSocket"] = MediaWebSocket({
            "agent": Connection(url=f"ws://127.0.0.1:{far.port}")
        })  # fmt: skip
        assert (await ask(made, "agent"))[0] == 200
        assert far.came == [("/", "")]
