"""Who listens in hears what he asked for, and who is whispered to hears it: on phones."""

import pytest
import trio

from stasisd.core import dialing
from stasisd.core import events as core
from stasisd.core.channel import Channel
from stasisd.core.technology import NewChannel, Snooping
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.world import APP, World

pytestmark = jumping_clock

HALF = 25  # frames in half a second


def voice(number: int) -> bytes:
    """A frame that only one of the phones says."""
    return bytes([0x20 + number]) * 160


async def callers(world: World, *names: str) -> list[tuple[Phone, Channel]]:
    """Phones whose calls the application has answered."""
    phones = [await world.phone(name) for name in names]
    return [(phone, await called(world, phone)) for phone in phones]


async def called(world: World, phone: Phone) -> Channel:
    phone.dial("1001")
    await phone.answered()
    started = await world.events.until(core.StasisStart)
    assert isinstance(started, core.StasisStart)
    return world.tenant.channels[started.channel.id]


def bridge(world: World, *channels: Channel) -> None:
    made = world.tenant.create_bridge()
    for channel in channels:
        made.join(channel)


async def all_talk(*phones: Phone) -> None:
    """Let each phone speak with its own voice for half a second."""
    for phone in phones:
        phone.rtp.packets.clear()
    async with trio.open_nursery() as nursery:
        for number, phone in enumerate(phones):
            nursery.start_soon(phone.talk, 0.5, voice(number))


def heard(phone: Phone, number: int) -> bool:
    return phone.rtp.heard().count(voice(number)) > HALF // 2


async def snooping(world: World, spied: Channel, spy: str, whisper: str) -> Channel:
    wanted = Snooping(spy=spy, whisper=whisper)  # type: ignore[arg-type] # a test names it
    channel = dialing.snoop(spied, wanted, NewChannel())
    await dialing.enter(channel, APP, (), heard=False)
    return channel


@pytest.mark.parametrize(
    ("spy", "whisper", "voices"),
    [("in", "none", [0]), ("out", "none", [1]), ("none", "out", []), ("in", "both", [0])],
)
async def test_each_direction_is_listened_to_by_itself(
    world: World, spy: str, whisper: str, voices: list[int]
) -> None:
    (one, first), (other, second), (listener, third) = await callers(world, "100", "101", "open")
    bridge(world, first, second)
    bridge(world, third, await snooping(world, first, spy, whisper))
    await all_talk(one, other)
    assert [number for number in (0, 1) if heard(listener, number)] == voices
    assert heard(one, 1)
    assert heard(other, 0)
    for channel in (first, second, third):
        channel.hangup()


async def test_both_directions_are_heard_together(world: World) -> None:
    (one, first), (other, second), (listener, third) = await callers(world, "100", "101", "open")
    bridge(world, first, second)
    bridge(world, third, await snooping(world, first, "both", "none"))
    await all_talk(one, other)
    sounds = set(listener.rtp.heard()) - {0xFF, 0x7F}
    assert sounds - {voice(0)[0], voice(1)[0]}, "the sum is neither of the two"
    for channel in (first, second, third):
        channel.hangup()


@pytest.mark.parametrize(
    ("whisper", "to_it", "to_others"),
    [("out", True, False), ("in", False, True), ("both", True, True), ("none", False, False)],
)
async def test_whispering_reaches_who_it_should(
    world: World, whisper: str, to_it: bool, to_others: bool
) -> None:
    (one, first), (other, second), (coach, third) = await callers(world, "100", "101", "open")
    bridge(world, first, second)
    bridge(world, third, await snooping(world, first, "in", whisper))
    await all_talk(coach)
    assert heard(one, 0) == to_it
    assert heard(other, 0) == to_others
    assert not heard(coach, 0)
    for channel in (first, second, third):
        channel.hangup()
