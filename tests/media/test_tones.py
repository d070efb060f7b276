"""Tones that are listened for: told once each, and nothing else taken for one."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio
from trio.testing import MockClock

import stasisd
from stasisd.media.commands import Step, ToneSegment
from stasisd.media.control import Media, Port
from stasisd.media.ports import RTP, Ports
from stasisd.media.reports import Report, ToneDetected
from stasisd.media.tones import Tones, frames_of, waves_of
from tests.support.media import Network

from .audio import Samples, speech
from .calls import call, next_of, say


def tone(frequency: float, ms: int, amplitude: float = 3000, phase: float = 0) -> Samples:
    turns = 2 * np.pi * frequency / 8000 * np.arange(ms * 8) + phase
    samples: Samples = (amplitude * np.sin(turns)).astype(np.int16)
    return samples


def quiet(ms: int) -> Samples:
    return np.zeros(ms * 8, np.int16)


def noise(ms: int, deviation: float = 3000) -> Samples:
    drawn = np.random.default_rng(3).normal(0, deviation, ms * 8)
    return np.clip(drawn, -32768, 32767).astype(np.int16)


async def tones_of(port: Port) -> int:
    """How many were told of what came in; closes the port."""
    port.close()
    reports = [report async for report in port.reports()]
    return sum(isinstance(r, ToneDetected) and not r.outgoing for r in reports)


async def told(
    media: Media, network: Network, said: Samples, *, frequency: int = 2100, **options: int
) -> int:
    port, far = await call(media, network)
    port.detect_tone(frequency, outgoing=False, **options)
    await say(far, port, np.concatenate([said, quiet(100)]))
    await trio.sleep(0.2)
    return await tones_of(port)


@pytest.mark.parametrize("shift", [0, 1, 37, 80, 159])
@pytest.mark.parametrize("frequency", [440, 1100, 2100, 2613, 3500])
async def test_a_tone_is_told_once_however_it_lies_on_the_frames(
    media: Media, network: Network, autojump_clock: MockClock, frequency: int, shift: int
) -> None:
    said = np.concatenate([np.zeros(shift, np.int16), tone(frequency, 600), quiet(200)])
    assert await told(media, network, said, frequency=frequency) == 1


async def test_each_tone_counts(media: Media, network: Network, autojump_clock: MockClock) -> None:
    said = np.concatenate([tone(2100, 600), quiet(100)] * 3)
    assert await told(media, network, said) == 3


async def test_a_long_tone_is_one(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    assert await told(media, network, tone(2100, 5000)) == 1


@pytest.mark.parametrize(("ms", "duration_ms", "count"), [
    (500, 500, 1), (350, 500, 0), (60, 50, 1), (1000, 1000, 1), (800, 1000, 0),
])  # fmt: skip
async def test_it_has_to_last(
    media: Media, network: Network, autojump_clock: MockClock, ms: int, duration_ms: int, count: int
) -> None:
    assert await told(media, network, tone(2100, ms), duration_ms=duration_ms) == count


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(speech(8000 * 30), id="speech"),
        pytest.param(noise(20_000), id="noise"),
        pytest.param(tone(2150, 2000), id="another tone"),
        pytest.param(tone(2100, 2000, amplitude=40), id="a tone too low"),
        pytest.param(tone(1050, 2000), id="its half"),
        pytest.param(quiet(2000), id="silence"),
        pytest.param(tone(697, 2000) + tone(1209, 2000), id="a key"),
        pytest.param(tone(2100, 2000) + noise(2000, 600), id="a tone that noise is near to"),
    ],
)
async def test_what_is_no_such_tone(
    media: Media, network: Network, autojump_clock: MockClock, said: Samples
) -> None:
    assert await told(media, network, said, duration_ms=50) == 0


async def test_the_threshold_is_in_decibels(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    said = tone(2100, 1000) + noise(1000, 600)  # 11 dB
    assert await told(media, network, said, decibels=8) == 1
    assert await told(media, network, said, decibels=14) == 0


async def test_a_single_frame_without_it_does_not_end_a_tone_and_two_do(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    for gap, count in ((20, 1), (60, 0)):
        said = np.concatenate([tone(2100, 300), noise(gap), tone(2100, 300)])
        assert await told(media, network, said) == count


async def test_what_goes_out_is_another_side(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, _ = await call(media, network)
    port.detect_tone(1000, outgoing=True)
    port.detect_tone(1000, outgoing=False)
    playing = port.play((ToneSegment((Step((1000,), 700), Step((), 300))),))
    report = await next_of(port, ToneDetected)
    assert report == ToneDetected(port.slot, port.generation, outgoing=True)
    await playing.wait_ended()
    assert await tones_of(port) == 0


async def test_it_can_be_ended_and_ends_with_the_port(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    port.detect_tone(2100, outgoing=False)
    await say(far, port, tone(2100, 400))
    port.detect_tone(0, outgoing=False)
    await say(far, port, tone(2100, 1000))
    port.detect_tone(2100, outgoing=False)
    assert await tones_of(port) == 0
    later, far = await call(media, network, host="192.0.2.9")
    assert later.slot == port.slot
    await say(far, later, tone(2100, 1000))
    assert await tones_of(later) == 0


@pytest.mark.parametrize("frequency", [-1, 4000])
async def test_a_frequency_that_can_not_be_heard(
    media: Media, network: Network, autojump_clock: MockClock, frequency: int
) -> None:
    port, far = await call(media, network)
    port.detect_tone(frequency, outgoing=False)
    await say(far, port, tone(2100, 1000))
    assert await tones_of(port) == 0


def test_no_word_is_taken_for_a_tone() -> None:
    prompts = Path(stasisd.__file__).parent / "sounds" / "en"
    spoken = [p for p in sorted(prompts.glob("conf-*.flac")) if "beep" not in p.name]
    said = np.concatenate([soundfile.read(path, dtype="int16")[0] for path in spoken])
    assert len(said) > 30 * 8000
    ports, frequencies = Ports(slots=64), (350, 440, 620, 1100, 1400, 2100, 2600)
    reports: list[Report] = []
    tones = Tones(ports, reports)
    for slot, frequency in enumerate(frequencies):
        ports.open(slot, 1, RTP)
        tones.detect(slot, outgoing=False, frequency=frequency, duration_ms=50, decibels=16)
    ports.rx_ok[: len(frequencies)] = True
    for frame in said[: len(said) // 160 * 160].reshape(-1, 160):
        ports.rx[: len(frequencies)] = frame
        tones.coming_in(0)
    assert reports == []


def test_waves_are_orthonormal() -> None:
    for frequency in (1, 50, 440, 2613, 3999):
        waves = waves_of(frequency, 8000, 160).astype(np.float64)
        assert np.allclose(waves @ waves.T, np.eye(2), atol=1e-3)


def test_there_is_one_frame_at_least() -> None:
    assert [frames_of(ms) for ms in (1, 20, 50, 500)] == [1, 1, 1, 21]
