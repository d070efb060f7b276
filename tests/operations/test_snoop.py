"""The operation that makes snooping channels."""

from typing import Any

import pytest
import trio
import trio.testing

from stasisd.media.control import NoPortsLeft
from tests.support.clock import jumping_clock
from tests.support.server import Server, Socket
from tests.support.tenant import assert_nothing_left

pytestmark = jumping_clock

ECHO = "endpoint=Local/echo@conformance"


@pytest.fixture
async def socket(server: Server) -> Socket:
    """The socket of `app`, which has the channel `c`."""
    heard = await server.listen("/ari/events?app=app")
    await server.request("POST", f"/ari/channels?{ECHO}&app=app&channelId=c")
    await heard.until("StasisStart")
    return heard


async def snoop(server: Server, target: str) -> tuple[int, Any]:
    reply = await server.request("POST", f"/ari/channels/{target}")
    return reply.status, reply.json


async def test_both_forms(server: Server, socket: Socket) -> None:
    status, made = await snoop(server, "c/snoop?spy=both&app=app&appArgs=a,b&snoopId=s1")
    assert (status, made["id"], made["state"]) == (200, "s1", "Up")
    assert made["name"].startswith("Snoop/c-")
    assert len(made["name"]) == len("Snoop/c-") + 8
    assert (await socket.until("StasisStart"))["args"] == ["a", "b"]
    assert (await snoop(server, "c/snoop/s2?whisper=in&app=app"))[1]["id"] == "s2"
    assert (await snoop(server, "c/snoop?spy=in&app=app"))[0] == 200
    assert (await snoop(server, "c;2/snoop?spy=in&app=app"))[0] == 200  # in no application


async def test_it_ends_with_the_channel_it_is_at(server: Server, socket: Socket) -> None:
    await snoop(server, "c/snoop/s?spy=both&whisper=both&app=app")
    await snoop(server, "s/snoop/t?spy=both&app=app")
    everything = await server.listen("/ari/events?app=all&subscribeAll=true")
    await server.request("DELETE", "/ari/channels/c")
    await trio.sleep(1)
    ended = [m["channel"]["id"] for m in socket.messages if m["type"] == "StasisEnd"]
    assert sorted(ended) == ["c", "s", "t"]
    destroyed = [m for m in everything.messages if m["type"] == "ChannelDestroyed"]
    assert {message["cause"] for message in destroyed} == {16}
    assert_nothing_left(server.tenant)


async def test_it_ends_with_a_call_that_nobody_answers(server: Server, socket: Socket) -> None:
    everything = await server.listen("/ari/events?app=all&subscribeAll=true")
    ring = "endpoint=Local/ring@conformance&app=app&timeout=2"
    await server.request("POST", f"/ari/channels?{ring}&channelId=r")
    assert (await snoop(server, "r/snoop/s?spy=both&app=app"))[0] == 200
    await trio.sleep(3)
    destroyed = [m for m in everything.messages if m["type"] == "ChannelDestroyed"]
    causes = {message["channel"]["id"]: message["cause"] for message in destroyed}
    assert (causes["r"], causes["s"]) == (19, 16)


async def test_it_ends_by_itself_and_leaves_the_channel(server: Server, socket: Socket) -> None:
    await snoop(server, "c/snoop/s?spy=both&app=app")
    assert (await server.request("DELETE", "/ari/channels/s")).status == 204
    await socket.until("StasisEnd")
    await trio.testing.wait_all_tasks_blocked()
    assert set(server.tenant.channels) == {"c", "c;2"}
    assert not server.tenant.channels["c"].snoops


async def test_what_a_snooping_channel_can_do(server: Server, socket: Socket) -> None:
    await snoop(server, "c/snoop/s?spy=both&whisper=both&app=app")
    for verb in ("answer", "ring", "hold", "mute", "moh", "silence", "progress"):
        reply = await server.request("POST", f"/ari/channels/s/{verb}")
        assert reply.status == 204, verb
    assert (await snoop(server, "s/play?media=sound:silence/1"))[0] == 201
    assert (await server.request("POST", "/ari/channels/s/dial")).status == 409


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("c/snoop?app=app", 400),
        ("c/snoop?app=app&spy=none&whisper=none", 400),
        ("c/snoop?app=app&spy=up", 400),
        ("c/snoop?app=app&whisper=up", 400),
        ("c/snoop?spy=in", 400),
        ("c/snoop?spy=in&app=", 400),
        ("nobody/snoop?spy=in&app=app", 404),
        ("c/snoop/c?spy=in&app=app", 409),
        ("c/snoop?spy=in&app=app&snoopId=c;2", 409),
    ],
)
async def test_what_is_refused(target: str, status: int, server: Server, socket: Socket) -> None:
    assert (await snoop(server, target))[0] == status
    assert set(server.tenant.channels) == {"c", "c;2"}


async def test_without_media(
    server: Server, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_arguments: object) -> None:
        raise NoPortsLeft("all are taken")

    monkeypatch.setattr(server.tenant.media, "open_snoop", none_left)
    status, said = await snoop(server, "c/snoop?spy=in&app=app")
    assert (status, said) == (500, {"error": "Allocation failed", "detail": "all are taken"})
    server.tenant.channels["c"].port = None
    assert (await snoop(server, "c/snoop?spy=in&app=app"))[0] == 500
    assert set(server.tenant.channels) == {"c", "c;2"}


@pytest.mark.parametrize("app", ["nobody"])
async def test_where_nobody_serves_the_application(
    app: str, server: Server, socket: Socket
) -> None:
    assert (await snoop(server, f"c/snoop?spy=in&app={app}"))[0] == 200
    await trio.sleep(1)
    assert set(server.tenant.channels) == {"c", "c;2"}
