"""Playbacks: one after another, controlled by a table, stopped at once, failed with a reason."""

import random
from typing import Any

import pytest
import trio

from stasisd.core import events, media_uri, playback
from stasisd.core.channel import Channel
from stasisd.core.playback import CONTROLS, OPERATIONS, NotPlayable, NotPlaying
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left
from tests.support.world import APP, call

pytestmark = jumping_clock


@pytest.fixture
async def channel(tenant: Tenant) -> Channel:
    Listener(tenant, APP)
    return await call(tenant, "c", exten="hold")


def playback_events(listener: Listener, playback_id: str) -> list[tuple[str, str]]:
    return [
        (type(event).__name__.removeprefix("Playback"), event.playback.media_uri)
        for event in listener.of(playback_id)
        if isinstance(event, events.PlaybackEvent)
    ]


async def test_a_list_plays_in_order(channel: Channel) -> None:
    listener = Listener(channel.tenant)
    start = trio.current_time()
    playing = playback.play(
        channel, ("sound:silence/1", "sound:silence/2"), playback_id="p", skip_ms=500
    )
    await playing.finished.wait()
    assert trio.current_time() - start == pytest.approx(3, abs=0.1)
    await listener.settle()
    assert playback_events(listener, "p") == [
        ("Started", "sound:silence/1"),
        ("Continuing", "sound:silence/1"),
        ("Started", "sound:silence/2"),
        ("Finished", "sound:silence/2"),
    ]


async def test_the_next_waits_for_those_before_it(channel: Channel) -> None:
    listener = Listener(channel.tenant)
    for number in range(5):
        playback.play(channel, ("sound:silence/1",), playback_id=str(number))
    await channel.wait_played()
    await listener.settle()
    order = [
        (type(e).__name__.removeprefix("Playback"), e.playback.id)
        for e in listener.heard
        if isinstance(e, events.PlaybackEvent)
    ]
    assert order == [(kind, str(n)) for n in range(5) for kind in ("Started", "Finished")]


async def test_one_stopped_in_the_queue_does_not_let_the_next_start(channel: Channel) -> None:
    first, second, third = (
        playback.play(channel, ("sound:silence/3",), playback_id=name) for name in "abc"
    )
    await trio.sleep(1)
    second.stop()
    await trio.sleep(1)
    assert second.snapshot.state == "done"
    assert (first.snapshot.state, third.snapshot.state) == ("playing", "queued")
    await first.finished.wait()
    await trio.sleep(0.1)
    assert third.snapshot.state == "playing"


async def test_a_stop_is_at_once(channel: Channel) -> None:
    playing = playback.play(channel, ("sound:silence/9",))
    await trio.sleep(1)
    start = trio.current_time()
    playing.stop()
    playing.stop()
    await playing.finished.wait()
    assert trio.current_time() - start < 0.001
    assert (playing.snapshot.state, playing.snapshot.reason) == ("done", None)
    assert not channel.tenant.playbacks


async def test_one_stopped_before_it_began_never_starts(channel: Channel) -> None:
    listener = Listener(channel.tenant)
    playback.play(channel, ("sound:silence/9",), playback_id="p").stop()
    await listener.settle()
    assert [kind for kind, _ in playback_events(listener, "p")] == ["Finished"]


# --- controls


@pytest.mark.parametrize("state", ["playing", "paused"])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_controls_lead_where_the_table_says(
    state: str, operation: str, channel: Channel
) -> None:
    listener = Listener(channel.tenant)
    playing = playback.play(channel, ("sound:silence/9",), playback_id="p", skip_ms=500)
    await trio.sleep(1)
    if state == "paused":
        playing.control("pause")
    playing.control(operation)
    assert playing.snapshot.state == CONTROLS[state, operation]
    await listener.settle(0.1)
    resumed = state == "paused" and operation == "unpause"
    expected = ["Started", "Started"] if resumed else ["Started"]
    assert [kind for kind, _ in playback_events(listener, "p")] == expected


@pytest.mark.parametrize(
    ("controls", "seconds"),
    [
        ((), 3.0),
        (("forward",), 2.5),
        (("reverse",), 3.5),
        (("restart",), 4.0),
        (("pause", "unpause"), 3.0),
        (("forward", "forward", "forward", "forward", "forward", "forward"), 1.0),
    ],
)
async def test_controls_move_the_media(
    controls: tuple[str, ...], seconds: float, channel: Channel
) -> None:
    start = trio.current_time()
    playing = playback.play(channel, ("sound:silence/3",), skip_ms=500)
    await trio.sleep(1)
    for operation in controls:
        playing.control(operation)
    await playing.finished.wait()
    assert trio.current_time() - start == pytest.approx(seconds, abs=0.1)


async def test_a_pause_lasts(channel: Channel) -> None:
    playing = playback.play(channel, ("sound:silence/1",))
    await trio.sleep(0.5)
    playing.control("pause")
    await trio.sleep(10)
    assert playing.snapshot.state == "paused"
    playing.control("unpause")
    start = trio.current_time()
    await playing.finished.wait()
    assert trio.current_time() - start == pytest.approx(0.5, abs=0.1)


async def test_a_paused_one_is_stopped_and_the_next_begins(channel: Channel) -> None:
    first, second = (playback.play(channel, ("sound:silence/1",)) for _ in range(2))
    await trio.sleep(0.5)
    first.control("pause")
    first.stop()
    await second.finished.wait()
    assert second.snapshot.state == "done"


async def test_an_offset_skips_the_beginning_of_the_first(channel: Channel) -> None:
    start = trio.current_time()
    uris = ("sound:silence/3", "sound:silence/3")
    playing = playback.play(channel, uris, offset_ms=2000)
    await playing.finished.wait()
    assert trio.current_time() - start == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("state", ["queued", "done"])
async def test_what_does_not_play_can_not_be_controlled(state: str, channel: Channel) -> None:
    playing = playback.play(channel, ("sound:silence/1",))
    if state == "queued":
        playing = playback.play(channel, ("sound:silence/1",))
    else:
        await playing.finished.wait()
    for operation in OPERATIONS:
        with pytest.raises(NotPlaying, match=state):
            playing.control(operation)


async def test_a_pause_while_the_media_is_looked_up_holds(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def slowly(*arguments: Any) -> Any:
        await trio.sleep(1)
        return await media_uri.resolve(*arguments)

    monkeypatch.setattr(playback, "resolve", slowly)
    playing = playback.play(channel, ("sound:silence/1",))
    await trio.sleep(0.5)
    playing.control("pause")
    await trio.sleep(10)
    assert playing.snapshot.state == "paused"
    playing.control("unpause")
    await playing.finished.wait()
    assert playing.snapshot.state == "done"


# --- failures


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("sound:no-such-sound", "there is no sound 'no-such-sound'"),
        ("nonsense:x", "unknown media scheme 'nonsense'"),
        ("no scheme at all", "unknown media scheme"),
        ("recording:absent", "there is no recording 'absent'"),
        ("recording:../../etc/passwd", "there is no recording"),
        ("number:many", "not a whole number"),
        ("number:" + "9" * 5000, "not a whole number"),
        ("digits:", "nothing to say"),
        ("digits:" + "1" * 1000, "more than 256 prompts"),
        ("characters:\N{SNOWMAN}", "nothing to say"),
        ("tone:whistle", "no tone is called 'whistle'"),
        ("tone:ring;tonezone=mars", "unknown tone zone"),
        ("tone:" + ",".join(["440/100"] * 1000), "at most 64 steps"),
        ("tone:440/0", "no tone"),
    ],
)
async def test_what_can_not_be_played_ends_as_failed_and_says_why(
    uri: str, reason: str, channel: Channel
) -> None:
    listener = Listener(channel.tenant)
    playing = playback.play(channel, ("sound:silence/1", uri, "sound:silence/1"), playback_id="p")
    behind = playback.play(channel, ("sound:silence/1",))
    await behind.finished.wait()
    assert playing.snapshot.state == "failed"
    assert reason in (playing.snapshot.reason or "")
    assert behind.snapshot.state == "done"
    await listener.settle()
    assert playback_events(listener, "p")[-2:] == [("Started", uri), ("Finished", uri)]


async def test_a_file_that_can_not_be_read_says_why(channel: Channel) -> None:
    folder = channel.tenant.settings.recordings
    folder.mkdir(parents=True)
    (folder / "broken.wav").write_bytes(b"RIFF, but no more")
    playing = playback.play(channel, ("recording:broken",))
    await playing.finished.wait()
    assert playing.snapshot.state == "failed"
    assert playing.snapshot.reason


async def test_a_hangup_fails_those_that_play_and_wait(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    channel = await call(tenant, "c")
    names = ("p1", "p2", "p3")
    for name in names:
        playback.play(channel, ("sound:silence/9",), playback_id=name)
    await trio.sleep(1)
    channel.hangup()
    await listener.settle()
    for name in names:
        (finished,) = [e for e in listener.of(name) if isinstance(e, events.PlaybackFinished)]
        assert (finished.playback.state, finished.playback.reason) == (
            "failed",
            "the channel was hung up",
        )
    assert_nothing_left(tenant)
    with pytest.raises(NotPlayable):
        playback.play(channel, ("sound:hello",))


async def test_500_playbacks_cancelled_at_random_leave_nothing(tenant: Tenant) -> None:
    chance = random.Random(20)
    listener = Listener(tenant, APP)
    channels = [await call(tenant, f"c{number}") for number in range(20)]
    await trio.sleep(1)
    tasks = trio.lowlevel.current_statistics().tasks_living
    uris = ["sound:silence/1", "sound:hello", "tone:ring", "digits:123", "sound:none", "number:21"]
    for _ in range(500):
        playing = playback.play(
            chance.choice(channels), tuple(chance.choices(uris, k=chance.randint(1, 3)))
        )
        if chance.random() < 0.3:
            await trio.sleep(chance.random())
        if playing.snapshot.state == "playing" and chance.random() < 0.5:
            playing.control(chance.choice(OPERATIONS))
        chance.choice(list(tenant.playbacks.values()) or [playing]).stop()
    while tenant.playbacks:
        chance.choice(list(tenant.playbacks.values())).stop()
        await trio.sleep(0.001)
    await listener.settle()
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert tenant.media.statistics().unfinished == 0
    assert not any(channel.playbacks for channel in channels)
    for channel in channels:
        channel.hangup()
    await listener.settle()
    assert_nothing_left(tenant)
