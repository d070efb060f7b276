"""Applications between unmodified clients and unmodified phones: sipp and baresip from Debian."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from stasisd.demo.caller import prompt
from tests.phone import baresip, sipp, speech
from tests.phone.cable import Cable

from .running import Client, Stage, stage_at

pytestmark = [pytest.mark.client, pytest.mark.phone]

with_baresip = pytest.mark.skipif(
    not baresip.is_installed(), reason="baresip-core is not installed"
)


@pytest.mark.skipif(not sipp.is_installed(), reason="sip-tester is not installed")
async def test_sipp_is_dialled_and_sends_back_what_it_hears(
    stage: Stage, ari_client: Client, tmp_path: Path
) -> None:
    application = await stage.run(ari_client, "bridge_dial")
    _, server = await stage.daemon.addresses()
    party = partial(sipp.play, server=server, folder=tmp_path, port=sipp.free_port())
    await party("register", expires=60)
    caller, words = await stage.caller(), prompt("tt-weasels")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(party, "callee", echoes=True))
        await caller.talk_to("bridge_dial")
        await application.says("bridged")
        caller.say(words)
        await caller.hears(words)
        caller.hang_up()


@asynccontextmanager
async def baresip_on(
    cable: Cable, said: Path, folder: Path
) -> AsyncIterator[tuple[Stage, baresip.Baresip]]:
    """A stage, and baresip as its party, which loopback does not reach."""
    with trio.fail_after(60):
        async with stage_at(folder, cable.server) as stage:
            _, server = await stage.daemon.addresses()
            async with baresip.running(cable, server, folder, said) as phone:
                await stage.happens("EndpointStateChange")
                yield stage, phone


def assert_heard_hello(phone: baresip.Baresip) -> None:
    hello = speech.read(speech.PROMPTS / "hello-world.flac")
    # What is in baresip's buffer when it is hung up on is not heard any more.
    assert speech.likeness(hello[: -speech.RATE // 4], speech.read(phone.heard())) > 0.9


@with_baresip
async def test_baresip_calls_and_hears_what_is_played(
    cable: Cable, said: Path, ipcom: Client, tmp_path: Path
) -> None:
    async with baresip_on(cable, said, tmp_path) as (stage, phone):
        application = await stage.run(ipcom, "playback")
        host, port = (await stage.daemon.addresses())[1]
        await phone.dial(f"sip:playback@{host}:{port}")
        await application.says("played done")
        await phone.happens("CALL_CLOSED")
    assert_heard_hello(phone)


@with_baresip
async def test_baresip_is_called_and_hears_what_is_played(
    cable: Cable, said: Path, aioari: Client, tmp_path: Path
) -> None:
    async with baresip_on(cable, said, tmp_path) as (stage, phone):
        application = await stage.run(aioari, "tour")
        await phone.happens("CALL_INCOMING")
        await phone.command("accept")
        await application.says("played", "bridged", "done")
        await phone.happens("CALL_CLOSED")
    assert_heard_hello(phone)
