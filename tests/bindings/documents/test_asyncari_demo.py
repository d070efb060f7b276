"""The example application on an unmodified asyncari, called over a Local channel.

asyncari's requests go to the responder itself; `test_clients_over_http` has the sockets.
"""

from __future__ import annotations

import runpy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from asyncari.client import Client

from stasisd.core import events
from tests.support.clock import jumping_clock
from tests.support.server import serving

from .asyncari_transport import QUIRKS, URL, Direct, Transport
from .caller import DIALPLAN, EXAMPLES, Call

# No call takes so many seconds of the jumping clock.
PATIENCE = 300

pytestmark = [jumping_clock, *QUIRKS]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Call, Transport]]:
    """The example at work. Gives a call to it, and the requests that it made so far."""
    serve = runpy.run_path(str(EXAMPLES / "asyncari_demo.py"))["serve"]
    async with serving(folder, DIALPLAN) as server, anyio.create_task_group() as tasks:
        http = Direct(server)
        async with Client(tasks, URL, "demo", http) as client:
            tasks.start_soon(serve, client)
            with anyio.fail_after(PATIENCE):
                yield Call(server), http.transport
            tasks.cancel_scope.cancel()


async def test_the_caller_controls_the_story_and_leaves_a_message(tmp_path: Path) -> None:
    async with running(tmp_path) as (call, transport):
        await call.control_and_record()
        requests = transport.requests
        asked = [
            request.partition("operation=")[2] for request in requests if "/control" in request
        ]
        assert asked == ["pause", "unpause", "forward", "reverse", "restart"]
        assert requests[0] == "POST /ari/channels/me%3B2/answer"
        assert requests[-1] == "DELETE /ari/channels/me%3B2"


async def test_a_stopped_story_is_told_again_or_a_message_taken(tmp_path: Path) -> None:
    async with running(tmp_path) as (call, _):
        await call.dial()
        await call.starts("sound:demo-menu")
        await call.press("5")
        await call.starts("sound:demo-story")
        await call.press("*")
        await call.listener.until(events.PlaybackFinished)
        await call.press("1")
        await call.starts("sound:demo-story")
        await call.press("*")
        await call.starts("sound:please-leave-message")
        await call.hangup()
        await call.ended()


STEPS = ["sound:demo-menu", "sound:demo-story", "sound:please-leave-message", "record"]


@pytest.mark.parametrize("step", STEPS)
async def test_the_caller_may_hang_up_at_any_point(
    tmp_path: Path, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as (call, _):
        await call.dial()
        for media in STEPS:
            if media == "record":
                await call.listener.until(events.RecordingStarted)
            else:
                await call.starts(media)
            if media == step:
                break
            if media != "sound:please-leave-message":
                await call.press("1" if media == "sound:demo-menu" else "#")
        await call.hangup()
        await call.ended()
    assert capsys.readouterr().out.endswith("the caller hung up\n")


async def test_a_call_that_cannot_go_on_is_hung_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as (call, transport):
        transport.broken = "demo-story"
        await call.dial()
        await call.starts("sound:demo-menu")
        await call.press("1")
        await call.ended()
    assert "500 Internal Server Error" in capsys.readouterr().out
