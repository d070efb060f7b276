"""Where a program may make us connect to, by whatever its media goes over."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.support.server import Server, serving
from tests.support.tenant import assert_nothing_left

UUID = "40325ec2-5efd-4bd3-805f-53576e581d13"
WAYS = {
    "rtp": "format=ulaw",
    "rtp-server": "format=ulaw&connection_type=server",
    "audiosocket": f"format=slin&encapsulation=audiosocket&transport=tcp&data={UUID}",
    "websocket": "format=slin&encapsulation=none&transport=websocket",
}
PUBLIC, METADATA, INSIDE = "93.184.216.34", "169.254.169.254", "10.0.0.5"


class Names:
    """A name server whose answers change each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = answers
        self.asked = 0

    async def __call__(self, _host: str, port: int, **_options: object) -> list[Any]:
        await trio.lowlevel.checkpoint()
        self.asked += 1
        return [(0, 0, 0, "", (a, port)) for a in self.answers[min(self.asked, 2) - 1]]


class Connections:
    """Takes down where a TCP connection was wanted, and refuses it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wanted: list[str] = []
        monkeypatch.setattr("trio.open_tcp_stream", self)

    async def __call__(self, host: str, _port: int) -> trio.SocketStream:
        await trio.lowlevel.checkpoint()
        self.wanted.append(host)
        raise OSError("nobody is there")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path, networks=()) as made:
        await made.listen("/ari/events?app=app")
        yield made


async def ask(server: Server, way: str, host: str) -> tuple[int, Any]:
    place = f"app=app&channelId=e&external_host={host}:5004&{WAYS[way]}"
    reply = await server.request("POST", f"/ari/channels/externalMedia?{place}")
    return reply.status, reply.json


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", METADATA, INSIDE, "[::ffff:10.0.0.5]"])
async def test_what_only_the_server_can_reach_is_refused(
    way: str, host: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = Connections(monkeypatch)
    status, said = await ask(server, way, host)
    assert (status, said["message"]) == (403, "This server may not connect there")
    assert "tenants.default.egress.allowed_networks" in said["detail"]
    assert not connections.wanted
    assert_nothing_left(server.tenant)


@pytest.mark.parametrize("way", WAYS)
async def test_a_name_is_judged_by_its_addresses(
    way: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio.socket.getaddrinfo", Names([METADATA, INSIDE], [PUBLIC]))
    assert (await ask(server, way, "inside.example"))[0] == 403
    assert_nothing_left(server.tenant)


@pytest.mark.parametrize("way", ["audiosocket", "websocket"])
async def test_the_address_that_was_judged_is_the_one_that_is_used(
    way: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, connections = Names([INSIDE, PUBLIC], [METADATA]), Connections(monkeypatch)
    monkeypatch.setattr("trio.socket.getaddrinfo", names)
    assert (await ask(server, way, "both.example"))[0] == 500
    assert (names.asked, connections.wanted) == (1, [PUBLIC])
    assert_nothing_left(server.tenant)


async def test_rtp_goes_to_the_address_that_was_judged(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names([INSIDE, PUBLIC], [METADATA])
    monkeypatch.setattr("trio.socket.getaddrinfo", names)
    assert (await ask(server, "rtp", "both.example"))[0] == 200
    leg: Any = server.tenant.channels["e"].leg
    assert (names.asked, leg._address) == (1, (PUBLIC, 5004))


async def test_the_next_address_is_tried_where_one_does_not_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = Connections(monkeypatch)
    monkeypatch.setattr("trio.socket.getaddrinfo", Names([PUBLIC, INSIDE, "8.8.8.8"]))
    status, said = await ask(server, "audiosocket", "two.example")
    assert (status, connections.wanted) == (500, [PUBLIC, "8.8.8.8"])
    assert "nobody is there" in said["detail"]
