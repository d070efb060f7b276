"""The example of a voice agent: a caller hums, and hears the same hum."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import trio

from tests.support import program
from tests.support.tones import RATE, pitches

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "voice_agent.py"
DIALPLAN = """
[default]
exten => agent,1,Stasis(agent)
 same => n,Hangup()
"""
HUM = 440


async def wait_until_ready(agent: trio.Process) -> None:
    assert agent.stdout is not None
    assert b"waits for calls" in await agent.stdout.receive_some(1000)


async def test_the_agent_says_back_what_it_hears(tmp_path: Path) -> None:
    with trio.fail_after(2 * program.PATIENCE):
        async with (
            program.running(tmp_path, program.configuration(), DIALPLAN) as daemon,
            daemon.listen("caller", everything=True) as caller,
            await daemon.client() as ari,
            trio.open_nursery() as nursery,
        ):
            command = [sys.executable, EXAMPLE, await daemon.url(), program.USER, program.PASSWORD]
            start = partial(trio.run_process, command, stdout=subprocess.PIPE, check=False)
            agent = await nursery.start(start)
            await wait_until_ready(agent)
            made = await ari.post("channels/c?endpoint=Local/agent@default&app=caller")
            assert made.is_success, made.text
            for _ in ("the caller", "the agent's ear"):
                await caller.until("ChannelEnteredBridge")
            await ari.post("channels/c/record?name=heard&format=wav")
            await ari.post("channels/c/play/hum", params={"media": f"tone:{HUM}/1000,0/100"})
            await caller.until("PlaybackStarted")
            await trio.sleep(1)
            await ari.delete("playbacks/hum")
            await trio.sleep(3)
            await ari.delete("channels/c")
            await caller.until("RecordingFinished")
            await caller.until("ChannelDestroyed")
            agent.terminate()
            assert await daemon.end() == 0
    sound = (daemon.recordings / "heard.wav").read_bytes()[44:]
    assert len(sound) > 3 * RATE
    assert pitches(sound) == {450}  # to 50 Hz
