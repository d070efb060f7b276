"""A channel plays a file that another server has, where the settings allow that server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.support.program import Program, configuration, running

PROMPT = Path(__file__).parents[2] / "stasisd" / "sounds" / "en" / "beep.flac"
LOOPBACK = '[tenants.default.remote_media]\nallowed_networks = ["127.0.0.0/8"]\n'


@asynccontextmanager
async def elsewhere(body: bytes) -> AsyncIterator[int]:
    """The port of a server that has one file."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(head.encode() + body)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def played(daemon: Program, uri: str) -> dict[str, Any]:
    """How a playback of this URI ended."""
    async with daemon.listen("app") as listener, await daemon.client() as ari:
        made = await ari.post("/channels/c?endpoint=Local/600@default&app=app")
        assert made.status_code == 200, made.text
        await listener.until("StasisStart")
        assert (await ari.post("/channels/c/play", params={"media": uri})).status_code == 201
        ended = await listener.until("PlaybackFinished")
        await ari.delete("/channels/c")
        return dict(ended["playback"])


@pytest.mark.parametrize(
    ("more", "state"), [(LOOPBACK, "done"), ("", "failed")], ids=["allowed", "not"]
)
async def test_a_file_from_elsewhere(more: str, state: str, tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with (
            elsewhere(PROMPT.read_bytes()) as port,
            running(tmp_path, configuration(more=more)) as daemon,
        ):
            playback = await played(daemon, f"http://127.0.0.1:{port}/beep.flac")
    assert playback["state"] == state
    if state == "failed":
        assert playback["reason"].endswith("is in a network that media may not be fetched from")
