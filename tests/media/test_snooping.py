"""Snoops: who hears whom, in each direction, and nobody else."""

from pathlib import Path

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from stasisd.media.commands import (
    DIALTONE,
    Close,
    DetectTalk,
    Direction,
    FileSegment,
    OpenPair,
    OpenSnoop,
    Play,
    RecordSpec,
)
from stasisd.media.control import Media, MediaSettings, Port
from stasisd.media.disk import InlineDisk
from stasisd.media.engine import Engine
from stasisd.media.ports import TOGETHER
from stasisd.media.reports import PortClosed, Report, TalkFinished, TalkStarted
from tests.support.media import InProcessLink, Network, VirtualTransport, in_process

from .audio import Samples, read_wav, speech, write_wav
from .calls import after_codec, call, heard, place_of, say
from .test_dtmf import press

SAID, ANSWERED, WHISPERED = speech(3200, 1), speech(3200, 2), speech(3200, 3)


def correlates(whole: Samples, voice: Samples) -> bool:
    """Whether a voice is somewhere in a sound that may hold others."""
    size = len(whole) + len(voice)
    spectrum = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(voice, size))
    likeness = np.fft.irfft(spectrum, size).max() / (np.linalg.norm(voice) ** 2)
    return bool(likeness > 0.7)


def voices_in(whole: Samples) -> set[str]:
    voices = {"said": SAID, "answered": ANSWERED, "whispered": WHISPERED}
    return {name for name, voice in voices.items() if correlates(whole, voice)}


@pytest.mark.parametrize("phases", [0, 1])
@pytest.mark.parametrize("whisper", ["none", "in", "out", "both"])
@pytest.mark.parametrize("spy", ["none", "in", "out", "both"])
async def test_each_direction_reaches_exactly_who_it_should(
    media: Media,
    network: Network,
    autojump_clock: MockClock,
    tmp_path: Path,
    spy: Direction,
    whisper: Direction,
    phases: int,
) -> None:
    spied, far_spied = await call(media, network)
    other, far_other = await call(media, network, host="192.0.2.2")
    mix = media.open_mix()
    mix.add(spied)
    mix.add(other)
    for _ in range(phases * TOGETHER // 2):
        media.open_pair()  # so that the snoop is ticked in another phase
    snoop = media.open_snoop(spied, spy, whisper)
    recording = snoop.record(RecordSpec(path=str(tmp_path / "snoop.wav")))
    await trio.sleep(0.2)
    prompt = FileSegment(write_wav(tmp_path / "prompt.wav", WHISPERED))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, far_spied, spied, SAID)
        nursery.start_soon(say, far_other, other, ANSWERED)
        snoop.play((prompt,))
    await trio.sleep(0.2)
    recording.stop()
    await recording.wait_ended()
    into_spied = {"whispered"} if whisper in {"out", "both"} else set()
    into_others = {"whispered"} if whisper in {"in", "both"} else set()
    of_spied = {"said"} if spy in {"in", "both"} else set()
    of_others = {"answered"} if spy in {"out", "both"} else set()
    assert voices_in(heard(far_spied)) == {"answered"} | into_spied
    assert voices_in(heard(far_other)) == {"said"} | into_others
    assert voices_in(read_wav(tmp_path / "snoop.wav")) == of_spied | of_others


async def test_a_snoop_hears_every_sample_once(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    spied, far = await call(media, network)
    for _ in range(TOGETHER // 2):
        media.open_pair()  # so that the snoop is ticked in another phase
    snoop = media.open_snoop(spied, spy="in")
    recording = snoop.record(RecordSpec(path=str(tmp_path / "snoop.wav")))
    await say(far, spied, SAID)
    await trio.sleep(0.1)
    recording.stop()
    await recording.wait_ended()
    assert place_of(after_codec(SAID), read_wav(tmp_path / "snoop.wav")) >= 0


def level(height: int) -> Samples:
    return np.full(4000, height, np.int16)


@pytest.mark.parametrize(
    ("there", "heights", "total"), [(8000, (1000, 2000), 11000), (30000, (4000,), 32767)]
)
async def test_whispers_add_up_over_what_is_there(
    media: Media,
    network: Network,
    autojump_clock: MockClock,
    tmp_path: Path,
    there: int,
    heights: tuple[int, ...],
    total: int,
) -> None:
    spied, far = await call(media, network)
    spied.play((FileSegment(write_wav(tmp_path / "there.wav", level(there))),))
    for height in heights:
        snoop = media.open_snoop(spied, whisper="out")
        snoop.play((FileSegment(write_wav(tmp_path / f"{height}.wav", level(height))),))
    await trio.sleep(1)
    assert (heard(far) == after_codec(level(total))[0]).sum() > 3000


async def test_nothing_comes_back_of_what_was_stopped(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    spied, far = await call(media, network)
    playing = spied.play((DIALTONE,))
    snoop = media.open_snoop(spied, "both", "out")
    recording = snoop.record(RecordSpec(path=str(tmp_path / "snoop.wav")))
    await trio.sleep(0.5)
    playing.stop()
    await trio.sleep(0.2)
    far.packets.clear()
    whispering = snoop.play((FileSegment(write_wav(tmp_path / "prompt.wav", WHISPERED)),))
    await say(far, spied, SAID)
    await whispering.wait_ended()
    await trio.sleep(0.1)
    recording.stop()
    await recording.wait_ended()
    assert np.array_equal(heard(far), after_codec(WHISPERED))
    assert place_of(after_codec(SAID), read_wav(tmp_path / "snoop.wav")) >= 0


def test_the_engine_alone_ends_the_snooping_at_a_closed_port() -> None:
    network = Network()
    engine = Engine(VirtualTransport(network), InlineDisk(), InlineDisk(), random=bytes)
    engine.handle(OpenPair(0, 1, 1, 2))
    engine.handle(OpenSnoop(2, 3, 0, 1, "both", "both"))
    engine.handle(Play(0, 1, 4, (DIALTONE,)))
    engine.handle(DetectTalk(2, 3, 256, 20))
    reports = tick(engine, 10)
    assert TalkStarted(2, 3) in reports
    engine.handle(Close(0, 1))
    engine.handle(OpenPair(0, 4, 3, 5))  # who has the slot now is not spied on
    engine.handle(Play(0, 4, 5, (DIALTONE,)))
    reports = tick(engine, 10)
    assert [type(report) for report in reports if isinstance(report, TalkFinished)]
    assert not [report for report in reports if isinstance(report, TalkStarted)]


def tick(engine: Engine, frames: int) -> list[Report]:
    """Let some frames go by."""
    now = engine.next_tick(0.0)
    for _ in range(frames):
        assert now is not None
        engine.tick(now)
        now = engine.next_tick(now)
    return engine.reports()


async def test_a_supervisor_in_a_bridge_hears_and_whispers(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    agent, far_agent = await call(media, network)
    customer, far_customer = await call(media, network, host="192.0.2.2")
    boss, far_boss = await call(media, network, host="192.0.2.3")
    agent.connect(customer)
    snoop = media.open_snoop(agent, "both", "out")
    mix = media.open_mix()
    mix.add(boss)
    mix.add(snoop)
    await trio.sleep(0.2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, far_agent, agent, SAID)
        nursery.start_soon(say, far_customer, customer, ANSWERED)
        nursery.start_soon(say, far_boss, boss, WHISPERED)
    await trio.sleep(0.2)
    found = [
        [correlates(heard(far), voice) for voice in (SAID, ANSWERED, WHISPERED)]
        for far in (far_agent, far_customer, far_boss)
    ]
    assert found == [[False, True, True], [True, False, False], [True, True, False]]


async def test_a_snoop_ends_with_its_port(media: Media, autojump_clock: MockClock) -> None:
    spied, _ = media.open_pair()
    snoop, other = media.open_snoop(spied, spy="both"), media.open_snoop(spied, whisper="both")
    other.close("left")
    spied.close("hung up")
    assert await reasons(snoop) == ["hung up"]
    assert await reasons(other) == ["left"]
    assert await reasons(media.open_snoop(spied, spy="in")) == ["port closed"]
    statistics = await media.worker_statistics()
    assert (statistics.ports, statistics.rejected) == (1, 0)


async def reasons(port: Port) -> list[str]:
    """Why a port that has ended did so; exactly once."""
    with trio.fail_after(1):
        reports = [report async for report in port.reports()]
    return [report.reason for report in reports if isinstance(report, PortClosed)]


async def test_who_takes_the_slot_of_a_snoop_whispers_nothing(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    spied, far = await call(media, network)
    snoop = media.open_snoop(spied, "both", "both")
    snoop.close()
    one, _ = media.open_pair()
    assert one.slot == snoop.slot
    far.packets.clear()
    one.play((FileSegment(write_wav(tmp_path / "prompt.wav", SAID)),))
    await trio.sleep(0.5)
    assert not far.packets


async def test_a_snoop_dies_with_the_media_process(
    network: Network, autojump_clock: MockClock
) -> None:
    links: list[InProcessLink] = []
    media = Media(MediaSettings(), in_process(network, links))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        spied, _ = media.open_pair()
        snoop = media.open_snoop(spied, spy="both")
        links[0].kill()
        assert await reasons(snoop) == ["media process died: killed by SIGKILL"]
        nursery.cancel_scope.cancel()


async def test_digits_pass_a_snoop_by(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    spied, far = await call(media, network)
    spied.close()
    spied, far = await call(media, network, host="192.0.2.2")
    snoop = media.open_snoop(spied, "both", "out")
    assert await snoop.send_dtmf("1").wait_sent()
    await trio.sleep(0.2)
    assert np.abs(heard(far).astype(int)).max() > 5000  # as a sound: it is whispered
    await press(far, spied, "5")
    snoop.close()
    reports = [report async for report in snoop.reports()]
    assert len(reports) == 1
