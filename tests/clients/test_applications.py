"""Small applications of the kind that tutorials show, on unmodified clients from npm and PyPI.

Real phones call the real daemon, by SIP and RTP over loopback, and what they hear is listened to:
`pytest -m client`. What each application does is the first line of its file in `applications/`.
"""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from stasisd.demo.caller import prompt
from stasisd.demo.hearing import RATE
from tests.support.handset import Handset, all_hear

from .running import Client, Stage

pytestmark = pytest.mark.client

# What callers press, and the two frequencies of the tone that they hear for it.
TONES = {"1": (440, 480), "2": (480, 620)}
FREQUENCIES = (440, 480, 620)


async def converse(*people: Handset) -> None:
    """All talk at once, and each hears the others and not itself."""
    voices = {person.voice for person in people}
    for person in people:
        person.talk()
    await all_hear({person: voices - {person.voice} for person in people})


# --- ari-client


async def test_bridge_dial(stage: Stage, ari_client: Client) -> None:
    application = await stage.run(ari_client, "bridge_dial")
    caller, party = await stage.caller(), await stage.party()
    await caller.dial("bridge_dial")
    await caller.hears_ringing()
    await party.pick_up()
    await caller.is_answered()
    await application.says("bridged")
    await converse(caller, party)
    caller.hang_up()
    await party.is_hung_up_on()
    await stage.happens("BridgeDestroyed")


async def test_hold(stage: Stage, ari_client: Client) -> None:
    application = await stage.run(ari_client, "hold")
    caller = await stage.caller()
    await caller.talk_to("hold")
    await application.says("music")
    await caller.hears_music()
    caller.press("1")
    await application.says("silence")
    await caller.hears_silence()
    caller.press("2")
    await caller.is_hung_up_on()


async def test_infinite_wait(stage: Stage, ari_client: Client) -> None:
    application = await stage.run(ari_client, "infinite_wait")
    waiting = [await stage.caller(), await stage.party()]
    for caller in waiting:
        await caller.talk_to("infinite_wait")
        await application.says("waits")
    (bridge,) = await stage.ask("bridges")
    assert (bridge["bridge_type"], len(bridge["channels"])) == ("holding", 2)
    for caller in waiting:
        caller.talk()
    for caller in waiting:
        await caller.hears_music()
        await caller.hears_only()
        caller.hang_up()
    await application.says("empty")
    assert await stage.ask("bridges") == []


async def test_bridge_move(stage: Stage, ari_client: Client) -> None:
    application = await stage.run(ari_client, "bridge_move")
    caller, agent = await stage.caller(), await stage.party()
    await caller.talk_to("bridge_move")
    await caller.hears_music()
    await agent.pick_up()
    await application.says("talks")
    await converse(caller, agent)
    (bridge,) = await stage.ask("bridges")
    assert (bridge["bridge_type"], len(bridge["channels"])) == ("mixing", 2)
    caller.hang_up()
    await agent.is_hung_up_on()
    await stage.happens("BridgeDestroyed", bridge=bridge["id"])


# --- @ipcom/asterisk-ari


async def test_playback(stage: Stage, ipcom: Client) -> None:
    application = await stage.run(ipcom, "playback")
    caller = await stage.caller()
    await caller.dial("playback")
    await caller.hears_ringing()
    await caller.is_answered()
    await caller.hears_prompt("hello-world")
    await application.says("played done")
    await caller.is_hung_up_on()


async def test_tones(stage: Stage, ipcom: Client) -> None:
    application = await stage.run(ipcom, "tones")
    caller = await stage.caller()
    await caller.talk_to("tones")
    await application.says("answered")
    for key, tone in TONES.items():
        caller.press(key)
        await application.says(f"tone {key}")
        await caller.hears_only(*tone, among=FREQUENCIES)
    caller.press("#")
    await caller.is_hung_up_on()


async def test_state(stage: Stage, ipcom: Client) -> None:
    application = await stage.run(ipcom, "state")
    caller = await stage.caller()
    await caller.dial("state")
    await application.says("state Ring", "seen Ring", "state Up")
    await caller.is_answered()
    caller.hang_up()
    await application.says("gone")


# --- what calls somebody by itself


async def tour(stage: Stage, client: Client) -> None:
    party = await stage.party()
    application = await stage.run(client, "tour")
    await party.pick_up()
    await party.hears_prompt("hello-world")
    await application.says("played", "bridged", "done")
    await party.is_hung_up_on()
    await application.ends()


async def test_tour_on_ipcom(stage: Stage, ipcom: Client) -> None:
    await tour(stage, ipcom)


async def test_tour_on_aioari(stage: Stage, aioari: Client) -> None:
    await tour(stage, aioari)


# --- aioari


async def test_answering_machine(stage: Stage, aioari: Client) -> None:
    application = await stage.run(aioari, "answering_machine")
    caller, message = await stage.caller(), prompt("tt-weasels")
    await caller.talk_to("answering_machine")
    await application.says("records")
    await caller.hears_prompt("beep")
    caller.say(np.concatenate([message, np.zeros(RATE // 4, np.int16)]))
    caller.press("#")
    await application.says("recorded message")
    await caller.hears(message)
    await application.says("played")
    await caller.is_hung_up_on()
    assert soundfile.info(stage.daemon.recordings / "message.wav").frames >= len(message)


# --- asyncari


async def test_conference(stage: Stage, asyncari: Client) -> None:
    application = await stage.run(asyncari, "conference")
    people = [await stage.phone(name) for name in ("100", "101", "102")]
    for person in people:
        await person.talk_to("conference")
        await application.says("came")
    await converse(*people)
    people.pop().hang_up()
    await application.says("left")
    await converse(*people)
