"""What a far end hears of playbacks, on the wire."""

from pathlib import Path

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from stasisd.media import codecs
from stasisd.media.commands import FileSegment, Step, ToneSegment, digit_tone, silence
from stasisd.media.control import Media
from tests.support.media import Network

from .audio import Samples, speech, write_wav
from .calls import FRAME, after_codec, call, heard, place_of


@pytest.fixture
def said() -> Samples:
    return speech(8000 * 4)


@pytest.fixture
def file(tmp_path: Path, said: Samples) -> FileSegment:
    return FileSegment(write_wav(tmp_path / "said.wav", said))


async def test_a_file_is_heard_to_the_sample(
    media: Media, network: Network, autojump_clock: MockClock, file: FileSegment, said: Samples
) -> None:
    port, far = await call(media, network)
    playing = port.play((file,))
    end = await playing.wait_ended()
    assert (end.ok, end.reason, end.position_ms) == (True, "finished", 4000)
    assert np.array_equal(heard(far), after_codec(said))
    times = [at for at, _ in far.packets]
    assert np.diff(times) == pytest.approx(0.02)
    stamps = np.array([packet.timestamp for packet in far.rtp], np.uint32)
    assert set(np.diff(stamps).tolist()) == {160}
    numbers = np.array([packet.sequence for packet in far.rtp], np.uint16)
    assert set(np.diff(numbers).tolist()) == {1}
    assert [packet.marker for packet in far.rtp] == [True] + [False] * 199


async def test_a_law_is_spoken_where_it_was_agreed_on(
    media: Media, network: Network, autojump_clock: MockClock, file: FileSegment, said: Samples
) -> None:
    port, far = await call(media, network, codec="PCMA")
    await port.play((file,)).wait_ended()
    assert {packet.payload_type for packet in far.rtp} == {8}
    assert np.array_equal(heard(far, codecs.PCMA), after_codec(said, codecs.PCMA))


async def test_segments_follow_without_a_gap(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    one, two = speech(3003, 1), speech(1111, 2)
    segments = (
        FileSegment(write_wav(tmp_path / "1.wav", one)),
        silence(13),
        FileSegment(write_wav(tmp_path / "2.wav", two)),
        FileSegment(write_wav(tmp_path / "1.wav", one)),
    )
    port, far = await call(media, network)
    end = await port.play(segments).wait_ended()
    assert end.ok
    whole = np.concatenate([one, np.zeros(104, np.int16), two, one])
    came = heard(far)
    assert np.array_equal(came[: len(whole)], after_codec(whole))
    assert not came[len(whole) :].any()
    assert len(came) - len(whole) < FRAME


async def test_pause_holds_the_position(
    media: Media, network: Network, autojump_clock: MockClock, file: FileSegment, said: Samples
) -> None:
    port, far = await call(media, network)
    playing = port.play((file,))
    await trio.sleep(1.001)
    playing.pause()
    before = len(far.packets)
    await trio.sleep(5)
    assert len(far.packets) == before
    playing.unpause()
    assert (await playing.wait_ended()).ok
    assert np.array_equal(heard(far), after_codec(said))
    assert far.rtp[before].marker
    gap = far.rtp[before].timestamp - far.rtp[before - 1].timestamp & 0xFFFFFFFF
    assert gap == pytest.approx(8 * 5000, abs=3 * FRAME)


@pytest.mark.parametrize(
    ("action", "moves_to_ms"),
    [("forward", 2000), ("reverse", 500), ("restart", 0), ("reverse far", 0)],
)
async def test_skips_are_exact(
    media: Media,
    network: Network,
    autojump_clock: MockClock,
    file: FileSegment,
    said: Samples,
    action: str,
    moves_to_ms: int,
) -> None:
    port, far = await call(media, network)
    playing = port.play((file,))
    await far.wait_packets(50)  # 1000 ms
    match action:
        case "forward":
            playing.forward(1000)
        case "reverse":
            playing.reverse(500)
        case "reverse far":
            playing.reverse(9999)
        case "restart":
            playing.restart()
    assert (await playing.wait_ended()).position_ms == 4000
    expected = np.concatenate([said[:8000], said[moves_to_ms * 8 :]])
    assert np.array_equal(heard(far), after_codec(expected))


async def test_forward_past_the_end_finishes(
    media: Media, network: Network, autojump_clock: MockClock, file: FileSegment
) -> None:
    port, far = await call(media, network)
    playing = port.play((file,))
    await playing.wait_started()
    await trio.sleep(0.1)
    playing.forward(60_000)
    end = await playing.wait_ended()
    assert (end.ok, end.reason, end.position_ms) == (True, "finished", 4000)
    assert len(far.packets) < 10


async def test_skips_cross_segments(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    one, two = speech(8000, 1), speech(8000, 2)
    first = FileSegment(write_wav(tmp_path / "1.wav", one))
    second = FileSegment(write_wav(tmp_path / "2.wav", two))
    port, far = await call(media, network)
    playing = port.play((first, second), offset_ms=900, paused=True)
    await playing.wait_started()
    playing.forward(300)
    playing.reverse(100)
    playing.unpause()
    await playing.wait_ended()
    assert np.array_equal(heard(far), after_codec(two[800:]))


async def test_begun_paused_nothing_is_heard_until_unpaused(
    media: Media, network: Network, autojump_clock: MockClock, file: FileSegment, said: Samples
) -> None:
    port, far = await call(media, network)
    playing = port.play((file,), paused=True)
    assert await playing.wait_started()
    await trio.sleep(1)
    assert far.packets == []
    playing.unpause()
    await playing.wait_ended()
    assert np.array_equal(heard(far), after_codec(said))


async def test_after_stop_not_one_more_packet(
    media: Media, network: Network, autojump_clock: MockClock, file: FileSegment
) -> None:
    port, far = await call(media, network)
    for wait in np.random.default_rng(2).uniform(0.03, 0.2, 30):
        playing = port.play((file,))
        await trio.sleep(wait)
        playing.stop()
        stopped = trio.current_time()
        end = await playing.wait_ended()
        assert (end.ok, end.reason) == (True, "stopped")
        await trio.sleep(0.2)
        assert far.packets[-1][0] <= stopped + 0.02


async def test_a_second_playback_replaces_the_first(
    media: Media, network: Network, autojump_clock: MockClock, file: FileSegment
) -> None:
    port, _ = await call(media, network)
    first = port.play((file,))
    await trio.sleep(0.1)
    second = port.play((silence(40),))
    assert (await first.wait_ended()).reason == "replaced"
    assert (await second.wait_ended()).reason == "finished"


async def test_a_file_that_is_gone_fails_and_the_call_goes_on(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    port, _ = await call(media, network)
    for name in ("none.wav", "text.wav", ""):
        playing = port.play((silence(20), FileSegment(str(tmp_path / name))))
        assert not await playing.wait_started()
        end = await playing.wait_ended()
        assert not end.ok
        assert str(tmp_path / name) in end.reason
    assert (await port.play((silence(20),)).wait_ended()).ok


async def test_a_changed_file_is_read_anew(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    for seed in (1, 2):
        said = speech(800 * seed, seed)
        file = FileSegment(write_wav(tmp_path / "said.wav", said))
        far.packets.clear()
        await port.play((file,)).wait_ended()
        assert np.array_equal(heard(far), after_codec(said))


async def test_a_tone_keeps_its_cadence(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    playing = port.play((ToneSegment((Step((440, 480), 200), Step((), 300)), repeat=True),))
    await trio.sleep(2.6)
    playing.stop()
    came = heard(far)[: 5 * 4000].reshape(5, 4000)
    assert (np.abs(came[:, :1600]).mean(axis=1) > 3000).all()
    assert not came[:, 1600:].any()


async def test_tones_without_length_end_at_once(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    playing = port.play((ToneSegment((Step((440,), 0),), repeat=True), silence(0)))
    assert (await playing.wait_ended()).reason == "finished"
    assert far.packets == []


async def test_digits_are_sounds_too(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    await port.play((digit_tone("1"), digit_tone("#"))).wait_ended()
    spectrum = np.abs(np.fft.rfft(heard(far)[:800]))
    assert sorted(np.argsort(spectrum)[-2:] * 10) == [700, 1210]


async def test_many_ports_play_one_file(
    media: Media, network: Network, autojump_clock: MockClock, file: FileSegment, said: Samples
) -> None:
    calls = [await call(media, network, host=f"192.0.2.{n}") for n in range(1, 80)]
    playings = [port.play((file,), offset_ms=10 * n) for n, (port, _) in enumerate(calls)]
    for playing in playings:
        await playing.wait_ended()
    for number, (_, far) in enumerate(calls):
        expected = after_codec(said[80 * number :])
        assert place_of(expected, heard(far)) == 0
    assert (await media.worker_statistics()).audio_bytes == 4 * 16000
