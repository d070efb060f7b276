"""Operations that no recording asks for, over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from tests.support.clock import jumping_clock
from tests.support.server import Server, Socket, serving

pytestmark = jumping_clock

ECHO = "endpoint=Local%2Fecho%40conformance&app=app"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def socket(server: Server) -> Socket:
    """The application's; it has the channel `c` and may use the bridge `b`."""
    socket = await server.listen("/ari/events?app=app")
    assert (await server.request("POST", f"/ari/channels/c?{ECHO}")).status == 200
    await socket.until("StasisStart")
    assert (await server.request("POST", "/ari/bridges/b")).status == 200
    return socket


async def test_a_channel_with_an_id_of_the_programs(server: Server, socket: Socket) -> None:
    assert (await server.get("/ari/channels/c"))["state"] == "Up"
    assert (await server.request("POST", f"/ari/channels/c?{ECHO}")).status == 409


async def test_ringing_and_no_more(server: Server, socket: Socket) -> None:
    assert (await server.request("POST", "/ari/channels/c/ring")).status == 204
    assert (await server.request("DELETE", "/ari/channels/c/ring")).status == 204


async def test_a_recording_that_is_cancelled(
    server: Server, socket: Socket, tmp_path: Path
) -> None:
    await server.request("POST", "/ari/channels/c/record?name=r&format=wav")
    await trio.sleep(2)
    assert (await server.request("DELETE", "/ari/recordings/live/r")).status == 204
    failed = await socket.until("RecordingFailed")
    assert failed["recording"]["state"] == "canceled"
    assert (await server.request("GET", "/ari/recordings/stored/r")).status == 404


async def test_variables_of_a_bridge(server: Server, socket: Socket) -> None:
    variables = "/ari/bridges/b/variables"
    put = await server.request("POST", variables, body={"variables": {"A": "1", "B": "2"}})
    assert put.status == 204
    got = await server.get(f"{variables}?variables=A,B")
    assert got == {"variables": {"A": "1", "B": "2"}}


async def test_a_bridge_plays(server: Server, socket: Socket) -> None:
    await server.request("POST", "/ari/bridges/b/addChannel?channel=c")
    played = await server.request("POST", "/ari/bridges/b/play/p?media=sound:silence/1")
    assert (played.status, played.json["id"]) == (201, "p")
    assert played.json["target_uri"] == "bridge:b"
    finished = await socket.until("PlaybackFinished")
    assert finished["playback"]["state"] == "done"
