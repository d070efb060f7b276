"""Recordings of what far ends say, with all that can end them."""

from pathlib import Path

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from stasisd.media.commands import ALL_DIGITS, RecordingFormat, RecordSpec, silence
from stasisd.media.control import Media
from tests.support.media import Network

from .audio import octets, read_wav, speech
from .calls import FRAME, after_codec, call, heard, place_of, say
from .test_wave import read


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.mark.parametrize("form", ["wav", "wav_ulaw", "ulaw", "sln"])
async def test_what_was_said_is_recorded_to_the_byte(
    media: Media,
    network: Network,
    autojump_clock: MockClock,
    tmp_path: Path,
    form: RecordingFormat,
) -> None:
    port, far = await call(media, network)
    said = after_codec(speech(8000 * 3))
    recording = port.record(RecordSpec(path=str(tmp_path / "r"), format=form))
    assert await recording.wait_started()
    await say(far, port, said)
    await trio.sleep(0.06)
    recording.stop()
    end = await recording.wait_ended()
    kept = read(tmp_path / "r", form)
    assert place_of(said, kept) >= 0
    assert (end.ok, end.why, end.reason) == (True, "stopped", "")
    assert end.duration_ms == len(kept) // 8
    assert end.talking_ms == pytest.approx(3000, abs=80)
    assert end.talking_ms + end.silence_ms == end.duration_ms
    if form == "ulaw":
        assert octets(said) in (tmp_path / "r").read_bytes()


async def test_nothing_said_is_silence(
    media: Media, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port = await media.open_rtp()
    recording = port.record(RecordSpec(path=str(tmp_path / "r"), max_duration_ms=2000))
    end = await recording.wait_ended()
    assert (end.why, end.duration_ms, end.talking_ms) == ("max_duration", 2000, 0)
    assert not read_wav(tmp_path / "r").any()
    assert len(read_wav(tmp_path / "r")) == 16000


async def test_silence_ends_it(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    recording = port.record(
        RecordSpec(path=str(tmp_path / "r"), max_silence_ms=1000, max_duration_ms=60_000)
    )
    await say(far, port, speech(8000 * 2))
    end = await recording.wait_ended()
    assert end.why == "max_silence"
    assert end.duration_ms == pytest.approx(3000, abs=120)
    assert end.silence_ms == pytest.approx(1000, abs=120)


@pytest.mark.parametrize(("terminate_on", "ends"), [("#", True), ("*", False), (ALL_DIGITS, True)])
async def test_digits_end_it(
    media: Media, autojump_clock: MockClock, tmp_path: Path, terminate_on: str, ends: bool
) -> None:
    one, other = media.open_pair()
    recording = other.record(
        RecordSpec(path=str(tmp_path / "r"), terminate_on=terminate_on, max_duration_ms=5000)
    )
    await one.send_dtmf("#").wait_sent()
    end = await recording.wait_ended()
    assert end.why == ("dtmf" if ends else "max_duration")


async def test_pause_leaves_out_and_mute_blanks(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    recording = port.record(RecordSpec(path=str(tmp_path / "r")))
    parts = after_codec(speech(8000 * 3)).reshape(3, -1)
    await say(far, port, parts[0])
    recording.pause()
    await say(far, port, parts[1])
    recording.unpause()
    recording.mute()
    await say(far, port, parts[2])
    recording.unmute()
    recording.stop()
    end = await recording.wait_ended()
    kept = read_wav(tmp_path / "r")
    assert end.duration_ms == pytest.approx(2000, abs=60)
    assert place_of(parts[1][:FRAME], kept) == -1
    assert place_of(parts[0][: 8000 - 3 * FRAME], kept) >= 0
    assert not kept[8000 + 2 * FRAME :].any()


async def test_discard_leaves_no_file(
    media: Media, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port = await media.open_rtp()
    recording = port.record(RecordSpec(path=str(tmp_path / "r")))
    assert await recording.wait_started()
    await trio.sleep(3)
    recording.discard()
    assert (await recording.wait_ended()).why == "discarded"
    assert files_in(tmp_path) == []


async def test_hangup_ends_it_with_the_file_whole(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    recording = port.record(RecordSpec(path=str(tmp_path / "r")))
    said = after_codec(speech(8000))
    await say(far, port, said)
    port.close()
    end = await recording.wait_ended()
    assert (end.ok, end.why) == (True, "hangup")
    assert place_of(said[: 8000 - 3 * FRAME], read_wav(tmp_path / "r")) >= 0
    assert (await media.worker_statistics()).files == 0


async def test_the_beep_is_sent_and_not_recorded(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    port.echo(False)
    recording = port.record(RecordSpec(path=str(tmp_path / "r"), beep=True, max_duration_ms=1000))
    begun = trio.current_time()
    end = await recording.wait_ended()
    assert end.duration_ms == 1000
    assert trio.current_time() - begun == pytest.approx(1.2, abs=0.05)
    beep = heard(far)
    assert len(beep) == 1600
    assert int(np.abs(np.fft.rfft(beep)).argmax()) * 5 == 1000


async def test_a_disk_that_is_full_ends_the_recording_and_not_the_call(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, _ = await call(media, network)
    recording = port.record(RecordSpec(path="/dev/full", format="ulaw", if_exists="overwrite"))
    end = await recording.wait_ended()
    assert (end.ok, end.why) == (False, "failed")
    assert "No space left" in end.reason
    assert (await port.play((silence(40),)).wait_ended()).ok


@pytest.mark.parametrize(
    ("name", "reason"), [("no/folder", "No such file"), ("there", "exists"), ("a\0b", "null")]
)
async def test_a_file_that_can_t_be_made(
    media: Media, autojump_clock: MockClock, tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "there").write_text("precious")
    port = await media.open_rtp()
    recording = port.record(RecordSpec(path=str(tmp_path / name)))
    assert not await recording.wait_started()
    end = await recording.wait_ended()
    assert (end.ok, end.why) == (False, "failed")
    assert reason in end.reason
    assert (tmp_path / "there").read_text() == "precious"


async def test_two_recordings_of_one_port(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    recordings = [port.record(RecordSpec(path=str(tmp_path / name))) for name in "ab"]
    said = after_codec(speech(8000))
    await say(far, port, said)
    await trio.sleep(0.06)
    for recording in recordings:
        recording.stop()
    assert [(await recording.wait_ended()).ok for recording in recordings] == [True, True]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


async def test_many_files_are_not_written_in_one_burst(
    media: Media, autojump_clock: MockClock, tmp_path: Path
) -> None:
    pairs = [media.open_pair() for _ in range(50)]
    for number, (one, _) in enumerate(pairs):
        one.record(RecordSpec(path=str(tmp_path / str(number))))
    sizes = []
    for _ in range(4):
        await trio.sleep(0.25)
        sizes.append(sum((tmp_path / str(n)).stat().st_size > 44 for n in range(50)))
    assert sizes == sorted(sizes)
    assert 5 <= sizes[0] <= 20
    await trio.sleep(0.1)
    assert all((tmp_path / str(n)).stat().st_size > 44 for n in range(50))
