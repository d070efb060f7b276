"""baresip calls."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.support import program

from . import baresip, speech
from .cable import Cable

pytestmark = [
    pytest.mark.phone,
    pytest.mark.skipif(not baresip.is_installed(), reason="baresip-core is not installed"),
]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_it_registers_and_hears_its_echo(
    transport: str, cable: Cable, said: Path, tmp_path: Path
) -> None:
    configuration = program.configuration(cable.server)
    with trio.fail_after(60):
        async with (
            program.running(tmp_path, configuration) as daemon,
            daemon.listen("observer", everything=True) as observer,
        ):
            _, server = await daemon.addresses()
            async with baresip.running(cable, server, tmp_path, said, transport=transport) as phone:
                registered = await observer.until("EndpointStateChange")
                assert registered["endpoint"]["resource"] == "100"
                assert registered["endpoint"]["state"] == "online"
                await phone.dial(f"sip:600@{server[0]}:{server[1]}")
                await trio.sleep(8)
                await phone.command("hangup")
                await observer.until("ChannelDestroyed")
    heard = speech.read(phone.heard())
    assert len(heard) > 7 * speech.RATE
    last = heard[-3 * speech.RATE : -speech.RATE]
    # A frame that came late on a busy machine is made up by baresip; other speech is below 0.25.
    assert speech.likeness(last, speech.read(said)) > 0.8
