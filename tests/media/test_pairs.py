"""Local channels: two ports back to back."""

from pathlib import Path

import numpy as np
import trio
from trio.testing import MockClock

from stasisd.media.commands import FileSegment, RecordSpec, Step, ToneSegment
from stasisd.media.control import Media
from stasisd.media.reports import DtmfReceived, PortClosed

from .audio import read_wav, speech, write_wav


async def test_one_half_hears_the_other(
    media: Media, autojump_clock: MockClock, tmp_path: Path
) -> None:
    said = speech(8000)
    write_wav(tmp_path / "in.wav", said)
    one, other = media.open_pair()
    recording = other.record(RecordSpec(path=str(tmp_path / "out.wav")))
    assert await recording.wait_started()
    playing = one.play((FileSegment(str(tmp_path / "in.wav")),))
    ended = await playing.wait_ended()
    assert (ended.ok, ended.reason, ended.position_ms) == (True, "finished", 1000)
    await trio.sleep(0.1)
    recording.stop()
    end = await recording.wait_ended()
    heard = read_wav(tmp_path / "out.wav")
    start = int(np.flatnonzero(heard)[0] - np.flatnonzero(said)[0])
    assert np.array_equal(heard[start : start + 8000], said)
    assert end.why == "stopped"
    assert end.duration_ms == len(heard) // 8


async def test_a_digit_reaches_the_other_once(media: Media, autojump_clock: MockClock) -> None:
    one, other = media.open_pair()
    assert await one.send_dtmf("5#", duration_ms=80).wait_sent()
    one.close()
    other.close("done")
    reports = [report async for report in other.reports()]
    assert reports == [
        DtmfReceived(other.slot, other.generation, "5", 80),
        DtmfReceived(other.slot, other.generation, "#", 80),
        PortClosed(other.slot, other.generation, "done"),
    ]


async def test_stop_ends_a_tone_without_end(media: Media, autojump_clock: MockClock) -> None:
    one, _ = media.open_pair()
    playing = one.play((ToneSegment((Step((440,), 500), Step((), 500)), repeat=True),))
    assert await playing.wait_started()
    await trio.sleep(3)
    playing.stop()
    assert (await playing.wait_ended()).reason == "stopped"


async def test_no_file_is_a_reason(media: Media, autojump_clock: MockClock) -> None:
    one, _ = media.open_pair()
    playing = one.play((FileSegment("/nowhere/at-all.wav"),))
    assert not await playing.wait_started()
    end = await playing.wait_ended()
    assert not end.ok
    assert "at-all.wav" in end.reason
