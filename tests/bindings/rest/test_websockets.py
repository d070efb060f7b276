"""WebSockets over loopback sockets: what each trap of hypercorn did, and does no more."""

from __future__ import annotations

import pytest
import trio
from quart import Blueprint, websocket
from structlog.testing import capture_logs
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol

from stasisd.bindings.websocket.session import WebSocketSettings

from .support import Answer, FakeResponder, WebSocket, open_websocket, serving
from .test_life import NEVER, reset

HANDSHAKE = (
    b"GET /ari/events?app=a HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(params=[True, False], ids=["lean", "stock"])
def lean(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def masked(opcode: int, payload: bytes) -> bytes:
    return bytes((opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload


async def test_subprotocol_is_ari_when_offered(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        for offered, chosen in ((["x", "ari"], "ari"), (["x"], None), ([], None)):
            client = WebSocket(await trio.open_tcp_stream(*server.address))
            async with client.stream:
                accepted = await client.open("/ari/events?app=a", subprotocols=offered)
                assert not isinstance(accepted, Answer)
                assert accepted.subprotocol == chosen


async def test_events_arrive_in_order(lean: bool) -> None:
    responder = FakeResponder()
    async with serving(responder, lean=lean) as server:
        client = await open_websocket(server)
        async with client.stream:
            (stream,) = responder.streams
            sizes = (1, 125, 126, 65535, 65536)
            stream.publish(*(b"x" * size for size in sizes))
            stream.publish(b"last")
            received = ""
            while not received.endswith("last"):
                event = await client.event()
                assert isinstance(event, TextMessage)
                received += event.data
            assert len(received) == sum(sizes) + 4
        await stream.closed.wait()


async def test_compression_is_never_agreed_on(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        client = WebSocket(await trio.open_tcp_stream(*server.address))
        async with client.stream:
            accepted = await client.open("/ari/events", extensions=[PerMessageDeflate()])
            assert not isinstance(accepted, Answer)
            assert list(accepted.extensions) == []


async def test_refusal_is_the_responders_answer(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        client = WebSocket(await trio.open_tcp_stream(*server.address))
        async with client.stream:
            refused = await client.open("/ari/events?app=refused")
    assert isinstance(refused, Answer)
    assert refused.status == 401
    assert refused.json() == {"message": "Authentication required"}
    assert refused.headers["www-authenticate"] == 'Basic realm="Asterisk REST Interface"'
    assert refused.headers["cache-control"] == "no-cache, no-store"


async def test_bug_in_the_decision_is_500(lean: bool) -> None:
    with capture_logs() as logs:
        async with serving(FakeResponder(), lean=lean) as server:
            client = WebSocket(await trio.open_tcp_stream(*server.address))
            async with client.stream:
                refused = await client.open("/ari/events?app=broken")
    assert isinstance(refused, Answer)
    assert (refused.status, [entry["event"] for entry in logs]) == (500, ["request failed"])


async def test_handshake_without_a_key_is_400(lean: bool) -> None:
    broken = HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Key")
    async with serving(FakeResponder(), lean=lean) as server:
        stream = await trio.open_tcp_stream(*server.address)
        async with stream:
            await stream.send_all(broken)
            answer = b"".join([data async for data in stream])
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_frame_before_the_handshake_counts_as_one_after(lean: bool) -> None:
    responder = FakeResponder()
    with capture_logs() as logs:
        async with serving(responder, lean=lean) as server:
            stream = await trio.open_tcp_stream(*server.address)
            async with stream:
                await stream.send_all(HANDSHAKE + masked(0x81, b"early") * 50 + masked(0x88, b""))
                answer = b"".join([data async for data in stream])
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert answer.endswith(b"\r\n\r\n\x88\x00")
    assert (responder.streams[0].incoming, logs) == (["early"] * 50, [])


@pytest.mark.parametrize("target", [b"a", b"refused", b"broken"])
async def test_garbage_before_the_handshake_harms_only_its_sender(
    lean: bool, target: bytes
) -> None:
    responder = FakeResponder()
    handshake = HANDSHAKE.replace(b"app=a", b"app=" + target)
    async with serving(responder, lean=lean) as server:
        good = await open_websocket(server)
        async with good.stream:
            stream = await trio.open_tcp_stream(*server.address)
            async with stream:
                await stream.send_all(handshake + b"\xff" * 3000)
                answer = b"".join([data async for data in stream])
            assert answer.count(b"HTTP/1.1") == 1
            responder.streams[0].publish(b"still here")
            assert (await good.event()) == TextMessage("still here")


async def test_reader_that_is_stuck_does_not_hold_the_drain(lean: bool) -> None:
    responder = FakeResponder()
    async with serving(responder, lean=lean, send_timeout=NEVER, drain_timeout=0.05) as server:
        client = await open_websocket(server)
        responder.streams[0].publish(*[b"x" * 1_000_000] * 64)
        await client.stream.receive_some(1)
        server.stop.set()
        await server.ended.wait()
        await client.stream.aclose()
    assert responder.streams[0].closed.is_set()


async def test_reader_that_is_stuck_is_cut_off(lean: bool) -> None:
    responder = FakeResponder()
    async with serving(responder, lean=lean, send_timeout=0.05, drain_timeout=NEVER) as server:
        client = await open_websocket(server)
        responder.streams[0].publish(*[b"x" * 1_000_000] * 64)
        await client.stream.receive_some(1)
        await responder.streams[0].closed.wait()
        await client.stream.aclose()


async def test_shutdown_closes_with_1001(lean: bool) -> None:
    responder = FakeResponder()
    async with serving(responder, lean=lean, drain_timeout=NEVER) as server:
        client = await open_websocket(server)
        async with client.stream:
            server.stop.set()
            closing = await client.event()
            assert isinstance(closing, CloseConnection)
            assert (closing.code, closing.reason) == (1001, "the server is shutting down")
            await client.send(closing.response())
        await server.ended.wait()


async def test_end_of_the_stream_is_told_with_its_reason(lean: bool) -> None:
    responder = FakeResponder()
    async with serving(responder, lean=lean) as server:
        client = await open_websocket(server)
        async with client.stream:
            responder.streams[0].publish(b"one")
            responder.streams[0].end(4000, "too slow")
            assert await client.event() == TextMessage("one")
            assert await client.event() == CloseConnection(4000, "too slow")


async def test_client_that_stops_to_answer_pings_is_cut(lean: bool) -> None:
    responder = FakeResponder()
    responder.websocket = WebSocketSettings(ping_interval=0.01, ping_timeout=0.5)
    async with serving(responder, lean=lean, drain_timeout=NEVER) as server:
        client = await open_websocket(server)
        async with client.stream:
            ping = await client.event()
            assert isinstance(ping, Ping)
            await client.send(ping.response())
            assert isinstance(await client.event(), Ping)
            assert await client.event() == CloseConnection(1006)
        await responder.streams[0].closed.wait()


async def test_client_that_answers_pings_stays(lean: bool) -> None:
    responder = FakeResponder()
    responder.websocket = WebSocketSettings(ping_interval=0.001, ping_timeout=NEVER)
    async with serving(responder, lean=lean) as server:
        client = await open_websocket(server)
        async with client.stream:
            for _ in range(5):
                ping = await client.event()
                assert isinstance(ping, Ping)
                await client.send(ping.response())


async def test_ping_of_the_client_is_answered(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        client = await open_websocket(server)
        async with client.stream:
            await client.send(Ping(b"abc"))
            assert await client.event() == Pong(b"abc")


async def test_messages_of_the_client_reach_the_stream(lean: bool) -> None:
    responder = FakeResponder()
    async with serving(responder, lean=lean) as server:
        client = await open_websocket(server)
        async with client.stream:
            for n in range(100):  # more than any queue holds
                await client.send(TextMessage(str(n)))
            await client.send(BytesMessage(b"bytes"))
            await client.send(CloseConnection(1000))
            while (said := await client.event()) == TextMessage("answered"):
                pass
            assert said == CloseConnection(1000, "")
        await responder.streams[0].closed.wait()
    assert responder.streams[0].incoming == [*map(str, range(100)), b"bytes"]


async def test_abrupt_end_is_no_news(lean: bool) -> None:
    responder = FakeResponder()
    with capture_logs() as logs:
        async with serving(responder, lean=lean, drain_timeout=NEVER) as server:
            client = await open_websocket(server)
            responder.streams[0].publish(b"unread")
            reset(client.stream)
            await responder.streams[0].closed.wait()
    assert logs == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x01x", 1002),  # not masked
        (masked(0x83, b""), 1002),  # no such opcode
        (masked(0xC1, b""), 1002),  # compressed without an agreement
        (masked(0x81, b"\xff"), 1007),  # not UTF-8
        (bytes(FrameProtocol(client=True, extensions=[]).send_data(b"x" * 2000)), 1009),
        (masked(0x01, b"x" * 100) + masked(0x00, b"x" * 100) * 20, 1009),
    ],
)
async def test_frame_that_is_wrong_is_told_why(lean: bool, data: bytes, code: int) -> None:
    responder = FakeResponder()
    responder.max_message = 1000
    with capture_logs() as logs:
        async with serving(responder, lean=lean) as server:
            client = await open_websocket(server)
            async with client.stream:
                await client.stream.send_all(data)
                closing = await client.event()
                assert isinstance(closing, CloseConnection)
                assert closing.code == code
            await responder.streams[0].closed.wait()
    assert (responder.streams[0].incoming, logs) == ([], [])


async def test_bug_in_a_session_is_1011_and_logged_once(lean: bool) -> None:
    responder = FakeResponder()
    with capture_logs() as logs:
        async with serving(responder, lean=lean) as server:
            client = await open_websocket(server)
            async with client.stream:
                responder.streams[0].publish("not bytes")  # type: ignore[arg-type]  # the bug
                closing = await client.event()
                assert isinstance(closing, CloseConnection)
                assert closing.code == 1011
            await responder.streams[0].closed.wait()
    assert [entry["event"] for entry in logs] == ["websocket failed"]


async def test_websocket_of_another_route_is_quarts(lean: bool) -> None:
    blueprint = Blueprint("other", "other")

    @blueprint.websocket("/other")
    async def echo() -> None:
        while True:
            await websocket.send(await websocket.receive())

    async with serving(FakeResponder(), [blueprint], lean=lean) as server:
        client = await open_websocket(server, "/other")
        async with client.stream:
            await client.send(TextMessage("hello"))
            assert await client.event() == TextMessage("hello")
        nothing = WebSocket(await trio.open_tcp_stream(*server.address))
        async with nothing.stream:
            refused = await nothing.open("/nothing")
            assert isinstance(refused, Answer)
            assert refused.status == 404
