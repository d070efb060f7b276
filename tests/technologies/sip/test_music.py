"""Music on hold, as the phone hears it."""

from stasisd.core import events as core
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import FRAME, Phone
from tests.technologies.sip.test_snoop import bridge, callers
from tests.technologies.sip.world import World

pytestmark = jumping_clock


async def sounds(listener: Phone, speaker: Phone) -> set[int]:
    """The octets that a phone hears while another one speaks."""
    listener.rtp.packets.clear()
    await speaker.talk(0.5)
    return set(listener.rtp.heard())


async def test_music_takes_the_place_of_the_others(world: World) -> None:
    (one, first), (other, second) = await callers(world, "100", "open")
    bridge(world, first, second)
    assert set(FRAME) <= await sounds(one, other)
    first.sound.hold_music(on=True)
    first.sound.hold_music(on=True)
    await sounds(one, other)
    assert len(await sounds(one, other)) > 20, "that is no music"
    first.sound.hold_music(on=False)
    first.sound.hold_music(on=False)
    await sounds(one, other)
    assert await sounds(one, other) == set(FRAME)
    for channel in (first, second):
        channel.hangup()
    await world.events.until(core.ChannelDestroyed)
