"""Small applications of the kind that tutorials show, on unmodified clients from npm and PyPI.

Calls go over Local channels, against the real daemon: `pytest -m client`. What each application
does is the first line of its file in `applications/`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from .running import Stage, stage

pytestmark = pytest.mark.client

APPLICATIONS = Path(__file__).parent / "applications"


async def entered(observed: Stage, count: int) -> list[str]:
    """Wait until so many channels entered a bridge; which are in it then."""
    for _ in range(count - 1):
        await observed.events.until("ChannelEnteredBridge")
    event = await observed.events.until("ChannelEnteredBridge")
    return list(event["bridge"]["channels"])


# --- ari-client


async def test_bridge_dial(tmp_path: Path, node_modules: Path) -> None:
    program = ("node", APPLICATIONS / "bridge_dial.js")
    async with (
        stage(tmp_path) as observed,
        observed.application(*program, NODE_PATH=str(node_modules)) as application,
    ):
        await observed.call("bridge_dial")
        await application.says("bridged")
        assert "caller;2" in await entered(observed, 2)
        await observed.hang_up()
        await observed.events.until("BridgeDestroyed")


async def test_hold(tmp_path: Path, node_modules: Path) -> None:
    program = ("node", APPLICATIONS / "hold.js")
    async with (
        stage(tmp_path) as observed,
        observed.application(*program, NODE_PATH=str(node_modules)) as application,
    ):
        await observed.call("hold")
        await application.says("music")
        await observed.press("1")
        await application.says("silence")
        await observed.press("2")
        await observed.events.until("ChannelDestroyed", channel="caller")


async def test_infinite_wait(tmp_path: Path, node_modules: Path) -> None:
    program = ("node", APPLICATIONS / "infinite_wait.js")
    async with (
        stage(tmp_path) as observed,
        observed.application(*program, NODE_PATH=str(node_modules)) as application,
    ):
        for name in ("one", "two"):
            await observed.call("infinite_wait", name)
            await application.says("waits")
        assert sorted(await entered(observed, 2)) == ["one;2", "two;2"]
        (bridge,) = await observed.ask("GET", "bridges")
        assert bridge["bridge_type"] == "holding"
        for name in ("one", "two"):
            await observed.hang_up(name)
        await application.says("empty")
        assert await observed.ask("GET", "bridges") == []


async def test_bridge_move(tmp_path: Path, node_modules: Path) -> None:
    program = ("node", APPLICATIONS / "bridge_move.js")
    async with (
        stage(tmp_path) as observed,
        observed.application(*program, NODE_PATH=str(node_modules)) as application,
    ):
        await observed.call("bridge_move")
        assert await entered(observed, 1) == ["caller;2"]
        await application.says("talks")
        assert "caller;2" in await entered(observed, 2)
        (bridge,) = await observed.ask("GET", "bridges")
        assert (bridge["bridge_type"], len(bridge["channels"])) == ("mixing", 2)
        await observed.hang_up()
        await observed.events.until("BridgeDestroyed", bridge=bridge["id"])


# --- @ipcom/asterisk-ari


async def test_tour(tmp_path: Path, node_modules: Path) -> None:
    program = ("node", APPLICATIONS / "tour.js")
    async with (
        stage(tmp_path) as observed,
        observed.application(*program, NODE_PATH=str(node_modules)) as application,
    ):
        await application.says("played")
        await application.says("bridged")
        await application.says("done")
        assert await application.process.wait() == 0


async def test_playback(tmp_path: Path, node_modules: Path) -> None:
    program = ("node", APPLICATIONS / "playback.js")
    async with (
        stage(tmp_path) as observed,
        observed.application(*program, NODE_PATH=str(node_modules)) as application,
    ):
        await observed.call("playback")
        await application.says("played done")
        await observed.events.until("ChannelDestroyed", channel="caller")


async def test_tones(tmp_path: Path, node_modules: Path) -> None:
    program = ("node", APPLICATIONS / "tones.js")
    async with (
        stage(tmp_path) as observed,
        observed.application(*program, NODE_PATH=str(node_modules)) as application,
    ):
        await observed.call("tones")
        await application.says("answered")
        for key in "12":
            await observed.press(key)
            await application.says(f"tone {key}")
        await observed.press("#")
        await observed.events.until("ChannelDestroyed", channel="caller")


async def test_state(tmp_path: Path, node_modules: Path) -> None:
    program = ("node", APPLICATIONS / "state.js")
    async with (
        stage(tmp_path) as observed,
        observed.application(*program, NODE_PATH=str(node_modules)) as application,
    ):
        await observed.call("state")
        for line in ("state Ring", "seen Ring", "state Up"):
            await application.says(line)
        await observed.hang_up()
        await application.says("gone")


# --- aioari


async def test_tour_of_aioari(tmp_path: Path, python_with_aioari: Path) -> None:
    program = (python_with_aioari, APPLICATIONS / "tour.py")
    async with stage(tmp_path) as observed, observed.application(*program) as application:
        await application.says("played")
        await application.says("bridged")
        await application.says("done")
        assert await application.process.wait() == 0


async def test_answering_machine(tmp_path: Path, python_with_aioari: Path) -> None:
    program = (python_with_aioari, APPLICATIONS / "answering_machine.py")
    async with stage(tmp_path) as observed, observed.application(*program) as application:
        await observed.call("answering_machine")
        await application.says("records")
        await trio.sleep(2)
        await observed.press("#")
        await application.says("recorded message")
        await application.says("played")
        await observed.events.until("ChannelDestroyed", channel="caller")
        assert (observed.daemon.recordings / "message.wav").stat().st_size > 8000
