"""What plays to a bridge and records it: parties without a channel, that come and go."""

import pytest
import soundfile
import trio

from stasisd.core import attendant, events, playback, recording
from stasisd.core.bridge import Bridge
from stasisd.core.stored_recordings import AlreadyExists
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left
from tests.support.world import APP, call

pytestmark = jumping_clock


@pytest.fixture
async def bridge(tenant: Tenant) -> Bridge:
    """A bridge with one channel in it, which is silent; the application subscribed to it."""
    Listener(tenant, APP)
    made = tenant.create_bridge("b")
    tenant.applications[APP].follow("bridge:b")
    made.join(await call(tenant, "c", exten="hold"))
    return made


def play(bridge: Bridge, *uris: str, playback_id: str = "p") -> playback.Playback:
    return playback.play(attendant.announcer_of(bridge), uris, playback_id=playback_id)


def wanted(name: str = "r", **more: object) -> recording.Wanted:
    return recording.Wanted(name=name, format="wav", **more)  # type: ignore[arg-type] # by name


def peers(bridge: Bridge) -> str:
    return bridge.channels[0].variables.get("BRIDGEPEER", "")


async def end(bridge: Bridge) -> None:
    """End all there is: nothing may be left."""
    tenant = bridge.tenant
    bridge.destroy()
    for channel in list(tenant.channels.values()):
        channel.hangup()
    await trio.sleep(70)
    assert_nothing_left(tenant)
    assert not bridge.attendants
    assert not tenant.applications[APP].follows("bridge:b")


# --- playing


async def test_an_announcer_comes_plays_and_goes(bridge: Bridge) -> None:
    listener = Listener(bridge.tenant, APP)
    playing = play(bridge, "sound:silence/1")
    assert playing.snapshot.target_uri == "bridge:b"
    assert playing.snapshot.state == "queued"
    assert peers(bridge).startswith("Announcer/ARI-")
    assert peers(bridge).endswith(";2")
    assert bridge.snapshot.channels == ("c",)
    await playing.finished.wait()
    await listener.settle()
    assert listener.names("p") == ["PlaybackStarted", "PlaybackFinished"]
    assert not bridge.attendants
    assert peers(bridge).startswith("Announcer/ARI-")  # as in Asterisk: it is left alone
    await end(bridge)


async def test_playbacks_share_an_announcer_one_after_another(bridge: Bridge) -> None:
    first, second = (play(bridge, "sound:silence/1", playback_id=name) for name in "pq")
    assert len(bridge.attendants) == 1
    await first.finished.wait()
    await trio.sleep(0.1)
    assert second.snapshot.state == "playing"
    second.control("pause")
    await trio.sleep(5)
    assert second.snapshot.state == "paused"
    second.control("unpause")
    await second.finished.wait()
    await trio.lowlevel.checkpoint()
    third = play(bridge, "sound:silence/1", playback_id="r")
    await third.finished.wait()
    assert third.snapshot.state == "done"
    await end(bridge)


async def test_a_playback_that_ended_leaves_room_for_the_next_at_once(bridge: Bridge) -> None:
    for number in range(20):
        playing = play(bridge, "sound:silence/1", playback_id=str(number))
        playing.stop()
        for _ in range(number):
            await trio.lowlevel.checkpoint()
    last = play(bridge, "sound:silence/1")
    await last.finished.wait()
    assert last.snapshot.state == "done"
    await end(bridge)


async def test_the_end_of_a_bridge_ends_what_is_played_and_is_told(bridge: Bridge) -> None:
    listener = Listener(bridge.tenant, APP)
    playing = play(bridge, "sound:silence/9")
    play(bridge, "sound:silence/9", playback_id="q")
    await trio.sleep(1)
    bridge.destroy()
    await listener.settle()
    assert (playing.snapshot.state, playing.snapshot.reason) == (
        "failed",
        "the bridge was destroyed",
    )
    assert listener.names("q") == ["PlaybackFinished"]
    names = listener.names()
    assert names.index("BridgeDestroyed") < names.index("PlaybackFinished")
    await end(bridge)


async def test_one_that_never_began_is_told_too(bridge: Bridge) -> None:
    listener = Listener(bridge.tenant, APP)
    play(bridge, "sound:silence/9")
    bridge.destroy()
    await listener.settle()
    assert listener.names("p") == ["PlaybackFinished"]
    await end(bridge)


async def test_an_id_may_be_taken_again_while_the_old_bridge_ends(bridge: Bridge) -> None:
    tenant = bridge.tenant
    listener = Listener(tenant, APP)
    await attendant.record(bridge, wanted())
    bridge.destroy()
    again = tenant.create_bridge("b")
    again.join(tenant.channels["c"])
    await listener.settle()
    assert tenant.applications[APP].follows("bridge:b")
    again.leave(tenant.channels["c"])
    await listener.settle()
    assert listener.names("b")[-1] == "ChannelLeftBridge"
    await end(again)


async def test_a_bug_ends_one_attendant(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise ZeroDivisionError

    live = await attendant.record(bridge, wanted())
    announcer = attendant.announcer_of(bridge)
    assert announcer.port is not None
    monkeypatch.setattr(announcer.port, "play", broken)
    playing = playback.play(announcer, ("sound:silence/1",))
    await playing.finished.wait()
    await trio.sleep(1)
    assert playing.snapshot.state == "failed"
    assert live.snapshot.state == "recording"
    assert [a.kind for a in bridge.attendants] == ["Recorder/ARI"]
    await end(bridge)


async def test_without_ports_nothing_is_in_the_bridge(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.tenant.media, "_session", None)
    with pytest.raises(attendant.NoMedia):
        attendant.announcer_of(bridge)
    assert not bridge.attendants
    assert peers(bridge) == ""


# --- recording


async def test_a_recorder_comes_and_goes(bridge: Bridge) -> None:
    listener = Listener(bridge.tenant, APP)
    play(bridge, "tone:440/60000")
    live = await attendant.record(bridge, wanted())
    assert "Recorder/ARI-" in peers(bridge)
    assert live.snapshot.target_uri == "bridge:b"
    await trio.sleep(2)
    live.stop()
    await live.finished.wait()
    await listener.settle()
    assert listener.names("r") == ["RecordingStarted", "RecordingFinished"]
    assert [a.kind for a in bridge.attendants] == ["Announcer/ARI"]
    samples, rate = soundfile.read(bridge.tenant.settings.recordings / "r.wav")
    assert len(samples) / rate == pytest.approx(2, abs=0.1)
    assert abs(samples[rate:]).max() > 0.01
    await end(bridge)


async def test_the_end_of_a_bridge_keeps_what_was_recorded(bridge: Bridge) -> None:
    listener = Listener(bridge.tenant, APP)
    live = await attendant.record(bridge, wanted())
    await trio.sleep(2)
    bridge.destroy()
    await listener.until(events.RecordingFinished)
    assert live.snapshot.state == "done"
    await end(bridge)


async def test_a_key_ends_a_recording(bridge: Bridge) -> None:
    live = await attendant.record(bridge, wanted(terminate_on="#"))
    await trio.sleep(1)
    bridge.tenant.channels["c;2"].sound.send_dtmf("5#")
    await live.finished.wait()
    assert live.snapshot.state == "done"
    await end(bridge)


async def test_a_bad_recording_puts_nobody_into_the_bridge(bridge: Bridge) -> None:
    await attendant.record(bridge, wanted())
    with pytest.raises(AlreadyExists):
        await attendant.record(bridge, wanted())
    assert len(bridge.attendants) == 1
    bridge.destroy()
    with pytest.raises(recording.NotRecordable):
        await attendant.record(bridge, wanted("s"))
    await end(bridge)
