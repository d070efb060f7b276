"""Calls, playbacks and recordings that end at random moments leave nothing behind.

The world counts tasks, ports, calls and transactions after each test; the media process tells what
it holds.
"""

import random
from pathlib import Path

import soundfile
import trio

from stasisd.core import events, playback, recording
from stasisd.core.channel import Channel
from stasisd.core.playback import OPERATIONS, NotPlayable
from stasisd.core.recording import NotRecordable, Wanted
from stasisd.sip.events import CallId
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.world import World

pytestmark = jumping_clock

URIS = ("sound:silence/1", "sound:hello", "tone:ring", "digits:123", "sound:none", "number:21")


async def holds_nothing(world: World) -> None:
    """The media process has no port, socket, file or anything that plays or records."""
    await world.events.settle(70)
    left = await world.tenant.media.worker_statistics()
    held = (left.ports, left.sockets, left.playbacks, left.recordings, left.files)
    assert held == (0, 0, 0, 0, 0)


def in_the_application(world: World) -> list[Channel]:
    return [c for c in world.tenant.channels.values() if c.visit is not None and not c.hungup]


async def test_500_playbacks_cancelled_at_random(world: World) -> None:
    chance, phone = random.Random(21), await world.plug("100")
    calls = [await phone.call("1001") for _ in range(10)]
    await world.events.settle()
    channels, everything = in_the_application(world), world.tenant.playbacks
    tasks = trio.lowlevel.current_statistics().tasks_living
    for _ in range(500):
        playing = playback.play(chance.choice(channels), tuple(chance.choices(URIS, k=2)))
        if chance.random() < 0.3:
            await world.events.settle(chance.random())
        if playing.snapshot.state == "playing" and chance.random() < 0.5:
            playing.control(chance.choice(OPERATIONS))
        chance.choice(list(everything.values()) or [playing]).stop()
    while everything:
        chance.choice(list(everything.values())).stop()
        await world.events.settle(0.001)
    await world.events.settle()
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    left = await world.tenant.media.worker_statistics()
    assert (left.ports, left.playbacks) == (10, 0)
    for call in calls:
        phone.hang_up(call)
    await holds_nothing(world)


class Crowd:
    """Callers who come, are played to, recorded, and leave whenever they like."""

    def __init__(self, world: World, phone: Phone) -> None:
        self.world = world
        self.phone = phone
        self.chance = random.Random(22)
        self.calls: list[CallId] = []
        self.recorded: list[Path] = []

    async def act(self) -> None:
        """One thing that happens."""
        happens = self.chance.choice((self.come, self.play, self.record, self.leave, self.expel))
        await happens()

    async def come(self) -> None:
        self.calls.append(self.phone.dial("1001"))

    async def play(self) -> None:
        for channel in self.some():
            try:
                playback.play(channel, tuple(self.chance.choices(URIS, k=2)))
            except NotPlayable:
                pass

    async def record(self) -> None:
        for channel in self.some():
            kind = self.chance.choice(("wav", "ulaw"))
            name = f"r{len(self.recorded)}"
            try:
                wanted = Wanted(name=name, format=kind, beep=self.chance.random() < 0.3)
                await recording.record(channel, wanted)
            except NotRecordable:
                continue
            self.recorded.append(self.world.tenant.settings.recordings / f"{name}.{kind}")

    async def leave(self) -> None:
        """A caller hangs up, answered or not."""
        if self.calls:
            self.phone.hang_up(self.calls.pop(self.chance.randrange(len(self.calls))))

    async def expel(self) -> None:
        """We hang up."""
        for channel in self.some():
            channel.hangup()

    def some(self) -> list[Channel]:
        return in_the_application(self.world)[: self.chance.randrange(3)]


async def test_calls_that_end_at_random_in_the_middle_of_recordings(world: World) -> None:
    crowd = Crowd(world, await world.plug("100"))
    for _ in range(500):
        await crowd.act()
        await world.events.settle(crowd.chance.choice((0, 0, 0.02, 0.3)))
    while crowd.calls:
        await crowd.leave()
    await holds_nothing(world)
    ends = (events.RecordingFinished, events.RecordingFailed)
    ended = [e for e in world.events.heard if isinstance(e, ends)]
    assert len(ended) == len(crowd.recorded) > 50
    for path in crowd.recorded:
        if path.suffix == ".wav":
            soundfile.info(str(path))
