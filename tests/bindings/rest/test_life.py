"""How connections and the server end: each trap of hypercorn that section is about, reproduced."""

from __future__ import annotations

import errno
import socket
from typing import cast

import pytest
import trio
from quart import Blueprint
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from stasisd.bindings.rest.exchange import HttpRequest, HttpResponse
from stasisd.bindings.rest.server import CannotListenError, PortTakenError, serve
from stasisd.bindings.rest.site import HttpSettings

from .support import PATIENCE, FakeResponder, serving

# A bound that a working server never comes near: it would outlast the test.
NEVER = 1000.0


@pytest.fixture(params=[True, False], ids=["lean", "stock"])
def lean(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Held:
    """A Responder's work that takes until it is told to end."""

    def __init__(self) -> None:
        self.begun = trio.Event()
        self.go_on = trio.Event()
        self.done = trio.Event()
        self.cancelled = False

    async def respond(self, _: HttpRequest) -> HttpResponse:
        self.begun.set()
        try:
            await self.go_on.wait()
        except trio.Cancelled:
            self.cancelled = True
            raise
        self.done.set()
        return HttpResponse(200, (), b"held")


def routes() -> Blueprint:
    blueprint = Blueprint("other", "other")

    @blueprint.get("/other")
    async def other() -> str:
        return "a route"

    return blueprint


@pytest.mark.parametrize("path", ["/ari/x", "/other"])
async def test_idle_timer_runs_again_after_a_request(lean: bool, path: str) -> None:
    async with serving(
        FakeResponder(), [routes()], lean=lean, keep_alive_timeout=0.05, drain_timeout=NEVER
    ) as server:
        client = await server.connect()
        async with client.stream:
            assert (await client.ask("GET", path)).status == 200
            assert await client.closed_by_server()


@pytest.mark.parametrize("path", ["/ari/x", "/other"])
async def test_drain_does_not_wait_for_idle_connections(lean: bool, path: str) -> None:
    async with serving(
        FakeResponder(), [routes()], lean=lean, keep_alive_timeout=NEVER, drain_timeout=NEVER
    ) as server:
        silent, used = await server.connect(), await server.connect()
        assert (await used.ask("GET", path)).status == 200
        await silent.ask("GET", path)
        server.stop.set()
        for client in (silent, used):
            assert await client.closed_by_server()
            await client.stream.aclose()
        await server.ended.wait()


async def test_hanging_up_frees_the_connection_at_once(lean: bool) -> None:
    async with serving(
        FakeResponder(), lean=lean, keep_alive_timeout=NEVER, drain_timeout=NEVER
    ) as server:
        for _ in range(3):
            client = await server.connect()
            await client.ask("GET", "/ari/x")
            await client.stream.aclose()
        # A server that held them would not come to its end before NEVER.


async def test_request_in_flight_is_finished_by_the_drain(lean: bool) -> None:
    held = Held()
    async with serving(FakeResponder(held.respond), lean=lean, drain_timeout=NEVER) as server:
        client = await server.connect()
        async with client.stream, trio.open_nursery() as nursery:

            async def ask() -> None:
                answer = await client.ask("GET", "/ari/x")
                assert answer.body == b"held"
                assert await client.closed_by_server()

            nursery.start_soon(ask)
            await held.begun.wait()
            server.stop.set()
            await refused(server.address)
            held.go_on.set()
        await server.ended.wait()


async def refused(address: tuple[str, int]) -> None:
    """Check that new connections are refused, once every task has seen that it is the end."""
    await wait_all_tasks_blocked()
    with pytest.raises(OSError, match="failed"):
        await trio.open_tcp_stream(*address)


async def test_drain_ends_what_does_not_end(lean: bool) -> None:
    held = Held()
    async with serving(FakeResponder(held.respond), lean=lean, drain_timeout=0.01) as server:
        client = await server.connect()
        async with client.stream:
            await client.stream.send_all(b"GET /ari/x HTTP/1.1\r\nHost: t\r\n\r\n")
            await held.begun.wait()
            server.stop.set()
            await server.ended.wait()
            assert held.cancelled
            assert await client.closed_by_server()


async def test_cancelling_serve_drains_too(lean: bool) -> None:
    held = Held()
    settings = HttpSettings(listen=(("127.0.0.1", 0),), lean=lean, drain_timeout=NEVER)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            serving_scope = trio.CancelScope()

            async def run(task_status: trio.TaskStatus[list[tuple[str, int]]]) -> None:
                with serving_scope:
                    await serve(
                        FakeResponder(held.respond),
                        settings,
                        stop=trio.Event(),
                        task_status=task_status,
                    )

            (address,) = await nursery.start(run)
            stream = await trio.open_tcp_stream(*address)
            async with stream:
                await stream.send_all(b"GET /ari/x HTTP/1.1\r\nHost: t\r\n\r\n")
                await held.begun.wait()
                serving_scope.cancel()
                await refused(address)
                held.go_on.set()
                answer = b"".join([data async for data in stream])
            assert answer.endswith(b"\r\n\r\nheld")


@pytest.mark.parametrize("abruptly", [True, False])
async def test_client_that_goes_away_cancels_nothing(lean: bool, abruptly: bool) -> None:
    held = Held()
    with capture_logs() as logs:
        async with serving(FakeResponder(held.respond), lean=lean) as server:
            client = await server.connect()
            await client.stream.send_all(b"GET /ari/x HTTP/1.1\r\nHost: t\r\n\r\n")
            await held.begun.wait()
            if abruptly:
                reset(client.stream)
            else:
                await client.stream.aclose()
            for _ in range(2):  # let the server see it
                second = await server.connect()
                async with second.stream:
                    await second.raw(b"-\r\n\r\n")
            assert not held.cancelled
            held.go_on.set()
            await held.done.wait()
    assert logs == []


def reset(stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]) -> None:
    assert isinstance(stream, trio.SocketStream)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    stream.socket.close()


async def endless(_: HttpRequest) -> HttpResponse:
    return HttpResponse(200, (), bytes(64 * 1024 * 1024))


async def test_reader_that_is_stuck_is_cut_off(lean: bool) -> None:
    async with serving(
        FakeResponder(endless), lean=lean, send_timeout=0.05, drain_timeout=NEVER
    ) as server:
        client = await server.connect()
        await client.stream.send_all(b"GET /ari/x HTTP/1.1\r\nHost: t\r\n\r\n")
        await client.stream.receive_some(1)
        server.stop.set()
        await server.ended.wait()
        await client.stream.aclose()


async def test_reader_that_is_stuck_does_not_hold_the_drain(lean: bool) -> None:
    async with serving(
        FakeResponder(endless), lean=lean, send_timeout=NEVER, drain_timeout=0.05
    ) as server:
        client = await server.connect()
        await client.stream.send_all(b"GET /ari/x HTTP/1.1\r\nHost: t\r\n\r\n")
        await client.stream.receive_some(1)
        server.stop.set()
        await server.ended.wait()
        await client.stream.aclose()


async def test_bug_in_a_connection_reaches_no_other() -> None:
    async def respond(_: HttpRequest) -> HttpResponse:
        return HttpResponse(cast(int, None))  # no such status can be sent

    with capture_logs() as logs:
        async with serving(FakeResponder(respond)) as server:
            other, client = await server.connect(), await server.connect()
            async with client.stream, other.stream:
                await client.stream.send_all(b"GET /ari/x HTTP/1.1\r\nHost: t\r\n\r\n")
                assert await client.closed_by_server()
                assert (await other.raw(b"-\r\n\r\n")).status == 400
    assert [entry["event"] for entry in logs] == ["connection failed"]


async def test_other_routes_are_quarts(lean: bool) -> None:
    responder = FakeResponder()
    async with serving(responder, [routes()], lean=lean) as server:
        client = await server.connect()
        async with client.stream:
            assert (await client.ask("GET", "/ari/x")).status == 200
            assert (await client.ask("GET", "/other")).body == b"a route"
            assert (await client.ask("GET", "/ari/x")).status == 200
            nothing = await client.ask("GET", "/arix")
            assert (nothing.status, nothing.json()["detail"]) == (404, "ARI is under /ari/")
    assert len(responder.requests) == 2


async def test_more_requests_than_hypercorn_allows_on_one_connection() -> None:
    async with serving(FakeResponder(), lean=False) as server:
        client = await server.connect()
        async with client.stream:
            for _ in range(1100):
                answer = await client.ask("GET", "/ari/x")
            assert "connection" not in answer.headers


async def test_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = HttpSettings(listen=(("127.0.0.1", 0), ("127.0.0.1", port)))
        with pytest.raises(PortTakenError) as raised:
            await serve(FakeResponder(), settings, stop=trio.Event())
    assert str(raised.value) == (
        f"HTTP cannot listen on 127.0.0.1 port {port}: another program listens there"
    )


async def test_address_that_is_not_ours() -> None:
    settings = HttpSettings(listen=(("192.0.2.1", 8088),))
    with pytest.raises(CannotListenError, match=r"192\.0\.2\.1 port 8088: ") as raised:
        await serve(FakeResponder(), settings, stop=trio.Event())
    assert raised.value.address == ("192.0.2.1", 8088)
    assert errno.errorcode[errno.EADDRNOTAVAIL] not in str(raised.value)
