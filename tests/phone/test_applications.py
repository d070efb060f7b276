"""A phone talks to the example applications: unmodified clients, the real daemon, real RTP.

What was said is looked for in what was recorded, and what was played in what the phone heard.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import trio

from tests.support import program
from tests.support.listening import Listener

from . import baresip, speech
from .cable import Cable
from .examples import ARI_CLIENT, ASYNCARI, example

pytestmark = [
    pytest.mark.phone,
    pytest.mark.skipif(not baresip.is_installed(), reason="baresip-core is not installed"),
]

# While the story is told: pause, go on, skip, go back, start again.
KEYS = "55641"


async def starts(observer: Listener, media: str) -> None:
    """Wait until this is played."""
    while (await observer.until("PlaybackStarted"))["playback"]["media_uri"] != media:
        pass


async def whole_call(phone: baresip.Baresip, observer: Listener, uri: str) -> str:
    """Call the example and use all that it offers. Returns the name of what it recorded."""
    await phone.dial(uri)
    await starts(observer, "sound:demo-menu")
    await trio.sleep(3)
    await phone.press("1")
    await starts(observer, "sound:demo-story")
    for key in KEYS:
        await trio.sleep(1)
        await phone.press(key)
        assert (await observer.until("ChannelDtmfReceived"))["digit"] == key
    await trio.sleep(1)
    await phone.press("#")
    await starts(observer, "sound:please-leave-message")
    recording = (await observer.until("RecordingStarted"))["recording"]
    await trio.sleep(6)
    await phone.press("#")
    await starts(observer, f"recording:{recording['name']}")
    await starts(observer, "sound:demo-thanks")
    await observer.until("ChannelDestroyed")
    return str(recording["name"])


async def try_example(
    cable: Cable, said: Path, folder: Path, *command: str | Path, **environment: str
) -> None:
    configuration = program.configuration(cable.server)
    with trio.fail_after(120):
        async with (
            program.running(folder, configuration) as daemon,
            daemon.listen("observer", everything=True) as observer,
            example(daemon, *command, **environment),
        ):
            _, (host, port) = await daemon.addresses()
            async with baresip.running(cable, (host, port), folder, said) as phone:
                await observer.until("EndpointStateChange")
                name = await whole_call(phone, observer, f"sip:1000@{host}:{port}")
            recorded = speech.read(daemon.recordings / f"{name}.wav")
            assert await daemon.end() == 0
    assert len(recorded) > 5 * speech.RATE
    assert speech.likeness(recorded, speech.read(said)) > 0.8
    heard = speech.read(phone.heard())
    prompt = speech.read(speech.PROMPTS / "demo-menu.flac")
    assert speech.likeness(prompt[speech.RATE // 2 : 2 * speech.RATE], heard) > 0.8
    message = recorded[speech.RATE : 4 * speech.RATE]
    assert speech.likeness(message, heard) > 0.8


async def test_asyncari(cable: Cable, said: Path, tmp_path: Path) -> None:
    pytest.importorskip("asyncari")
    await try_example(cable, said, tmp_path, sys.executable, "-u", ASYNCARI)


async def test_ari_client(cable: Cable, said: Path, tmp_path: Path, node_modules: Path) -> None:
    await try_example(
        cable,
        said,
        tmp_path,
        "node",
        ARI_CLIENT,
        NODE_PATH=str(node_modules),
    )
