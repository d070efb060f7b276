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
from stasisd.sip.call import CallState
from stasisd.sip.events import CallId, CallReceived
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.referring import refer, replaces
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


class Exchange(Crowd):
    """Callers in bridges of the application and in calls with each other, who transfer them."""

    async def act(self) -> None:
        """One thing that happens."""
        acts = (
            self.come,
            self.call,
            self.bridge,
            self.blind,
            self.attended,
            self.leave,
            self.expel,
        )
        await self.chance.choice(acts)()

    async def call(self) -> None:
        """One calls the phone itself, which answers."""
        self.calls.append(self.phone.dial("100"))

    async def answer(self) -> None:
        """Take the calls that came."""
        for event in [e for e in self.phone.heard if isinstance(e, CallReceived)]:
            self.phone.heard.remove(event)
            self.phone.renew()
            self.phone.answer(event)
            self.calls.append(event.call)

    async def bridge(self) -> None:
        bridges = list(self.world.tenant.bridges.values())
        made = [bridge for bridge in bridges if not bridge.is_dials]
        if len(made) < 3 or self.chance.random() < 0.2:
            made.append(self.world.tenant.create_bridge())
        if len(made) > 4:
            made.pop(0).destroy()
        for channel in self.some():
            self.chance.choice(made).join(channel)

    async def blind(self) -> None:
        target = self.chance.choice(("1001", "600", "100", "busy", "bye", "nobody"))
        for call in self.answered(1):
            refer(self.phone, call, f"<sip:{target}@192.0.2.100>")

    async def attended(self) -> None:
        calls = self.answered(2)
        if len(calls) == 2:
            refer(self.phone, calls[0], replaces(self.phone, calls[1]))

    def answered(self, most: int) -> list[CallId]:
        calls = [call for call in self.calls if self.is_answered(call)]
        return self.chance.sample(calls, min(most, len(calls)))

    def is_answered(self, call: CallId) -> bool:
        found = self.phone.agent._parts.calls.get(call)
        return found is not None and found.state is CallState.CONFIRMED


async def test_transfers_at_random(world: World) -> None:
    crowd = Exchange(world, await world.phone("100"))
    for _ in range(600):
        await crowd.act()
        await world.events.settle(crowd.chance.choice((0, 0, 0.02, 0.3)))
        await crowd.answer()
    transfers = (events.BridgeBlindTransfer, events.BridgeAttendedTransfer)
    done = [e for e in world.events.heard if isinstance(e, transfers) and e.result == "Success"]
    assert len(done) > 50
    while crowd.calls:
        await crowd.leave()
        await crowd.answer()
    for channel in list(world.tenant.channels.values()):
        channel.hangup()
    await world.events.settle(5)
    for bridge in list(world.tenant.bridges.values()):
        assert not bridge.is_dials
        bridge.destroy()
    await crowd.phone.unregister()
    await holds_nothing(world)


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
