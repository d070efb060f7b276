"""Channels that wait for a program to open a WebSocket."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from stasisd.core.media_socket import Expected
from tests.support.clock import jumping_clock
from tests.support.server import READER, Server, Socket, serving
from tests.support.tenant import assert_nothing_left

from .fakes import FakeSocket

pytestmark = jumping_clock

MEDIA = "app=app&channelId=e&encapsulation=none&transport=websocket&connection_type=server"
ID = "MEDIA_WEBSOCKET_CONNECTION_ID"
FRAME = bytes(range(160)) * 2


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def heard(server: Server) -> Socket:
    return await server.listen("/ari/events?app=app")


async def ask(server: Server, more: str = "format=slin", body: Any = None) -> tuple[int, Any]:
    reply = await server.request("POST", f"/ari/channels/externalMedia?{MEDIA}&{more}", body=body)
    return reply.status, reply.json


def expected(server: Server) -> Expected:
    (waiting,) = server.tenant.expected_sockets.values()
    return waiting


async def come(server: Server, more: str = "format=slin&transport_data=f(json)") -> FakeSocket:
    """Make a channel, and bring its program."""
    status, _ = await ask(server, more, {"variables": {"A": "1"}})
    assert status == 200
    program = FakeSocket()
    waiting = expected(server)
    waiting.claim()
    waiting.bring(program)
    return program


async def gone(server: Server) -> None:
    await server.tenant.wait_empty()
    await trio.testing.wait_all_tasks_blocked()
    assert_nothing_left(server.tenant)
    assert not server.tenant.expected_sockets


async def test_the_answer_says_how_to_come(server: Server, heard: Socket) -> None:
    status, channel = await ask(server)
    assert (status, channel["state"]) == (200, "Down")
    assert channel["name"].startswith("WebSocket/INCOMING/0x")
    assert list(channel["channelvars"]) == [ID, "MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE"]
    assert list(server.tenant.expected_sockets) == [channel["channelvars"][ID]]
    assert channel["channelvars"]["MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE"] == "320"


async def test_the_call_is_answered_when_the_program_comes(server: Server, heard: Socket) -> None:
    program = await come(server)
    start = msgspec.json.decode(await program.told('{"event":"MEDIA_START"'))
    (connection_id,) = server.tenant.expected_sockets
    assert list(start) == [
        "event", "connection_id", "channel", "channel_id", "format", "optimal_frame_size", "ptime",
        "channel_variables",
    ]  # fmt: skip
    assert start["connection_id"] == connection_id
    assert (start["channel_id"], start["format"], start["ptime"]) == ("e", "slin", 20)
    assert start["channel_variables"]["A"] == "1"
    names = [(await heard.until(kind))["type"] for kind in ("Dial", "ChannelStateChange", "Dial")]
    assert names == ["Dial", "ChannelStateChange", "Dial"]
    await heard.until("StasisStart")
    await server.request("DELETE", "/ari/channels/e")
    await heard.until("ChannelDestroyed")
    assert program.closed == [1000]
    await gone(server)


async def test_it_hears_and_speaks(server: Server, heard: Socket) -> None:
    program = await come(server)
    await heard.until("StasisStart")
    port = server.tenant.channels["e"].port
    assert port is not None
    port.echo(True)
    program.say(20 * FRAME)
    await trio.sleep(1)
    assert program.sound.count(FRAME) > 15
    assert await port.send_dtmf("5").wait_sent()
    assert '"digit":"5"' in await program.told('{"event":"DTMF_END"')
    program.commands("HANGUP")
    assert (await heard.until("ChannelDestroyed"))["cause"] == 16
    await gone(server)


async def test_what_is_taken_back_is_not_heard(server: Server, heard: Socket) -> None:
    program = await come(server)
    await heard.until("StasisStart")
    port = server.tenant.channels["e"].port
    assert port is not None
    port.echo(True)
    program.say(500 * FRAME)
    await trio.sleep(1)
    program.commands("FLUSH_MEDIA", "GET_STATUS")
    assert '"queue_length":0' in await program.told('{"event":"STATUS"')
    await trio.sleep(0.1)
    before = len(program.sound)
    await trio.sleep(2)
    assert program.sound[before:].count(FRAME) == 0


async def test_a_program_may_take_the_call_later(server: Server, heard: Socket) -> None:
    program = await come(server, "format=slin&transport_data=nf(json)")
    await program.told('{"event":"MEDIA_START"')
    await trio.sleep(5)
    assert server.tenant.channels["e"].state == "Down"
    program.commands("ANSWER")
    await heard.until("StasisStart")
    assert server.tenant.channels["e"].is_up


@pytest.mark.parametrize("more", ["format=slin", "format=slin&transport_data=n"])
async def test_a_program_that_does_not_come_or_answer(
    more: str, server: Server, heard: Socket
) -> None:
    if more.endswith("n"):
        await ask(server, more)
    else:
        await come(server, more + "&transport_data=n")
    assert (await heard.until("ChannelDestroyed"))["cause"] == 19
    await gone(server)


async def test_a_hangup_before_anybody_came(server: Server, heard: Socket) -> None:
    await ask(server)
    waiting = expected(server)
    await server.request("DELETE", "/ari/channels/e")
    await heard.until("ChannelDestroyed")
    assert waiting.over.is_set()
    await gone(server)


async def test_a_hangup_at_the_moment_when_the_program_comes(server: Server, heard: Socket) -> None:
    program = await come(server)
    server.tenant.channels["e"].hangup()
    await heard.until("ChannelDestroyed")
    assert program.aborted
    await gone(server)


async def test_a_program_that_leaves_ends_the_channel(server: Server, heard: Socket) -> None:
    program = await come(server)
    await heard.until("StasisStart")
    program.leave()
    assert (await heard.until("ChannelDestroyed"))["cause"] == 16
    await gone(server)


async def test_a_program_that_takes_nothing_does_not_keep_the_channel(
    server: Server, heard: Socket
) -> None:
    program = await come(server)
    await heard.until("StasisStart")
    program.stuck = True
    program.commands("GET_STATUS")
    await trio.sleep(1)
    await server.request("DELETE", "/ari/channels/e")
    with trio.fail_after(2):
        await heard.until("ChannelDestroyed")
    await gone(server)


async def test_whoever_says_more_than_two_minutes_waits(server: Server, heard: Socket) -> None:
    program = await come(server)
    await heard.until("StasisStart")
    program.say(bytes(320 * 6100))
    program.commands("GET_STATUS")
    with trio.move_on_after(1):
        await program.told('{"event":"STATUS"')
        raise AssertionError("it was read at once")
    await program.told('{"event":"STATUS"')


async def test_who_may_only_read_does_not_learn_the_id(server: Server, heard: Socket) -> None:
    _, channel = await ask(server)
    path = f"/ari/channels/e/variable?variable={ID}"
    assert await server.get(path) == {"value": channel["channelvars"][ID]}
    several = f"/ari/channels/e/variables?variables=CONFVAR,{ID}"
    for target in (path, several):
        assert (await server.request("GET", target, user=READER)).status == 403
    assert (await server.request("GET", "/ari/channels/e", user=READER)).status == 200
    assert not any(channel["channelvars"][ID] in str(event) for event in heard.messages)


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        ("format=opus", 400, "Provided format (opus) was not found"),
        ("format=slin&transport_data=c(opus)", 400, "Provided format (opus) was not found"),
        ("format=slin&transport_data=f(xml)", 400,
         "f() in transport_data must be json or plain-text"),
        ("format=slin&transport_data=x", 400, "transport_data can't be understood"),
        ("format=slin&transport_data=nn", 400, "transport_data can't be understood"),
        ("format=slin&transport_data=f(json", 400, "transport_data can't be understood"),
        ("format=slin&transport_data=v(a=1)", 400,
         "transport_data has no v() where the program opens the WebSocket"),
    ],
)  # fmt: skip
async def test_what_is_refused(
    more: str, status: int, message: str, server: Server, heard: Socket
) -> None:
    answered, said = await ask(server, more)
    assert (answered, said["message"]) == (status, message)
    await gone(server)


async def test_a_format_in_the_options(server: Server, heard: Socket) -> None:
    _, channel = await ask(server, "format=slin&transport_data=c(ulaw)pf(plain-text)")
    assert channel["channelvars"]["MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE"] == "160"


async def test_a_variable_that_can_not_be_set_leaves_nothing(server: Server, heard: Socket) -> None:
    assert (await ask(server, "format=slin", {"variables": {"NOSUCH(x)": "1"}}))[0] == 400
    await gone(server)


async def test_an_id_that_is_taken_expects_nobody(server: Server, heard: Socket) -> None:
    await ask(server)
    assert (await ask(server))[0] == 409
    assert len(server.tenant.expected_sockets) == 1
