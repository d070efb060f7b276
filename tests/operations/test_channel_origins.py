"""Channels made step by step: create, bridge, dial."""

from typing import Any

import pytest
import trio
import trio.testing

from stasisd.core.snapshots import Party
from tests.support.clock import jumping_clock
from tests.support.server import Server, Socket
from tests.support.tenant import assert_nothing_left

pytestmark = jumping_clock

ECHO = "endpoint=Local/echo@conformance"


async def post(server: Server, target: str, body: Any = None) -> tuple[int, Any]:
    reply = await server.request("POST", f"/ari{target}", body=body)
    return reply.status, reply.json if reply.body else None


async def create(server: Server, channel_id: str, parameters: str = ECHO) -> Any:
    status, channel = await post(
        server, f"/channels/create?{parameters}&app=app&channelId={channel_id}"
    )
    assert status == 200, channel
    return channel


def types(socket: Socket) -> list[str]:
    return [message["type"] for message in socket.messages]


async def test_the_application_has_the_channel_when_create_answers(server: Server) -> None:
    socket = await server.listen("/ari/events?app=app")
    made = await create(server, "c", f"{ECHO}&appArgs=a,b")
    assert made["state"] == "Down"
    assert (await post(server, "/channels/c/variable?variable=A&value=1"))[0] == 204
    await post(server, "/bridges/b")
    assert (await post(server, "/bridges/b/addChannel?channel=c"))[0] == 204
    assert (await post(server, "/channels/c/answer"))[0] == 412
    started = await socket.until("StasisStart")
    assert started["args"] == ["a", "b"]
    assert started["channel"]["dialplan"]["app_data"] == "app,a,b"


@pytest.mark.parametrize("app", ["", "&app=", "&app=nobody"])
async def test_where_nobody_serves_the_application_the_channel_ends(
    app: str, server: Server
) -> None:
    status, _ = await post(server, f"/channels/create?{ECHO}{app}&channelId=c")
    assert status == 200
    await trio.sleep(1)
    assert_nothing_left(server.tenant)


async def test_variables_and_the_account_of_the_originator(server: Server) -> None:
    await server.listen("/ari/events?app=app")
    await create(server, "first")
    server.tenant.channels["first"].change(accountcode="42")
    body = {"variables": {"A": "1", "SEEN": {"value": "2", "report_events": True}}}
    status, made = await post(
        server, f"/channels/create?{ECHO}&app=app&channelId=c&originator=first", body
    )
    assert (status, made["accountcode"]) == (200, "42")
    assert made["channelvars"] == {"CONFVAR": "", "SEEN": "2"}
    assert server.tenant.channels["c"].variables["A"] == "1"


async def test_who_creates_for_another_hears_of_it(server: Server) -> None:
    await server.listen("/ari/events?app=app")
    socket = await server.listen("/ari/events?app=other")
    await create(server, "first")
    await post(server, f"/channels/create?{ECHO}&app=other&channelId=c&originator=first")
    made, first = server.tenant.channels["c"], server.tenant.channels["first"]
    assert {made.linked_id, server.tenant.channels["c;2"].linked_id} == {"first"}
    first.set_variable("A", "1")
    varset = await socket.until("ChannelVarset")
    while varset["variable"] != "A":
        varset = await socket.until("ChannelVarset")
    assert varset["channel"]["id"] == "first"


async def test_who_is_called_for_another_takes_after_it(server: Server) -> None:
    await server.listen("/ari/events?app=app")
    await create(server, "first")
    first = server.tenant.channels["first"]
    first.change(language="de", caller=Party("Al", "123"))
    for name, value in {"_ONE": "1", "__ALL": "2", "OWN": "3", "_GIVEN": "4"}.items():
        first.set_variable(name, value)
    status, made = await post(
        server,
        f"/channels?{ECHO}&app=app&channelId=c&originator=first",
        {"variables": {"GIVEN": "5"}},
    )
    assert (status, made["language"], made["connected"]["number"]) == (200, "de", "123")
    variables = server.tenant.channels["c"].variables
    taken = {name: variables.get(name) for name in ("ONE", "__ALL", "OWN", "_ONE", "GIVEN")}
    assert taken == {"ONE": "1", "__ALL": "2", "OWN": None, "_ONE": None, "GIVEN": "5"}
    reply = await server.request("GET", "/ari/channels/c/variable?variable=CHANNEL(linkedid)")
    assert reply.json == {"value": "first"}


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ("endpoint=Local", 400),
        ("endpoint=Local/none@conformance", 500),
        ("endpoint=Nope/1", 500),
        (f"{ECHO}&formats=nonsense", 400),
        (f"{ECHO}&formats=ulaw,alaw", 200),
        (f"{ECHO}&originator=nobody", 200),
        (f"{ECHO}&originator=c&formats=ulaw", 400),
        (f"{ECHO}&channelId=c", 409),
        (f"{ECHO}&channelId={'x' * 149}", 200),
        (f"{ECHO}&channelId={'x' * 150}", 400),
        (f"{ECHO}&otherChannelId={'x' * 150}", 400),
        (f"{ECHO}&channelId=n&otherChannelId=c", 409),
        (f"{ECHO}&channelId=n&otherChannelId=n", 409),
    ],
)
async def test_what_create_refuses(parameters: str, status: int, server: Server) -> None:
    await server.listen("/ari/events?app=app")
    await create(server, "c")
    before = set(server.tenant.channels)
    assert (await post(server, f"/channels/create?{parameters}&app=app"))[0] == status
    if status != 200:
        assert set(server.tenant.channels) == before


async def test_a_channel_is_dialled_once(server: Server) -> None:
    await server.listen("/ari/events?app=app")
    await create(server, "c", "endpoint=Local/back@conformance")  # never rings, never answers
    assert (await post(server, "/channels/c/dial"))[0] == 204
    await trio.testing.wait_all_tasks_blocked()
    assert server.tenant.channels["c"].state == "Down"
    assert (await post(server, "/channels/c/dial"))[0] == 409
    assert (await post(server, "/channels/c;2/dial"))[0] == 409


@pytest.mark.parametrize("seconds", ["-1", "x"])
async def test_a_timeout_that_is_none(seconds: str, server: Server) -> None:
    await server.listen("/ari/events?app=app")
    await create(server, "c")
    assert (await post(server, f"/channels/c/dial?timeout={seconds}"))[0] == 400


async def test_the_caller_is_shown_and_hears_the_events(server: Server) -> None:
    ours = await server.listen("/ari/events?app=app")
    theirs = await server.listen("/ari/events?app=theirs")
    await post(server, f"/channels?{ECHO}&app=theirs&channelId=caller")
    await theirs.until("StasisStart")
    await create(server, "c")
    assert (await post(server, "/channels/c/dial?caller=caller"))[0] == 204
    for socket in (ours, theirs):
        dial = await socket.until("Dial")
        assert (dial["caller"]["id"], dial["peer"]["id"]) == ("caller", "c")


async def test_a_local_that_is_busy_ends_with_its_cause(server: Server) -> None:
    socket = await server.listen("/ari/events?app=app")
    await create(server, "c", "endpoint=Local/busy@conformance")
    await post(server, "/channels/c/dial")
    ended = await socket.until("ChannelDestroyed")
    assert ended["cause"] == 17


async def test_hanging_up_before_the_dial_leaves_nothing(server: Server) -> None:
    socket = await server.listen("/ari/events?app=app")
    await create(server, "c")
    await server.request("DELETE", "/ari/channels/c")
    await socket.until("ChannelDestroyed")
    await trio.testing.wait_all_tasks_blocked()
    assert_nothing_left(server.tenant)


async def test_a_channel_goes_on_in_the_dialplan_once_it_is_up(server: Server) -> None:
    socket = await server.listen("/ari/events?app=app")
    await create(server, "c")
    assert (await post(server, "/channels/c/continue"))[0] == 412
    await post(server, "/channels/c/dial")
    await trio.sleep(1)
    assert (await post(server, "/channels/c/continue?extension=hold"))[0] == 204
    await socket.until("StasisEnd")
    await trio.sleep(1)
    assert server.tenant.channels["c"].snapshot.dialplan.app_name == "Wait"


# --- no race: what an event tells of can be used at once


async def created_and_bridged(server: Server, socket: Socket, number: int) -> None:
    """Create, dial when StasisStart comes, and bridge when it is Up, each driven by an event."""
    name = f"c{number}"
    await create(server, name)
    await socket.until("StasisStart")
    assert (await post(server, f"/bridges/b/addChannel?channel={name}"))[0] == 204
    await socket.until("ChannelEnteredBridge")
    assert (await post(server, f"/channels/{name}/dial"))[0] == 204
    await socket.until("ChannelStateChange")
    assert (await post(server, f"/bridges/b/removeChannel?channel={name}"))[0] == 204
    await socket.until("ChannelLeftBridge")
    assert (await server.request("DELETE", f"/ari/channels/{name}")).status == 204
    await socket.until("ChannelDestroyed")


async def originated_and_bridged(server: Server, socket: Socket, number: int) -> None:
    name = f"o{number}"
    assert (await post(server, f"/channels?{ECHO}&app=app&channelId={name}"))[0] == 200
    await socket.until("StasisStart")
    assert (await post(server, f"/bridges/b/addChannel?channel={name}"))[0] == 204
    assert (await server.request("DELETE", f"/ari/channels/{name}")).status == 204
    await socket.until("ChannelDestroyed")


async def drive(server: Server, times: int) -> None:
    socket = await server.listen("/ari/events?app=app")
    await post(server, "/bridges/b")
    for number in range(times):
        await created_and_bridged(server, socket, number)
        await originated_and_bridged(server, socket, number)


async def test_what_an_event_tells_of_can_be_used_at_once(server: Server) -> None:
    await drive(server, 40)


@pytest.mark.slow
async def test_what_an_event_tells_of_can_be_used_at_once_a_thousand_times(
    server: Server,
) -> None:
    await drive(server, 1000)
