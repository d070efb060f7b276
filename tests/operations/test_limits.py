"""What a tenant may have at most, and how fast it may ask, over HTTP."""

from pathlib import Path

import pytest
import trio

from stasisd.core.limits import Limits
from tests.support.clock import jumping_clock
from tests.support.server import Reply, Server, Socket, serving

pytestmark = jumping_clock

CALL = "endpoint=Local/echo@conformance&app=app"


async def originate(server: Server, name: str = "") -> Reply:
    path = f"/ari/channels/{name}" if name else "/ari/channels"
    return await server.request("POST", f"{path}?{CALL}")


async def test_channels(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(channels=4)) as server:
        await server.listen("/ari/events?app=app")
        assert [(await originate(server, name)).status for name in "ab"] == [200, 200]
        refused = await originate(server)
        assert refused.status == 500
        assert refused.json == {
            "error": "Allocation failed",
            "detail": "the tenant may have 4 channels",
        }
        await server.request("DELETE", "/ari/channels/a")
        await trio.sleep(1)
        assert (await originate(server)).status == 200


async def test_a_pair_of_channels_is_had_whole_or_not_at_all(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(channels=1)) as server:
        await server.listen("/ari/events?app=app")
        assert (await originate(server)).status == 500
        assert server.tenant.channels == {}
        assert server.tenant.media.statistics().ports == 0


async def test_calls_that_are_originated(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(originates_per_second=2)) as server:
        await server.listen("/ari/events?app=app")
        statuses = [(await originate(server)).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = await originate(server)
        assert refused.json["message"] == "Too many calls are originated"
        assert refused.headers["retry-after"] == "1"
        create = await server.request("POST", f"/ari/channels/create?{CALL}")
        assert create.status == 429
        await server.get("/ari/channels")  # other requests are as they were
        await trio.sleep(1)
        assert (await originate(server)).status == 200


async def test_requests(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(requests_per_second=3)) as server:
        statuses = [(await server.request("GET", "/ari/channels")).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = await server.request("GET", "/ari/channels")
        assert refused.json == {"message": "Too many requests", "detail": "Try again in 1 s."}
        assert refused.headers["retry-after"] == "1"
        await trio.sleep(1)
        await server.get("/ari/channels")


async def test_requests_over_a_websocket_count_too(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(requests_per_second=2)) as server:
        socket = await server.listen("/ari/events?app=app")
        asked = '{"type": "RESTRequest", "method": "GET", "uri": "channels"}'
        statuses = [(await socket.say(asked))["status_code"] for _ in range(2)]
        assert statuses == [200, 429]


async def test_one_tenants_haste_is_not_anothers(tmp_path: Path) -> None:
    async with (
        serving(tmp_path / "one", limits=Limits(requests_per_second=1)) as hasty,
        serving(tmp_path / "other", limits=Limits(requests_per_second=1)) as calm,
    ):
        for _ in range(5):
            await hasty.request("GET", "/ari/channels")
        await calm.get("/ari/channels")


async def test_sockets(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(sockets=2)) as server:
        sockets = [await server.listen(f"/ari/events?app=app{number}") for number in range(2)]
        refused = await server.open("/ari/events?app=more")
        assert isinstance(refused, Reply)
        assert (refused.status, refused.json["message"]) == (503, "Too many WebSockets")
        sockets[0].close()
        sockets[0].close()  # which frees one place, not two
        assert isinstance(await server.open("/ari/events?app=more"), Socket)
        assert isinstance(await server.open("/ari/events?app=yet-more"), Reply)


async def record(server: Server, name: str, form: str = "wav") -> Reply:
    return await server.request("POST", f"/ari/channels/c/record?name={name}&format={form}")


@pytest.mark.parametrize(("form", "seconds"), [("wav", 4), ("ulaw", 8)])
async def test_recordings_end_where_there_is_no_room(
    tmp_path: Path, form: str, seconds: int
) -> None:
    async with serving(tmp_path, limits=Limits(recording_bytes=64_000)) as server:
        socket = await server.listen("/ari/events?app=app")
        await originate(server, "c")
        await socket.until("StasisStart")
        assert (await record(server, "one", form)).status == 201
        finished = await socket.until("RecordingFinished")
        assert finished["recording"]["duration"] == seconds
        stored = tmp_path / "recordings" / f"one.{form}"
        await trio.to_thread.run_sync(lambda: stored.write_bytes(bytes(64_000)))
        refused = await record(server, "two", form)
        assert refused.status == 507
        copied = await server.request(
            "POST", "/ari/recordings/stored/one/copy?destinationRecordingName=copy"
        )
        assert copied.status == 507
        assert (await server.request("DELETE", "/ari/recordings/stored/one")).status == 204
        assert (await record(server, "two", form)).status == 201
