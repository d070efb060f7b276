"""Channels that exchange sound with a program over a WebSocket, on real connections."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import (
    CloseReason,
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    serve_websocket,
)

from stasisd.media.control import NoPortsLeft
from tests.support.server import Server, Socket, serving
from tests.support.tenant import assert_nothing_left

FRAME = bytes(range(160)) * 2
PATIENCE = 10

Handler = Callable[[WebSocketConnection], Awaitable[None]]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def heard(server: Server) -> Socket:
    return await server.listen("/ari/events?app=app")


@asynccontextmanager
async def program(handler: Handler) -> AsyncIterator[int]:
    """A program that serves WebSockets at the port given."""

    async def welcome(request: WebSocketRequest) -> None:
        assert request.proposed_subprotocols == ("media",)
        assert request.path == "/voice?x=1"
        connection = await request.accept(subprotocol="media")
        try:
            await handler(connection)
        except ConnectionClosed:
            pass

    async with trio.open_nursery() as nursery:
        served: Any = await nursery.start(serve_websocket, welcome, "127.0.0.1", 0, None)
        yield served.port
        nursery.cancel_scope.cancel()


async def ask(server: Server, port: int, **changes: str) -> tuple[int, Any]:
    given = {
        "app": "app",
        "channelId": "e",
        "external_host": f"ws://127.0.0.1:{port}/voice%3Fx=1",
        "encapsulation": "none",
        "transport": "websocket",
        "format": "slin",
    }
    parameters = "&".join(f"{name}={value}" for name, value in (given | changes).items())
    reply = await server.request("POST", f"/ari/channels/externalMedia?{parameters}")
    return reply.status, reply.json


async def gone(server: Server) -> None:
    with trio.fail_after(PATIENCE):
        await server.tenant.wait_empty()
    await trio.sleep(0.05)
    assert_nothing_left(server.tenant)


async def test_a_program_hears_speaks_and_hangs_up(server: Server, heard: Socket) -> None:
    texts: list[str | bytes] = []
    echoed = trio.Event()

    async def talk(connection: WebSocketConnection) -> None:
        texts.append(await connection.get_message())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, connection)
            while not echoed.is_set():
                await connection.send_message(FRAME)
                await trio.sleep(0.02)
            nursery.cancel_scope.cancel()
        await connection.send_message("HANGUP")
        await connection.get_message()

    async def listen(connection: WebSocketConnection) -> None:
        sound = b""
        while FRAME not in sound:
            message = await connection.get_message()
            assert isinstance(message, bytes)
            sound += message
        echoed.set()

    async with program(talk) as port:
        status, channel = await ask(server, port)
        assert (status, channel["state"]) == (200, "Down")
        assert channel["name"].startswith(f"WebSocket/127.0.0.1:{port}/voice?x=1/0x")
        with trio.fail_after(PATIENCE):
            await heard.until("StasisStart")
            media = server.tenant.channels["e"].port
            assert media is not None
            media.echo(True)
            await heard.until("ChannelDestroyed")
    (start,) = texts
    assert isinstance(start, str)
    assert start.startswith("MEDIA_START connection_id:e channel:WebSocket/")
    assert start.endswith("channel_id:e format:slin optimal_frame_size:320 ptime:20")
    await gone(server)


@pytest.mark.parametrize("politely", [True, False])
async def test_a_program_that_leaves_ends_the_channel(
    politely: bool, server: Server, heard: Socket
) -> None:
    async def leave(connection: WebSocketConnection) -> None:
        await connection.get_message()
        if politely:
            await connection.aclose()
        else:
            await connection._stream.aclose()  # as a program that is killed

    async with program(leave) as port:
        assert (await ask(server, port))[0] == 200
        with trio.fail_after(PATIENCE):
            ended = await heard.until("ChannelDestroyed")
    assert ended["cause"] == 16
    await gone(server)


async def test_a_program_is_told_of_the_end(server: Server, heard: Socket) -> None:
    closed = trio.Event()
    reasons: list[CloseReason | None] = []

    async def stay(connection: WebSocketConnection) -> None:
        try:
            while True:
                await connection.get_message()
        except ConnectionClosed as over:
            reasons.append(over.reason)
            closed.set()

    async with program(stay) as port:
        await ask(server, port)
        with trio.fail_after(PATIENCE):
            await heard.until("StasisStart")
            await server.request("DELETE", "/ari/channels/e")
            await closed.wait()
    (reason,) = reasons
    assert reason is not None
    assert reason.code == 1000
    await gone(server)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", b"220 smtp\r\n", b""]
)
async def test_what_is_no_websocket(answer: bytes, server: Server, heard: Socket) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        status, said = await ask(server, listener.socket.getsockname()[1])
        nursery.cancel_scope.cancel()
    assert (status, said["error"]) == (500, "Allocation failed")
    assert_nothing_left(server.tenant)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"external_host": "unknown"}, 500),
        ({"transport": "udp"}, 400),  # for which that is no place
        ({"encapsulation": "rtp"}, 400),
        ({"format": "opus"}, 400),
        ({"external_host": ""}, 400),
        ({"external_host": "wss://127.0.0.1:1"}, 500),
        ({"external_host": "http://127.0.0.1:1"}, 400),
        ({"external_host": "ws://u:p@127.0.0.1:1"}, 400),
        ({"external_host": "127.0.0.1:0"}, 400),
        ({"external_host": "127.0.0.1:1/a%0d%0ab"}, 400),
        ({"external_host": "127.0.0.1:1"}, 500),
    ],
)
async def test_what_is_refused(
    changes: dict[str, str], status: int, server: Server, heard: Socket
) -> None:
    assert (await ask(server, 9, **changes))[0] == status
    assert_nothing_left(server.tenant)


async def test_an_id_that_is_taken_opens_nothing(server: Server, heard: Socket) -> None:
    async def fail(_connection: WebSocketConnection) -> None:
        raise AssertionError("nobody should have come")

    echo = "endpoint=Local/echo@conformance&app=app"
    await server.request("POST", f"/ari/channels?{echo}&channelId=e")
    async with program(fail) as port:
        assert (await ask(server, port))[0] == 409


async def test_no_media_closes_what_was_opened(
    server: Server, heard: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_arguments: object, **_options: object) -> None:
        raise NoPortsLeft("all are taken")

    closed = trio.Event()

    async def stay(connection: WebSocketConnection) -> None:
        try:
            await connection.get_message()
        except ConnectionClosed:
            closed.set()

    monkeypatch.setattr(server.tenant.media, "open_stream", none_left)
    async with program(stay) as port:
        status, said = await ask(server, port)
        assert (status, said["detail"]) == (500, "all are taken")
        with trio.fail_after(PATIENCE):
            await closed.wait()
    assert_nothing_left(server.tenant)


async def test_an_attempt_that_is_given_up_is_closed(server: Server) -> None:
    came, left = trio.Event(), trio.Event()

    async def silent(stream: trio.SocketStream) -> None:
        while await stream.receive_some(4096):
            came.set()
        left.set()

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, silent, [listener])
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as attempt:
                attempt.start_soon(ask, server, listener.socket.getsockname()[1])
                await came.wait()
                attempt.cancel_scope.cancel()
            await left.wait()
        nursery.cancel_scope.cancel()
    assert_nothing_left(server.tenant)
