"""Outbound connections over loopback: a real server, and servers that are none."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket
from wsproto.utilities import generate_accept_token

from stasisd.bindings.outbound.dialing import CannotConnectError, dial
from stasisd.bindings.outbound.settings import OutboundSettings, Target
from stasisd.bindings.outbound.wire import ClientWire
from tests.support.certificates import make_certificate, needs_openssl

PATIENCE = 10.0
Handler = Callable[[WebSocketRequest], Awaitable[None]]


def settings(url: str, **more: Any) -> OutboundSettings:
    return OutboundSettings(
        name="bot", url=url, applications=("a",), **{"connect_timeout": PATIENCE, **more}
    )


@asynccontextmanager
async def application(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """An application's server; gives its port."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(
            partial(serve_websocket, handler, "localhost", 0, tls, disconnect_timeout=1)
        )
        yield server.port
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def raw_server(handler: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[int]:
    """A server of bytes; gives its port."""
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, handler, 0, host="127.0.0.1"))
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def dialled(given: OutboundSettings) -> AsyncIterator[ClientWire]:
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            wire = await dial(Target.of(given), given, trio.Event(), nursery)
            yield wire
            wire.abort()
            nursery.cancel_scope.cancel()


async def why_not(given: OutboundSettings) -> str:
    """Dial what can't be reached; what is said of it."""
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            with pytest.raises(CannotConnectError) as raised:
                await dial(Target.of(given), given, trio.Event(), nursery)
        return str(raised.value)


async def echo(request: WebSocketRequest) -> None:
    connection = await request.accept(subprotocol="ari")
    try:
        while True:
            await connection.send_message(await connection.get_message())
    except ConnectionClosed:
        pass


async def test_the_handshake_says_who_we_are() -> None:
    asked: list[WebSocketRequest] = []

    async def handler(request: WebSocketRequest) -> None:
        asked.append(request)
        await echo(request)

    async with application(handler) as port:
        url = f"ws://localhost:{port}/ari/events?x=1"
        async with dialled(settings(url, username="us", password="secret")) as wire:
            await wire.close(1000, "")
    (request,) = asked
    assert request.path == "/ari/events?x=1"
    assert request.proposed_subprotocols == ("ari",)
    headers = dict(request.headers)
    assert headers[b"authorization"] == b"Basic " + base64.b64encode(b"us:secret")


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ([], {}),
        ([b"a=17"], {"a": "17"}),
        ([b"a=17, voice%2Cbot%3D=18", b"c=19"], {"a": "17", "voice,bot=": "18", "c": "19"}),
        ([b"nonsense,=,a=x=y"], {"nonsense": "", "": "", "a": "x=y"}),
    ],
)
async def test_the_peer_says_what_it_has_handled(
    headers: list[bytes], known: dict[str, str]
) -> None:
    async def handler(request: WebSocketRequest) -> None:
        await request.accept(extra_headers=[(b"X-Resume", value) for value in headers])

    async with application(handler) as port, dialled(settings(f"ws://localhost:{port}")) as wire:
        assert wire.known == known


async def test_messages_go_both_ways_and_pings_are_answered() -> None:
    async with application(echo) as port, dialled(settings(f"ws://localhost:{port}")) as wire:
        await wire.send([b"one", "zwölf".encode()])
        assert [await wire.receive(), await wire.receive()] == [["one"], ["zwölf"]]
        await wire.ping()
        assert await wire.receive() == []
        await wire.close(1000, "done")
        assert await wire.receive() is None
        await wire.send([b"too late"])
        await wire.ping()


async def test_the_end_of_the_peer_is_seen() -> None:
    async def leave(request: WebSocketRequest) -> None:
        await (await request.accept()).aclose(1001, "bye")

    async with application(leave) as port, dialled(settings(f"ws://localhost:{port}")) as wire:
        assert await wire.receive() is None


async def test_a_refusal_is_told_with_its_status() -> None:
    async def refuse(request: WebSocketRequest) -> None:
        await request.reject(403)

    async with application(refuse) as port:
        assert await why_not(settings(f"ws://localhost:{port}")) == "refused with status 403"


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"\xff\x00nonsense\r\n\r\n", b""]
)
async def test_what_is_no_websocket_is_not_connected(answer: bytes) -> None:
    async def say(stream: trio.SocketStream) -> None:
        await stream.receive_some(1)
        await stream.send_all(answer)

    async with raw_server(say) as port:
        assert await why_not(settings(f"ws://127.0.0.1:{port}", connect_timeout=0.5))


async def test_a_silent_peer_is_not_waited_for() -> None:
    async def keep(_stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with raw_server(keep) as port:
        for scheme in ("ws", "wss"):
            said = await why_not(settings(f"{scheme}://127.0.0.1:{port}", connect_timeout=0.2))
            assert said == "not within 0.2 seconds"


async def test_nobody_there() -> None:
    async with raw_server(trio.SocketStream.aclose) as port:
        pass
    assert await why_not(settings(f"ws://127.0.0.1:{port}"))


async def test_a_peer_that_reads_nothing_is_cut_off() -> None:
    accepted = trio.Event()
    kept: list[WebSocketConnection] = []

    async def stick(request: WebSocketRequest) -> None:
        kept.append(await request.accept())
        accepted.set()
        await trio.sleep_forever()

    async with application(stick) as port:
        given = settings(f"ws://localhost:{port}", send_timeout=0.2)
        async with dialled(given) as wire:
            await accepted.wait()
            await wire.send([b"x" * 100_000] * 200)
            assert await wire.receive() is None


async def test_a_peer_that_does_not_close_is_cut_off() -> None:
    async def stick(stream: trio.SocketStream) -> None:
        head = await stream.receive_some(65536)
        key = head.partition(b"Sec-WebSocket-Key: ")[2].split(b"\r\n")[0]
        await stream.send_all(handshake(bytes(key)))
        await trio.sleep_forever()

    async with raw_server(stick) as port:
        given = settings(f"ws://127.0.0.1:{port}", close_timeout=0.2, send_timeout=0.2)
        async with dialled(given) as wire:
            await wire.ping()
            await wire.close(1000, "")
            assert await wire.receive() is None


def handshake(key: bytes) -> bytes:
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + generate_accept_token(key) + b"\r\n\r\n"
    )


@needs_openssl
async def test_tls_is_verified(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "server.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with application(echo, context) as port:
        url = f"wss://localhost:{port}"
        async with dialled(settings(url, authorities=certificate)) as wire:
            await wire.send([b"over TLS"])
            assert await wire.receive() == ["over TLS"]
        unknown = await why_not(settings(url))
        assert unknown.startswith("TLS: the certificate is not valid: self")
        other = make_certificate(tmp_path / "other.pem", "elsewhere.example")
        assert "not valid" in await why_not(settings(url, authorities=other))


@needs_openssl
async def test_the_name_in_the_certificate_has_to_be_the_peers(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "server.pem", "elsewhere.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with application(echo, context) as port:
        said = await why_not(settings(f"wss://localhost:{port}", authorities=certificate))
        assert "localhost" in said
