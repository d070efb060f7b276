"""Variables of channels, one by one and in bulk, and shown in events where asked for."""

from typing import Any

import pytest

from tests.support.clock import jumping_clock
from tests.support.server import Server, Socket

pytestmark = jumping_clock

CREATE = "/ari/channels/create?endpoint=Local/echo@conformance&app=app&channelId=c"


@pytest.fixture
async def socket(server: Server) -> Socket:
    """The socket of the application that has the channel `c`, which is not dialled."""
    heard = await server.listen("/ari/events?app=app")
    await server.request("POST", CREATE)
    await heard.until("StasisStart")
    return heard


async def set_all(server: Server, variables: dict[str, Any]) -> int:
    reply = await server.request("POST", "/ari/channels/c/variables", body={"variables": variables})
    return reply.status


async def shown(server: Server) -> Any:
    return (await server.get("/ari/channels/c"))["channelvars"]


async def test_names_are_stripped_and_values_are_not(server: Server, socket: Socket) -> None:
    assert await set_all(server, {" A ": " 1 ", "B": 2}) == 204
    got = await server.get("/ari/channels/c/variables?variables=A,%20B%20,NEVER")
    assert got == {"variables": {"A": " 1 ", "B": "2", "NEVER": ""}}


async def test_a_reported_variable_is_in_all_later_events(server: Server, socket: Socket) -> None:
    target = "/ari/channels/c/variable?variable=SEEN"
    assert (await server.request("POST", f"{target}&value=1&report_events=true")).status == 204
    told = await socket.until("ChannelVarset")
    assert told["channel"]["channelvars"] == {"CONFVAR": "", "SEEN": "1"}
    await server.request("POST", f"{target}&value=2")
    told = await socket.until("ChannelVarset")
    assert told["channel"]["channelvars"]["SEEN"] == "2"
    assert await set_all(server, {"HIDDEN": "x"}) == 204
    assert await shown(server) == {"CONFVAR": "", "SEEN": "2"}


async def test_a_function_is_reported_as_it_was_set(server: Server, socket: Socket) -> None:
    given = {"CALLERID(name)": {"value": "Bo", "report_events": True}}
    assert await set_all(server, given) == 204
    told = await socket.until("ChannelCallerId")
    assert told["channel"]["channelvars"] == {"CONFVAR": "", "CALLERID(name)": "Bo"}
    assert await set_all(server, {"CALLERID(name)": "Cy"}) == 204
    assert (await shown(server))["CALLERID(name)"] == "Cy"


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({}, 204),
        ({"A": None}, 400),
        ({"A": True}, 400),
        ({"A": ["1"]}, 400),
        ({"A": {}}, 400),
        ({"A": {"value": {}}}, 400),
        ({"A": {"value": "1", "report_events": "yes"}}, 400),
        ({"A": {"value": "1", "other": 1}}, 400),
        ({"NOSUCH(x)": "1"}, 500),
    ],
)
async def test_odd_bodies(
    variables: dict[str, Any], status: int, server: Server, socket: Socket
) -> None:
    assert await set_all(server, {"BEFORE": "1", **variables}) == status
    if status == 400:
        assert "BEFORE" not in server.tenant.channels["c"].variables
