"""Channels that go elsewhere: to another application, or to another phone."""

import pytest
import trio
import trio.testing

from tests.support.clock import jumping_clock
from tests.support.server import Reply, Server, Socket
from tests.support.world import WillingLeg

pytestmark = jumping_clock

ECHO = "endpoint=Local/echo@conformance"


@pytest.fixture
async def socket(server: Server) -> Socket:
    """The socket of `one`, which has the channel `c`."""
    heard = await server.listen("/ari/events?app=one")
    await server.request("POST", f"/ari/channels?{ECHO}&app=one&channelId=c")
    await heard.until("StasisStart")
    return heard


async def move(server: Server, parameters: str) -> Reply:
    return await server.request("POST", f"/ari/channels/c/move?{parameters}")


def told(socket: Socket) -> list[str]:
    return [message["type"] for message in socket.messages]


# --- move


async def test_the_channel_ends_here_and_starts_there(server: Server, socket: Socket) -> None:
    other = await server.listen("/ari/events?app=two")
    assert (await move(server, "app=two&appArgs=a,b")).status == 204
    ended = await socket.until("StasisEnd")
    started = await other.until("StasisStart")
    assert ended["channel"]["id"] == started["channel"]["id"] == "c"
    assert (started["args"], started["application"]) == (["a", "b"], "two")
    assert server.tenant.channels["c"].application_name == "two"
    await server.request("DELETE", "/ari/channels/c")
    await other.until("StasisEnd")
    await trio.testing.wait_all_tasks_blocked()
    assert "StasisEnd" not in told(socket)


async def test_a_bridge_is_heard_by_who_has_the_channel(server: Server, socket: Socket) -> None:
    other = await server.listen("/ari/events?app=two")
    await server.request("POST", "/ari/bridges/b")
    await server.request("POST", "/ari/bridges/b/addChannel?channel=c")
    await move(server, "app=two")
    assert server.tenant.channels["c"].bridge is server.tenant.bridges["b"]
    applications = server.tenant.applications
    assert not applications["one"].follows("bridge:b")
    assert applications["two"].follows("bridge:b")
    await server.request("DELETE", "/ari/channels/c")
    await other.until("ChannelLeftBridge")


async def test_to_the_same_application_with_other_arguments(server: Server, socket: Socket) -> None:
    assert (await move(server, "app=one&appArgs=again")).status == 204
    assert (await socket.until("StasisStart"))["args"] == ["again"]
    assert server.tenant.channels["c"].application_name == "one"


async def test_nobody_there_to_take_it(server: Server, socket: Socket) -> None:
    assert (await move(server, "app=nobody&appArgs=a,b")).status == 204
    failed = await socket.until("ApplicationMoveFailed")
    assert failed["channel"]["id"] == "c"
    assert (failed["destination"], failed["args"]) == ("nobody", ["a", "b"])
    assert server.tenant.channels["c"].application_name == "one"
    assert "StasisEnd" not in told(socket)


@pytest.mark.parametrize("parameters", ["", "app=", "appArgs=x"])
async def test_without_an_application(parameters: str, server: Server, socket: Socket) -> None:
    reply = await move(server, parameters)
    assert (reply.status, reply.json) == (400, {"message": "app cannot be empty"})


async def test_where_no_application_has_the_channel(server: Server, socket: Socket) -> None:
    for channel_id, status in (("c;2", 409), ("nobody", 404)):
        reply = await server.request("POST", f"/ari/channels/{channel_id}/move?app=one")
        assert reply.status == status


# --- redirect and transfers


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("c/redirect", 400),
        ("c/redirect?endpoint=", 400),
        ("c/redirect?endpoint=Local", 422),
        ("c/redirect?endpoint=Local/", 422),
        ("c/redirect?endpoint=/echo", 422),
        ("c/redirect?endpoint=PJSIP/100", 422),
        ("c/redirect?endpoint=Local/hold@conformance", 422),
        ("c;2/redirect?endpoint=Local/hold@conformance", 409),
        ("nobody/redirect?endpoint=Local/hold@conformance", 404),
        ("down/redirect?endpoint=Local/hold@conformance", 412),
        ("c/transfer_progress", 400),
        ("c/transfer_progress?states=fine", 400),
        ("c/transfer_progress?states=channel_answered", 412),
        ("c;2/transfer_progress?states=channel_answered", 409),
        ("nobody/transfer_progress?states=channel_answered", 404),
        ("down/transfer_progress?states=channel_answered", 412),
    ],
)
async def test_what_is_refused(target: str, status: int, server: Server, socket: Socket) -> None:
    await server.request("POST", f"/ari/channels/create?{ECHO}&app=one&channelId=down")
    reply = await server.request("POST", f"/ari/channels/{target}")
    assert reply.status == status, reply


async def test_a_leg_that_can_is_redirected(server: Server, socket: Socket) -> None:
    channel = server.tenant.channels["c"]
    leg = WillingLeg()
    leg.channel, leg.other = channel, channel.leg.other  # type: ignore[attr-defined] # a Half
    channel.leg = leg
    reply = await server.request("POST", "/ari/channels/c/redirect?endpoint=local/x")
    assert reply.status == 204
    await socket.until("ChannelDestroyed")
