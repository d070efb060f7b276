"""Who talks: on one port, and in a mix."""

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from stasisd.media.commands import DIALTONE
from stasisd.media.control import Media, Mix, Port
from stasisd.media.reports import PortReport, TalkFinished, TalkStarted
from tests.support.media import Far, Network

from .audio import Samples, speech
from .calls import call, next_of, say


def loud(ms: int, magnitude: int = 2000) -> Samples:
    """Samples of this mean magnitude."""
    return np.resize(np.array([magnitude, -magnitude], np.int16), ms * 8)


def quiet(ms: int) -> Samples:
    return np.zeros(ms * 8, np.int16)


async def talk_of(port: Port) -> list[PortReport]:
    """What was reported about talk; closes the port."""
    port.close()
    reports = [report async for report in port.reports()]
    return [r for r in reports if isinstance(r, TalkStarted | TalkFinished)]


def names(port: Port, *durations: int | None) -> list[PortReport]:
    """Reports of starts (None) and ends."""
    name = port.slot, port.generation
    return [TalkStarted(*name) if ms is None else TalkFinished(*name, ms) for ms in durations]


async def test_talk_begins_at_once_and_ends_with_enough_silence(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    port.detect_talk(300)
    await say(far, port, quiet(500))
    said = [loud(400), quiet(200), loud(200), quiet(600), loud(100), quiet(600)]
    await say(far, port, np.concatenate(said))
    assert await talk_of(port) == names(port, None, 1100, None, 400)


async def test_a_far_end_that_sends_no_more_is_silent(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    port.detect_talk(2500)
    await say(far, port, loud(400))
    await trio.sleep(2)
    assert (await next_of(port, TalkStarted)) == names(port, None)[0]
    report = await next_of(port, TalkFinished)
    assert isinstance(report, TalkFinished)
    assert 2900 <= report.duration_ms <= 3100


async def test_the_other_half_talks_as_long_as_something_is_played(
    media: Media, autojump_clock: MockClock
) -> None:
    one, other = media.open_pair()
    other.detect_talk(200)
    playing = one.play((DIALTONE,))
    await next_of(other, TalkStarted)
    await trio.sleep(0.5)
    playing.stop()
    report = await next_of(other, TalkFinished)
    assert isinstance(report, TalkFinished)
    assert 680 <= report.duration_ms <= 740


@pytest.mark.parametrize(("threshold", "talks"), [(1500, True), (2500, False)])
async def test_the_threshold_is_the_mean_magnitude(
    media: Media, network: Network, autojump_clock: MockClock, threshold: int, talks: bool
) -> None:
    port, far = await call(media, network)
    port.detect_talk(200, threshold)
    await say(far, port, np.concatenate([loud(200, 2000), quiet(300)]))
    assert bool(await talk_of(port)) is talks


async def test_it_can_be_ended(media: Media, network: Network, autojump_clock: MockClock) -> None:
    port, far = await call(media, network)
    port.detect_talk(200)
    await say(far, port, loud(200))
    port.detect_talk(None)
    await say(far, port, quiet(500))
    port.detect_talk(200)
    await say(far, port, np.concatenate([loud(100), quiet(400)]))
    assert await talk_of(port) == names(port, None, None, 300)


# ---- in a mix


async def watched(media: Media, network: Network, count: int) -> tuple[Mix, list[Port], list[Far]]:
    mix, ports, fars = media.open_mix(watch_speakers=True), [], []
    for number in range(count):
        port, far = await call(media, network, host=f"192.0.2.{number + 1}")
        mix.add(port)
        ports.append(port)
        fars.append(far)
    return mix, ports, fars


async def test_the_active_speaker_is_known_and_told_on_change_only(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix, ports, fars = await watched(media, network, 3)
    told: list[list[Port]] = []

    async def listen() -> None:
        while True:
            told.append(await mix.wait_speakers())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        assert mix.speakers == []
        await say(fars[0], ports[0], speech(16000))
        await trio.sleep(1.5)
        nursery.start_soon(say, fars[1], ports[1], loud(3000, 500))
        await trio.sleep(1)
        await say(fars[2], ports[2], loud(1000, 4000))
        assert mix.speakers == [ports[2], ports[1]]
        await trio.sleep(3)
        nursery.cancel_scope.cancel()
    one, two, three = ports
    assert told == [[one], [], [two], [three, two], [two], []]


async def test_a_speaker_who_left_is_none(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix, ports, fars = await watched(media, network, 3)
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            for number in range(2):
                nursery.start_soon(
                    say, fars[number], ports[number], loud(500, 1000 + number * 2000)
                )
            await trio.sleep(0.45)
            assert mix.speakers == [ports[1], ports[0]]
            mix.remove(ports[1])
            assert mix.speakers == [ports[0]]
            assert await mix.wait_speakers() == [ports[0]]
            mix.add(ports[1])
        await trio.sleep(1)
    mix.close()
    assert await mix.wait_speakers() == []
    await trio.sleep(1)


async def test_who_is_a_little_louder_does_not_take_the_floor(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix, ports, fars = await watched(media, network, 2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, fars[0], ports[0], loud(3000, 1000))
        await trio.sleep(1)
        nursery.start_soon(say, fars[1], ports[1], loud(1500, 1300))
        await trio.sleep(1)
        assert mix.speakers == ports
        ports[0].mute("in")
        await trio.sleep(0.4)
        assert mix.speakers == ports[::-1]


async def test_who_comes_after_a_speaker_is_quiet(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix, ports, fars = await watched(media, network, 1)
    await say(fars[0], ports[0], loud(500))
    assert mix.speakers == ports
    ports[0].close()
    port, _ = await call(media, network, host="192.0.2.2")
    assert port.slot == ports[0].slot
    mix.add(port)
    await trio.sleep(0.25)
    assert mix.speakers == []


async def test_nobody_watches_unless_asked(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix = media.open_mix()
    port, far = await call(media, network)
    mix.add(port)
    await say(far, port, loud(500))
    assert mix.speakers == []
