"""Phones in one bridge: what each hears of the others, over SIP and RTP."""

import numpy as np
import trio

from stasisd.core import events as core
from stasisd.core.bridge import Bridge, Joining
from stasisd.core.channel import Channel
from stasisd.media import codecs
from stasisd.sip.events import CallId
from tests.media.audio import octets
from tests.support.clock import jumping_clock
from tests.support.conference import TONES, of, tone, tones_in
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.world import World

pytestmark = jumping_clock

# The phones, the tone that each says, and the payload type of its codec: one speaks A-law.
PHONES = {"100": ("a", 0), "101": ("b", 0), "102": ("c", 8)}
CODECS = {0: codecs.PCMU, 8: codecs.PCMA}


class Caller:
    """A phone in a call with the application."""

    def __init__(self, name: str, phone: Phone, call: CallId, channel: Channel) -> None:
        self.tone, self.payload_type = PHONES[name]
        self.phone = phone
        self.call = call
        self.channel = channel

    async def say(self) -> None:
        """Say the tone for a second."""
        samples = tone(TONES[self.tone])
        encoded = octets(samples, CODECS[self.payload_type])
        for start in range(0, len(encoded), 160):
            frame = encoded[start : start + 160]
            self.phone.rtp.send_audio(frame, self.phone.target, payload_type=self.payload_type)
            await trio.sleep(0.02)

    def heard(self) -> set[int]:
        """The tones that came since this was asked last."""
        data = np.frombuffer(self.phone.rtp.heard(self.payload_type), np.uint8)
        self.phone.rtp.packets.clear()
        return tones_in(codecs.decode(data, CODECS[self.payload_type]) / 32768)


async def conference(world: World) -> tuple[Bridge, dict[str, Caller]]:
    """All phones call the application, which puts them into one bridge."""
    bridge, callers = world.tenant.create_bridge(), {}
    for name, phone in [(name, await world.phone(name)) for name in PHONES]:
        call = await phone.call("1001")
        await phone.talk(0.1)
        started = await world.events.until(core.StasisStart)
        assert isinstance(started, core.StasisStart)
        channel = world.tenant.channels[started.channel.id]
        bridge.join(channel)
        callers[PHONES[name][0]] = Caller(name, phone, call, channel)
    return bridge, callers


async def all_talk(callers: dict[str, Caller]) -> dict[str, set[int]]:
    """What each hears when all in a call say their tones at once."""
    for caller in callers.values():
        caller.heard()
    async with trio.open_nursery() as nursery:
        for caller in callers.values():
            nursery.start_soon(caller.say)
    await trio.sleep(0.2)
    return {name: caller.heard() for name, caller in callers.items()}


async def test_three_phones_hear_the_others_and_not_themselves(world: World) -> None:
    bridge, callers = await conference(world)
    assert bridge.snapshot.technology == "softmix"
    assert await all_talk(callers) == {"a": of("b", "c"), "b": of("a", "c"), "c": of("a", "b")}
    bridge.join(callers["a"].channel, Joining(speaks=False))
    assert await all_talk(callers) == {"a": of("b", "c"), "b": of("c"), "c": of("b")}
    one = callers.pop("b")
    one.phone.hang_up(one.call)
    await world.events.until(core.ChannelLeftBridge, id=one.channel.id)
    bridge.join(callers["a"].channel)
    assert await all_talk(callers) == {"a": of("c"), "c": of("a")}
    assert bridge.snapshot.technology == "simple_bridge"
    for caller in callers.values():
        caller.phone.hang_up(caller.call)
    await world.events.settle()
    bridge.destroy()


async def test_keys_go_to_the_others_however_they_were_sent(world: World) -> None:
    bridge, callers = await conference(world)
    a = callers["a"].phone
    await a.press("4")
    await world.events.settle(1)
    assert {name: caller.phone.keys_heard() for name, caller in callers.items()} == {
        "a": "",
        "b": "4",
        "c": "4",
    }
    callers["a"].channel.signalled("7", 160)
    await world.events.settle(1)
    assert callers["b"].phone.keys_heard() == "47"
    for caller in callers.values():
        caller.phone.hang_up(caller.call)
    await world.events.settle()
    bridge.destroy()
