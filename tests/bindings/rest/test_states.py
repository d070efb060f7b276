"""Device states and mailboxes over ARI, beyond what the recordings show."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stasisd.core import kept
from tests.support.clock import jumping_clock
from tests.support.server import READER, Server, serving

pytestmark = jumping_clock


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


async def test_a_mailbox(server: Server) -> None:
    absent = await server.request("GET", "/ari/mailboxes/m")
    assert (absent.status, absent.json) == (404, {"message": "Mailbox not found"})
    assert (await server.request("DELETE", "/ari/mailboxes/m")).status == 404
    put = await server.request("PUT", "/ari/mailboxes/m?oldMessages=3&newMessages=0")
    assert (put.status, put.body) == (204, b"")
    shown = {"name": "m", "old_messages": 3, "new_messages": 0}
    assert await server.get("/ari/mailboxes/m") == shown
    assert await server.get("/ari/mailboxes") == [shown]
    assert (await server.request("DELETE", "/ari/mailboxes/m")).status == 204
    assert await server.get("/ari/mailboxes") == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("newMessages=1", "Missing parameter oldMessages"),
        ("oldMessages=1", "Missing parameter newMessages"),
        ("oldMessages=-1&newMessages=1", "oldMessages must be 0 or more"),
        ("oldMessages=x&newMessages=1", "oldMessages must be a whole number, not 'x'"),
    ],
)
async def test_what_a_mailbox_is_not_told(server: Server, query: str, message: str) -> None:
    reply = await server.request("PUT", f"/ari/mailboxes/m?{query}")
    assert (reply.status, reply.json["message"]) == (400, message)


async def test_what_a_device_is_not_told(server: Server) -> None:
    reply = await server.request("PUT", "/ari/deviceStates/Stasis:a")
    assert (reply.status, reply.json["message"]) == (400, "Missing parameter deviceState")
    reply = await server.request("PUT", "/ari/deviceStates/Stasis:a?deviceState=BUSY", user=READER)
    assert (reply.status, reply.json["message"]) == (403, "Write access denied")
    assert await server.get("/ari/deviceStates", user=READER) == []


async def test_unsubscribing_from_a_device(server: Server) -> None:
    socket = await server.listen("/ari/events?app=app")
    source = "eventSource=deviceState%3AStasis%3Aa"
    state = "/ari/deviceStates/Stasis:a?deviceState="
    await server.request("POST", f"/ari/applications/app/subscription?{source}")
    await server.request("PUT", f"{state}BUSY")
    told = await socket.until("DeviceStateChanged")
    assert told["device_state"] == {"name": "Stasis:a", "state": "BUSY"}
    reply = await server.request("DELETE", f"/ari/applications/app/subscription?{source}")
    assert reply.json["device_names"] == []
    await server.request("PUT", f"{state}INUSE")
    assert socket.messages == []


async def test_too_many_are_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 0)
    for path in (
        "mailboxes/m?oldMessages=1&newMessages=1",
        "deviceStates/Stasis:a?deviceState=BUSY",
    ):
        reply = await server.request("PUT", f"/ari/{path}")
        assert (reply.status, reply.json["message"]) == (500, "There are too many")
    assert await server.get("/ari/deviceStates") == []
