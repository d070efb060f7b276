"""What is heard in a bridge: by phones on the virtual network, in the packets they get."""

from collections.abc import Iterable

import numpy as np
import pytest
import soundfile
import trio

from stasisd.core import attendant, events, playback, recording
from stasisd.core.bridge import Bridge, Joining
from stasisd.core.bridge_kind import BridgeKind
from tests.media import calls
from tests.media.test_dtmf import events_sent, press
from tests.support.clock import jumping_clock
from tests.support.conference import AUDIBLE, PLAYED, TONES, Conference, Phone, of, tones_in
from tests.support.tenant import Listener
from tests.support.world import APP

pytestmark = jumping_clock


def bridge_of(
    conference: Conference, names: Iterable[str] = TONES, *, holding: bool = False
) -> Bridge:
    bridge = conference.tenant.create_bridge(kind=BridgeKind(holding=holding))
    for name in names:
        bridge.join(conference.phones[name].channel)
    return bridge


async def test_each_hears_the_others_and_not_itself(conference: Conference) -> None:
    bridge_of(conference)
    await conference.talk()
    assert conference.heard() == {"a": of("b", "c"), "b": of("a", "c"), "c": of("a", "b")}


async def test_two_hear_each_other_and_a_third_outside_nobody(conference: Conference) -> None:
    bridge_of(conference, "ab")
    await conference.talk()
    assert conference.heard() == {"a": of("b"), "b": of("a"), "c": set()}


@pytest.mark.parametrize("by", ["joining", "channel"])
async def test_a_muted_leg_is_absent_and_hears(by: str, conference: Conference) -> None:
    bridge = bridge_of(conference)
    if by == "joining":
        bridge.join(conference.phones["a"].channel, Joining(speaks=False))
    else:
        conference.phones["a"].channel.sound.mute("in")
    await conference.talk()
    assert conference.heard() == {"a": of("b", "c"), "b": of("c"), "c": of("b")}


async def test_who_leaves_hears_and_is_heard_no_more(conference: Conference) -> None:
    bridge = bridge_of(conference)
    bridge.leave(conference.phones["c"].channel)
    await conference.talk()
    assert conference.heard() == {"a": of("b"), "b": of("a"), "c": set()}


async def test_who_moves_hears_those_it_moved_to(conference: Conference) -> None:
    bridge_of(conference)
    bridge_of(conference, "bc")
    await conference.talk()
    assert conference.heard() == {"a": set(), "b": of("c"), "c": of("b")}


async def test_the_held_hear_the_announcer_and_each_other_never(conference: Conference) -> None:
    bridge = bridge_of(conference, "bc", holding=True)
    bridge.join(conference.phones["a"].channel, Joining(role="announcer"))
    await conference.talk()
    heard = conference.heard()
    assert (heard["b"], heard["c"]) == (of("a"), of("a"))
    assert heard["a"] == set()


@pytest.mark.parametrize("holding", [False, True])
async def test_all_hear_what_is_played_to_the_bridge(holding: bool, conference: Conference) -> None:
    bridge = bridge_of(conference, holding=holding)
    playback.play(attendant.announcer_of(bridge), (f"tone:{PLAYED}/1000",))
    await conference.talk("a")
    others = {PLAYED} if holding else {PLAYED, *of("a")}
    assert conference.heard() == {"a": {PLAYED}, "b": others, "c": others}


async def test_a_recording_holds_all(conference: Conference) -> None:
    bridge = bridge_of(conference)
    wanted = recording.Wanted(name="r", format="wav")
    live = await attendant.record(bridge, wanted)
    playback.play(attendant.announcer_of(bridge), (f"tone:{PLAYED}/1000",))
    await conference.talk()
    live.stop()
    await live.finished.wait()
    samples, _ = soundfile.read(conference.tenant.settings.recordings / "r.wav")
    assert tones_in(samples) == {*TONES.values(), PLAYED}


# --- music


def loud(phone: Phone) -> bool:
    """Whether something came that is no silence; it is forgotten."""
    samples = calls.heard(phone.far)
    phone.far.packets.clear()
    return len(samples) > 0 and bool(np.abs(samples[len(samples) // 2 :]).max() > 300)


async def music(conference: Conference) -> dict[str, bool]:
    """Who hears something in the next second, when nobody speaks."""
    for phone in conference.phones.values():
        loud(phone)
    await trio.sleep(1)
    return {name: loud(phone) for name, phone in conference.phones.items()}


async def test_the_held_hear_music_while_nobody_announces(conference: Conference) -> None:
    bridge = bridge_of(conference, "bc", holding=True)
    a = conference.phones["a"].channel
    assert await music(conference) == {"a": False, "b": True, "c": True}
    bridge.join(a, Joining(role="announcer"))
    assert await music(conference) == {"a": False, "b": False, "c": False}
    bridge.leave(a)
    assert await music(conference) == {"a": False, "b": True, "c": True}
    bridge.leave(conference.phones["b"].channel)
    assert await music(conference) == {"a": False, "b": False, "c": True}
    bridge.destroy()
    assert await music(conference) == {"a": False, "b": False, "c": False}


async def test_a_mixing_bridge_hears_music_when_told(conference: Conference) -> None:
    bridge = bridge_of(conference)
    attendant.start_music(bridge)
    attendant.start_music(bridge)
    assert [a.kind for a in bridge.attendants] == ["Announcer/ARI_MOH"]
    assert await music(conference) == {"a": True, "b": True, "c": True}
    await conference.talk("a")
    assert TONES["a"] in conference.heard()["b"]  # it is mixed in
    attendant.stop_music(bridge)
    with pytest.raises(attendant.NoMusic):
        attendant.stop_music(bridge)
    assert await music(conference) == {"a": False, "b": False, "c": False}


async def test_what_is_played_comes_in_place_of_the_music(conference: Conference) -> None:
    bridge = bridge_of(conference, holding=True)
    playing = playback.play(attendant.announcer_of(bridge), (f"tone:{PLAYED}/1000",))
    await conference.talk("a")
    assert conference.heard()["b"] == {PLAYED}
    playing.stop()
    assert await music(conference) == {"a": True, "b": True, "c": True}


async def test_a_held_recording_is_without_music(conference: Conference) -> None:
    bridge = bridge_of(conference, holding=True)
    live = await attendant.record(bridge, recording.Wanted(name="r", format="wav"))
    await trio.sleep(1)
    live.stop()
    await live.finished.wait()
    samples, _ = soundfile.read(conference.tenant.settings.recordings / "r.wav")
    assert abs(samples).max() < AUDIBLE


async def test_who_is_put_on_hold_hears_music(conference: Conference) -> None:
    bridge = bridge_of(conference, "ab")
    a, c = conference.phones["a"].channel, conference.phones["c"].channel
    a.held()
    assert await music(conference) == {"a": False, "b": True, "c": False}
    bridge.join(c)  # and talks with the third, if there is one
    assert await music(conference) == {"a": False, "b": False, "c": False}
    bridge.leave(c)
    a.unheld()
    assert await music(conference) == {"a": False, "b": False, "c": False}
    await conference.talk("a")
    assert conference.heard()["b"] == of("a")


async def test_music_that_was_asked_for_outlasts_the_bridge(conference: Conference) -> None:
    bridge = bridge_of(conference, "ab", holding=True)
    a = conference.phones["a"].channel
    a.sound.hold_music(on=True)
    bridge.destroy()
    assert await music(conference) == {"a": True, "b": False, "c": False}
    bridge = bridge_of(conference, "ab", holding=True)
    a.sound.hold_music(on=False)
    assert await music(conference) == {"a": True, "b": True, "c": False}
    bridge.leave(a)
    assert await music(conference) == {"a": False, "b": True, "c": False}


async def test_the_loss_of_the_media_process_ends_all_and_is_told(conference: Conference) -> None:
    bridge = bridge_of(conference)
    conference.tenant.applications[APP].follow(bridge.topics[0])
    listener = Listener(conference.tenant, APP)
    playing = playback.play(attendant.announcer_of(bridge), ("sound:silence/9",))
    live = await attendant.record(bridge, recording.Wanted(name="r", format="wav"))
    attendant.start_music(bridge)
    await trio.sleep(1)
    conference.links[0].kill()
    await listener.settle(3)
    assert (playing.snapshot.state, live.snapshot.state) == ("failed", "failed")
    names = listener.names()
    assert {"PlaybackFinished", "RecordingFailed"} <= set(names)
    assert names.count("ChannelLeftBridge") == len(TONES)
    assert not bridge.attendants
    assert bridge.snapshot.channels == ()
    conference.phones.clear()
    for name in TONES:  # the bridge goes on with the next process
        bridge.join((await conference.phone(name)).channel)
    await conference.talk()
    assert conference.heard() == {"a": of("b", "c"), "b": of("a", "c"), "c": of("a", "b")}


# --- keys


def digits_of(listener: Listener) -> list[tuple[str, str]]:
    return [
        (event.channel.id, event.digit)
        for event in listener.heard
        if isinstance(event, events.ChannelDtmfReceived)
    ]


@pytest.mark.parametrize("absorbed", [False, True])
async def test_a_key_goes_to_the_others_unless_absorbed(
    absorbed: bool, conference: Conference
) -> None:
    listener = Listener(conference.tenant, APP)
    bridge = bridge_of(conference)
    a = conference.phones["a"]
    bridge.join(a.channel, Joining(absorb_dtmf=absorbed))
    assert a.channel.port is not None
    await press(a.far, a.channel.port, "5")
    await listener.settle()
    assert digits_of(listener) == [("a", "5")]
    sent = {name: bool(events_sent(phone.far)) for name, phone in conference.phones.items()}
    assert sent == {"a": False, "b": not absorbed, "c": not absorbed}


@pytest.mark.parametrize("absorbed", [False, True])
async def test_so_does_one_that_was_signalled(absorbed: bool, conference: Conference) -> None:
    bridge = bridge_of(conference)
    a = conference.phones["a"].channel
    bridge.join(a, Joining(absorb_dtmf=absorbed))
    a.signalled("7", 100)
    await trio.sleep(1)
    sent = {name: events_sent(phone.far) for name, phone in conference.phones.items()}
    there = [] if absorbed else ["7"]
    assert sent == {"a": [], "b": there, "c": there}


async def test_the_held_press_keys_for_the_application_alone(conference: Conference) -> None:
    listener = Listener(conference.tenant, APP)
    bridge_of(conference, holding=True)
    a = conference.phones["a"]
    assert a.channel.port is not None
    await press(a.far, a.channel.port, "5")
    await listener.settle()
    assert digits_of(listener) == [("a", "5")]
    assert not any(events_sent(phone.far) for phone in conference.phones.values())
