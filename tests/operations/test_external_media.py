"""Channels that give their media to a program outside."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from stasisd.media.control import NoPortsLeft
from tests.support.clock import jumping_clock
from tests.support.media import Far, Network
from tests.support.server import Server, Socket, serving
from tests.support.tenant import assert_nothing_left

pytestmark = jumping_clock

PEER = "external_host=192.0.2.1:5004&format=ulaw"
FRAME = bytes([0x42]) * 160


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
async def server(tmp_path: Path, network: Network) -> AsyncIterator[Server]:
    async with serving(tmp_path, network=network) as made:
        yield made


@pytest.fixture
async def socket(server: Server) -> Socket:
    return await server.listen("/ari/events?app=app")


async def ask(server: Server, parameters: str, body: Any = None) -> tuple[int, Any]:
    reply = await server.request(
        "POST", f"/ari/channels/externalMedia?app=app&channelId=e&{parameters}", body=body
    )
    return reply.status, reply.json


async def talk(far: Far, channel: Any, frames: int = 20) -> None:
    where = channel["channelvars"]
    to = where["UNICASTRTP_LOCAL_ADDRESS"], int(where["UNICASTRTP_LOCAL_PORT"])
    for _ in range(frames):
        far.send_audio(FRAME, to)
        await trio.sleep(0.02)


async def test_a_program_hears_what_it_says(
    server: Server, socket: Socket, network: Network
) -> None:
    far = network.far()
    status, channel = await ask(server, PEER, {"variables": {"A": "1"}})
    assert (status, channel["state"]) == (200, "Down")
    assert channel["name"].startswith("UnicastRTP/192.0.2.1:5004-0x")
    assert channel["dialplan"]["app_name"] == "AppDial2"
    await socket.until("StasisStart")
    assert server.tenant.channels["e"].variables["A"] == "1"
    port = server.tenant.channels["e"].port
    assert port is not None
    port.echo(True)
    await talk(far, channel)
    assert far.heard().count(FRAME) > 10
    await server.request("DELETE", "/ari/channels/e")
    await socket.until("ChannelDestroyed")
    await trio.sleep(1)
    assert_nothing_left(server.tenant)


async def test_a_program_that_comes_to_us_is_up_with_its_first_packet(
    server: Server, socket: Socket, network: Network
) -> None:
    said, far = network.far(), network.far(port=6000)  # it comes from elsewhere
    _, channel = await ask(server, f"{PEER}&connection_type=server")
    port = server.tenant.channels["e"].port
    assert port is not None
    port.silence(True)
    await trio.sleep(5)
    assert server.tenant.channels["e"].state == "Down"
    assert not said.packets
    assert not far.packets
    port.echo(True)
    await talk(far, channel)
    await socket.until("StasisStart")
    assert far.heard().count(FRAME) > 10
    await server.request("DELETE", "/ari/channels/e")


async def test_a_program_that_does_not_come(server: Server, socket: Socket) -> None:
    await ask(server, f"{PEER}&connection_type=server")
    ended = await socket.until("ChannelDestroyed")
    assert ended["cause"] == 19
    await trio.testing.wait_all_tasks_blocked()
    assert_nothing_left(server.tenant)


@pytest.mark.parametrize(
    ("parameters", "status", "message"),
    [
        ("app=", 400, "app cannot be empty"),
        ("format=", 400, "format cannot be empty"),
        ("format=nonsense", 400, "Provided format (nonsense) was not found"),
        ("encapsulation=none", 501, "The encapsulation and/or transport is not supported"),
        ("encapsulation=x", 501, "The encapsulation and/or transport is not supported"),
        ("transport=tcp", 400, "transport must be 'udp' for rtp encapsulation"),
        ("connection_type=both", 400, "connection_type must be client or server"),
        ("direction=in", 400, "direction must be both"),
        ("external_host=", 400,
         "external_host is required for all but websocket server connections"),
    ],
)  # fmt: skip
async def test_what_is_refused(
    parameters: str, status: int, message: str, server: Server, socket: Socket
) -> None:
    name = parameters.partition("=")[0]
    given = {"app": "app", "external_host": "192.0.2.1:5004", "format": "ulaw"}
    rest = "&".join(f"{key}={value}" for key, value in given.items() if key != name)
    reply = await server.request("POST", f"/ari/channels/externalMedia?{rest}&{parameters}")
    assert (reply.status, reply.json["message"]) == (status, message)
    assert_nothing_left(server.tenant)


@pytest.mark.parametrize(
    "place",
    ["host", "host:", ":5004", "host:0", "host:65536", "host:-1", "host:1x", "a:b:5004", "a/b:5",
     "[::1]", "[x]:5004", "a b:5004"],
)  # fmt: skip
async def test_what_is_no_place(place: str, server: Server, socket: Socket) -> None:
    status, said = await ask(server, f"format=ulaw&external_host={place.replace(' ', '%20')}")
    expected = "external_host must be <host>:<port> for all transports other than websocket"
    assert (status, said["message"]) == (400, expected)


async def test_an_id_is_given_once(server: Server, socket: Socket) -> None:
    await ask(server, PEER)
    ports = server.tenant.media.statistics().ports
    assert (await ask(server, PEER))[0] == 409
    assert (await ask(server, f"{PEER}&channelId=f", {"variables": {"NOSUCH(x)": "1"}}))[0] == 409
    assert server.tenant.media.statistics().ports == ports


async def test_a_variable_that_can_not_be_set_leaves_nothing(
    server: Server, socket: Socket
) -> None:
    assert (await ask(server, PEER, {"variables": {"NOSUCH(x)": "1"}}))[0] == 400
    assert_nothing_left(server.tenant)


async def test_no_ports_left(
    server: Server, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_left() -> None:
        await trio.lowlevel.checkpoint()
        raise NoPortsLeft("all are taken")

    monkeypatch.setattr(server.tenant.media, "open_rtp", none_left)
    status, said = await ask(server, PEER)
    assert (status, said) == (500, {"error": "Allocation failed", "detail": "all are taken"})
    assert_nothing_left(server.tenant)


async def test_a_name_that_is_not_known(
    server: Server, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_arguments: object, **_options: object) -> None:
        await trio.lowlevel.checkpoint()
        raise OSError("Name or service not known")

    monkeypatch.setattr("trio.socket.getaddrinfo", unknown)
    status, said = await ask(server, "external_host=nobody.invalid:5004&format=ulaw")
    assert (status, said["error"]) == (500, "Allocation failed")
    assert_nothing_left(server.tenant)
