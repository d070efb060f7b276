"""linphonec calls; it proves its password by SHA-256, which baresip can't yet."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.support import program

from . import linphonec, speech
from .cable import Cable

pytestmark = [
    pytest.mark.phone,
    pytest.mark.skipif(not linphonec.is_installed(), reason="linphone-cli is not installed"),
]


@pytest.mark.parametrize(
    ("transport", "algorithms"), [("udp", '["SHA-256"]'), ("tcp", '["SHA-256", "MD5"]')]
)
async def test_it_hears_its_echo_holds_and_presses_a_key(
    transport: str, algorithms: str, cable: Cable, said: Path, tmp_path: Path
) -> None:
    digest = f"[sip]\ndigest_algorithms = {algorithms}\n"
    configuration = program.configuration(cable.server).replace("[sip]\n", digest)
    with trio.fail_after(60):
        async with (
            program.running(tmp_path, configuration) as daemon,
            daemon.listen("observer", everything=True) as observer,
        ):
            _, server = await daemon.addresses()
            async with linphonec.running(cable, server, tmp_path, said, transport) as phone:
                change = await observer.until("EndpointStateChange")
                assert change["endpoint"]["state"] == "online"
                await phone.type(f"call sip:600@{server[0]}:{server[1]}")
                await observer.until("PlaybackFinished")
                await trio.sleep(5)
                await phone.type("pause")
                await observer.until("ChannelHold")
                await trio.sleep(1)  # it does not resume before it knows that it holds
                await phone.type("resume")
                await observer.until("ChannelUnhold")
                await phone.type("#")
                assert (await observer.until("ChannelDtmfReceived"))["digit"] == "#"
                assert (await observer.until("ChannelDestroyed"))["cause"] == 16
                await phone.type("quit")
                change = await observer.until("EndpointStateChange")
                assert change["endpoint"]["state"] == "offline"
    heard = speech.read(phone.heard)
    after = len(speech.read(speech.PROMPTS / "echo-test.flac")) + speech.RATE
    # Its clock slips where the machine is busy: what is longer than a second may have a gap.
    seconds = [heard[after + n * speech.RATE :][: speech.RATE] for n in range(3)]
    assert max(speech.likeness(part, speech.read(said)) for part in seconds) > 0.9
