"""Outbound connections on a clock that jumps: who connects when, and what a call gets of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from stasisd.bindings.outbound.backoff import Backoff
from stasisd.bindings.outbound.service import Outbound
from stasisd.bindings.outbound.settings import OutboundSettings
from stasisd.bindings.websocket.opening import open_session
from stasisd.bindings.websocket.session import WebSocketSettings
from stasisd.core import summons
from stasisd.core.events import ChannelVarset
from tests.bindings.outbound.peer import Peer, PeerWire
from tests.support.clock import jumping_clock
from tests.support.server import Server, serving
from tests.support.tenant import Listener

pytestmark = jumping_clock

DIALPLAN = """
[default]
exten => app,1,Answer()
 same => n,Stasis(voicebot,a,b)
 same => n,Set(AFTER=${STASISSTATUS})
 same => n,Wait(60)
exten => other,1,Answer()
 same => n,Wait(600)
"""
Settings = dict[str, Any]
CALL = "/ari/channels/c?endpoint=Local%2Fother%40default&context=default&extension=app&priority=1"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path, DIALPLAN) as made:
        yield made


@pytest.fixture
def heard(server: Server) -> Listener:
    return Listener(server.tenant)


@pytest.fixture
def peer() -> Peer:
    return Peer()


def connection(server: Server, peer: Peer, *, user: str = "conf", **settings: Any) -> Outbound:
    given = OutboundSettings(
        **{"name": "bot", "url": "ws://192.0.2.1/ari", "applications": ("voicebot",), **settings}
    )
    return Outbound(
        given,
        server.tenant,
        server.performer,
        partial(server.authenticator.local, user),
        lambda hearing, grant: open_session(
            server.performer, hearing, grant, server.tenures, WebSocketSettings()
        ),
        dial=peer.dial,  # type: ignore[arg-type]
        chance=lambda: 0.0,
    )


@asynccontextmanager
async def running(made: Outbound) -> AsyncIterator[Callable[[], None]]:
    """Run it; gives what stops it."""
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.run, stop)
        yield stop.set
        stop.set()


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 3, lambda: 0.0)
    assert [backoff.delay() for _ in range(5)] == [0.5, 1, 2, 3, 3]
    backoff.reset()
    assert (backoff.delay(), backoff.attempts) == (0.5, 1)
    assert Backoff(4, 60, lambda: 1.0).delay() == 3


async def test_persistent_serves_its_applications(server: Server, peer: Peer) -> None:
    async with running(connection(server, peer)) as stop:
        wire = await peer.connection(0)
        assert (await wire.until("ApplicationRegistered"))["application"] == "voicebot"
        assert server.tenant.applications["voicebot"].is_served
        assert (await wire.until("ApplicationRegistered"))["application"] == "voicebot"
        await server.request("POST", CALL)
        start = await wire.until("StasisStart")
        assert (start["application"], start["args"]) == ("voicebot", ["a", "b"])
        wire.say(type="RESTRequest", request_id="1", method="DELETE", uri="channels/c")
        assert (await wire.until("RESTResponse"))["status_code"] == 204
        await wire.until("StasisEnd")
        stop()
    assert wire.closed == (1001, "the server is shutting down")
    assert wire.ended.is_set()
    assert "voicebot" not in server.tenant.applications


@pytest.mark.parametrize("pretty", [False, True])
async def test_events_are_for_people_where_that_is_set(
    server: Server, peer: Peer, pretty: bool
) -> None:
    server.encoder.pretty = pretty
    async with running(connection(server, peer)):
        wire = await peer.connection(0)
        await wire.until("ApplicationRegistered")
    assert (b"\n" in wire.raw[0]) == pretty


def told(wire: PeerWire, application: str = "voicebot") -> list[int]:
    """The numbers of the events of an application that a peer has got."""
    numbers = [m.get("sequence") for m in wire.sent if m.get("application") == application]
    return [number for number in numbers if number is not None]


async def test_a_peer_that_says_what_it_handled_gets_the_rest(server: Server, peer: Peer) -> None:
    async with running(connection(server, peer, applications=("voicebot", "other"))):
        first = await peer.connection(0)
        await server.request("POST", CALL)
        await first.until("StasisStart")
        handled = told(first)[0]
        first.hang_up()
        await first.ended.wait()
        await server.request("POST", "/ari/channels/c/variable?variable=MISSED&value=1")
        peer.known = {"voicebot": str(handled), "third": "x"}  # it need not know this call's other
        second = await peer.connection(1)
        await second.until("ChannelVarset")
        await server.request("DELETE", "/ari/channels/c")
        await second.until("StasisEnd")
    assert told(second) == list(range(handled + 1, told(second)[-1] + 1))
    assert [m["variable"] for m in second.sent if m["type"] == "ChannelVarset"][:1] == ["MISSED"]
    assert "EventsLost" not in [message["type"] for message in second.sent]


async def test_a_peer_that_says_nothing_gets_nothing_again(server: Server, peer: Peer) -> None:
    async with running(connection(server, peer)):
        first = await peer.connection(0)
        await server.request("POST", CALL)
        await first.until("StasisStart")
        first.hang_up()
        second = await peer.connection(1)
        await second.until("ApplicationRegistered")
    assert told(second) == []


async def test_a_peer_is_told_where_the_log_does_not_reach_back(server: Server, peer: Peer) -> None:
    peer.known = {"voicebot": "17"}
    async with running(connection(server, peer)):
        lost = await (await peer.connection(0)).until("EventsLost")
    assert lost["requested"] == 17
    assert lost["oldest"] > 17


async def test_a_number_that_is_none_is_not_taken_for_one(server: Server, peer: Peer) -> None:
    peer.known = {"voicebot": "last"}
    with capture_logs() as logs:
        async with running(connection(server, peer)):
            await (await peer.connection(0)).ended.wait()
    (refused,) = [log for log in logs if log["event"] == "cannot serve"]
    assert refused["why"].startswith("resume is the sequence number")


async def test_persistent_comes_back_with_longer_and_longer_waits(
    server: Server, peer: Peer
) -> None:
    peer.up = False
    began = trio.current_time()
    with capture_logs() as logs:
        async with running(connection(server, peer, retry_first=1, retry_longest=4)):
            await trio.sleep(12)
            peer.up = True
            wire = await peer.connection(0)
            assert [at - began for at in peer.attempts] == [0, 1, 3, 7, 11, 15]
            await trio.sleep(5)
            wire.hang_up()  # it held for longer than the longest wait
            await peer.connection(1)
            assert peer.attempts[-1] - peer.attempts[-2] == 5 + 1
    assert {log["why"] for log in logs if log["event"] == "cannot connect"} == {"refused"}


async def test_a_peer_that_comes_and_goes_is_not_pestered(server: Server, peer: Peer) -> None:
    began = trio.current_time()
    async with running(connection(server, peer, retry_first=1, retry_longest=4)):
        for number in range(4):
            (await peer.connection(number)).hang_up()
        await peer.connection(4)
    assert [at - began for at in peer.attempts] == [0, 1, 3, 7, 11]


async def test_the_peer_has_the_rights_of_its_user(server: Server, peer: Peer) -> None:
    async with running(connection(server, peer, user="confro")):
        wire = await peer.connection(0)
        wire.say(type="RESTRequest", request_id="1", method="POST", uri="bridges")
        answer = await wire.until("RESTResponse")
    assert answer["status_code"] == 403


async def test_stop_ends_the_wait_for_the_next_attempt(server: Server, peer: Peer) -> None:
    peer.up = False
    async with running(connection(server, peer, retry_first=100, retry_longest=100)) as stop:
        await trio.sleep(1)
        began = trio.current_time()
        stop()
    assert trio.current_time() == began


# --- per call


async def test_each_call_gets_a_connection_of_its_own(
    server: Server, peer: Peer, heard: Listener
) -> None:
    async with running(connection(server, peer, per_call=True)):
        await trio.sleep(10)
        assert peer.attempts == []
        await server.request("POST", CALL)
        wire = await peer.connection(0)
        start = await wire.until("StasisStart")
        name = start["channel"]["name"]
        assert (wire.sent[0]["type"], wire.sent[0]["application"]) == (
            "ApplicationRegistered",
            f"voicebot:{name}",
        )
        assert (start["application"], start["args"]) == (f"voicebot:{name}", ["a", "b"])
        assert await server.get("/ari/applications") != []
        wire.say(type="RESTRequest", method="POST", uri="channels/c/continue")
        await wire.until("StasisEnd")
        assert (await wire.until("ApplicationUnregistered"))["application"] == start["application"]
        await wire.ended.wait()
        assert wire.closed == (1000, "the call is over")
        assert await after(heard) == "SUCCESS"
        assert await server.get("/ari/applications") == []


async def test_a_call_that_nobody_answers_goes_on_without(
    server: Server, peer: Peer, heard: Listener
) -> None:
    peer.up = False
    settings: Settings = {"per_call": True, "retry_first": 1, "retry_longest": 2, "attempts": 3}
    async with running(connection(server, peer, **settings)):
        await server.request("POST", CALL)
        began = trio.current_time()
        assert await after(heard) == "FAILED"
        assert len(peer.attempts) == 3
        assert trio.current_time() - began == pytest.approx(1 + 2 + 2, abs=1)


async def test_a_caller_who_hangs_up_is_not_connected_for(server: Server, peer: Peer) -> None:
    peer.up = False
    async with running(connection(server, peer, per_call=True, retry_first=10)):
        await server.request("POST", CALL)
        await trio.sleep(5)
        await server.request("DELETE", "/ari/channels/c")
        peer.up = True
        await trio.sleep(60)
        assert (len(peer.attempts), peer.wires) == (1, [])


async def test_a_lost_connection_is_made_again_and_then_given_up(
    server: Server, peer: Peer, heard: Listener
) -> None:
    settings: Settings = {"per_call": True, "retry_first": 1, "attempts": 2}
    async with running(connection(server, peer, **settings)):
        await server.request("POST", CALL)
        wire = await peer.connection(0)
        await wire.until("StasisStart")
        wire.hang_up()
        again = await peer.connection(1)
        again.say(type="RESTRequest", request_id="1", method="GET", uri="channels/c")
        assert (await again.until("RESTResponse"))["status_code"] == 200
        peer.up = False
        again.hang_up()
        assert await after(heard) == "FAILED"


async def test_what_nobody_answers_in_time_ends_the_wait(
    server: Server, peer: Peer, heard: Listener
) -> None:
    peer.up = False
    async with running(
        connection(server, peer, per_call=True, retry_first=3600, retry_longest=3600)
    ):
        await server.request("POST", CALL)
        began = trio.current_time()
        assert await after(heard) == "FAILED"
        assert trio.current_time() - began == pytest.approx(summons.PATIENCE, abs=1)


async def test_without_a_connection_a_call_finds_nobody_at_once(
    server: Server, peer: Peer, heard: Listener
) -> None:
    async with running(connection(server, peer, per_call=True)) as stop:
        await trio.sleep(1)
        stop()
        await trio.sleep(1)
    await server.request("POST", CALL)
    assert await after(heard) == "FAILED"
    assert peer.attempts == []


async def after(heard: Listener) -> str:
    """Wait until the call's visit is over; its STASISSTATUS then."""
    while True:
        event = await heard.until(ChannelVarset)
        if isinstance(event, ChannelVarset) and event.variable == "AFTER":
            return event.value
