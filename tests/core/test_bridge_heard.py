"""What is heard in a bridge: by phones on the virtual network, in the packets they get."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio
from numpy.typing import NDArray

from stasisd.core import attendant, dialing, events, playback, recording
from stasisd.core.bridge import Bridge, Joining
from stasisd.core.bridge_kind import BridgeKind
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot
from stasisd.core.tenant import Tenant
from stasisd.media.control import Media, MediaSettings
from stasisd.technologies.local import Half
from tests.media import calls
from tests.media.audio import Samples
from tests.media.test_dtmf import events_sent, press
from tests.support.clock import jumping_clock
from tests.support.media import Far, Network, in_process
from tests.support.tenant import Listener, assert_nothing_left, make_tenant
from tests.support.world import APP

pytestmark = jumping_clock

# The tone that each phone says, in hertz, and that of what is played.
TONES = {"a": 500, "b": 900, "c": 1300}
PLAYED = 1700
SECONDS = 1
AUDIBLE = 0.02  # of full scale


class Silent(Half):
    """The leg of a phone that takes everything and answers nothing."""

    def hangup(self, cause: int) -> None:
        """There is nobody to tell."""


class Phone:
    """A channel in the application, with a far end that can speak and hear."""

    def __init__(self, channel: Channel, far: Far) -> None:
        self.channel = channel
        self.far = far

    async def say(self, hertz: int) -> None:
        """Say a tone for a second."""
        assert self.channel.port is not None
        await calls.say(self.far, self.channel.port, tone(hertz))

    def heard(self) -> set[int]:
        """The tones that came; they are forgotten."""
        samples = calls.heard(self.far) / 32768
        self.far.packets.clear()
        return tones_in(samples)


def tone(hertz: int) -> Samples:
    time = np.arange(8000 * SECONDS) / 8000
    samples: Samples = (np.sin(2 * np.pi * hertz * time) * 6000).astype(np.int16)
    return samples


def tones_in(samples: NDArray[np.float64]) -> set[int]:
    """Which of our tones a sound holds."""
    if not len(samples):
        return set()
    time = np.arange(len(samples)) / 8000
    return {
        hertz
        for hertz in (*TONES.values(), PLAYED)
        if abs(np.mean(samples * np.exp(-2j * np.pi * hertz * time))) * 2 > AUDIBLE
    }


class World:
    """A tenant whose phones are on a virtual network."""

    def __init__(self, tenant: Tenant, network: Network) -> None:
        self.tenant = tenant
        self.network = network
        self.phones: dict[str, Phone] = {}

    async def phone(self, name: str) -> Phone:
        """A phone in a call with the application."""
        host = f"192.0.2.{len(self.phones) + 1}"
        port, far = await calls.call(self.tenant.media, self.network, host=host)
        snapshot = ChannelSnapshot(
            id=name, name=f"Phone/{name}", state="Up", creationtime=self.tenant.now()
        )
        channel = Channel(self.tenant, Silent(), snapshot)
        channel.attach(port)
        self.tenant.add_channel(channel)
        self.tenant.start(channel, dialing.into_application(APP, ()))
        await trio.testing.wait_all_tasks_blocked()
        made = self.phones[name] = Phone(channel, far)
        return made

    async def talk(self, *speakers: str) -> None:
        """Let these say their tones at the same time, and what they said arrive."""
        for phone in self.phones.values():
            phone.heard()
        async with trio.open_nursery() as nursery:
            for name in speakers or self.phones:
                nursery.start_soon(self.phones[name].say, TONES[name])
        await trio.sleep(0.2)

    def heard(self) -> dict[str, set[int]]:
        return {name: phone.heard() for name, phone in self.phones.items()}


def of(*names: str) -> set[int]:
    return {TONES[name] for name in names}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Three phones that are in no bridge yet."""
    network = Network()
    media = Media(MediaSettings(bind="192.0.2.100"), in_process(network))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        tenant = make_tenant(media, tmp_path)
        await nursery.start(tenant.run)
        Listener(tenant, APP)
        made = World(tenant, network)
        for name in TONES:
            await made.phone(name)
        yield made
        for channel in list(tenant.channels.values()):
            channel.hangup()
        for bridge in list(tenant.bridges.values()):
            bridge.destroy()
        await trio.sleep(3)
        assert_nothing_left(tenant)
        nursery.cancel_scope.cancel()


def bridge_of(world: World, names: Iterable[str] = TONES, *, holding: bool = False) -> Bridge:
    bridge = world.tenant.create_bridge(kind=BridgeKind(holding=holding))
    for name in names:
        bridge.join(world.phones[name].channel)
    return bridge


async def test_each_hears_the_others_and_not_itself(world: World) -> None:
    bridge_of(world)
    await world.talk()
    assert world.heard() == {"a": of("b", "c"), "b": of("a", "c"), "c": of("a", "b")}


async def test_two_hear_each_other_and_a_third_outside_nobody(world: World) -> None:
    bridge_of(world, "ab")
    await world.talk()
    assert world.heard() == {"a": of("b"), "b": of("a"), "c": set()}


@pytest.mark.parametrize("by", ["joining", "channel"])
async def test_a_muted_leg_is_absent_and_hears(by: str, world: World) -> None:
    bridge = bridge_of(world)
    if by == "joining":
        bridge.join(world.phones["a"].channel, Joining(speaks=False))
    else:
        world.phones["a"].channel.mute("in")
    await world.talk()
    assert world.heard() == {"a": of("b", "c"), "b": of("c"), "c": of("b")}


async def test_who_leaves_hears_and_is_heard_no_more(world: World) -> None:
    bridge = bridge_of(world)
    bridge.leave(world.phones["c"].channel)
    await world.talk()
    assert world.heard() == {"a": of("b"), "b": of("a"), "c": set()}


async def test_who_moves_hears_those_it_moved_to(world: World) -> None:
    bridge_of(world)
    bridge_of(world, "bc")
    await world.talk()
    assert world.heard() == {"a": set(), "b": of("c"), "c": of("b")}


async def test_the_held_hear_the_announcer_and_each_other_never(world: World) -> None:
    bridge = bridge_of(world, "bc", holding=True)
    bridge.join(world.phones["a"].channel, Joining(role="announcer"))
    await world.talk()
    heard = world.heard()
    assert (heard["b"], heard["c"]) == (of("a"), of("a"))
    assert heard["a"] == set()


@pytest.mark.parametrize("holding", [False, True])
async def test_all_hear_what_is_played_to_the_bridge(holding: bool, world: World) -> None:
    bridge = bridge_of(world, holding=holding)
    playback.play(attendant.announcer_of(bridge), (f"tone:{PLAYED}/1000",))
    await world.talk("a")
    others = {PLAYED} if holding else {PLAYED, *of("a")}
    assert world.heard() == {"a": {PLAYED}, "b": others, "c": others}


async def test_a_recording_holds_all(world: World) -> None:
    bridge = bridge_of(world)
    wanted = recording.Wanted(name="r", format="wav")
    live = await attendant.record(bridge, wanted)
    playback.play(attendant.announcer_of(bridge), (f"tone:{PLAYED}/1000",))
    await world.talk()
    live.stop()
    await live.finished.wait()
    samples, _ = soundfile.read(world.tenant.settings.recordings / "r.wav")
    assert tones_in(samples) == {*TONES.values(), PLAYED}


# --- keys


def digits_of(listener: Listener) -> list[tuple[str, str]]:
    return [
        (event.channel.id, event.digit)
        for event in listener.heard
        if isinstance(event, events.ChannelDtmfReceived)
    ]


@pytest.mark.parametrize("absorbed", [False, True])
async def test_a_key_goes_to_the_others_unless_absorbed(absorbed: bool, world: World) -> None:
    listener = Listener(world.tenant, APP)
    bridge = bridge_of(world)
    a = world.phones["a"]
    bridge.join(a.channel, Joining(absorb_dtmf=absorbed))
    assert a.channel.port is not None
    await press(a.far, a.channel.port, "5")
    await listener.settle()
    assert digits_of(listener) == [("a", "5")]
    sent = {name: bool(events_sent(phone.far)) for name, phone in world.phones.items()}
    assert sent == {"a": False, "b": not absorbed, "c": not absorbed}


@pytest.mark.parametrize("absorbed", [False, True])
async def test_so_does_one_that_was_signalled(absorbed: bool, world: World) -> None:
    bridge = bridge_of(world)
    a = world.phones["a"].channel
    bridge.join(a, Joining(absorb_dtmf=absorbed))
    a.signalled("7", 100)
    await trio.sleep(1)
    sent = {name: events_sent(phone.far) for name, phone in world.phones.items()}
    there = [] if absorbed else ["7"]
    assert sent == {"a": [], "b": there, "c": there}


async def test_the_held_press_keys_for_the_application_alone(world: World) -> None:
    listener = Listener(world.tenant, APP)
    bridge_of(world, holding=True)
    a = world.phones["a"]
    assert a.channel.port is not None
    await press(a.far, a.channel.port, "5")
    await listener.settle()
    assert digits_of(listener) == [("a", "5")]
    assert not any(events_sent(phone.far) for phone in world.phones.values())
