"""Recordings: controlled by a table, kept through a hangup, never outside their folder."""

import os
from pathlib import Path

import pytest
import soundfile
import trio

from stasisd.core import conversion, events, playback, recording
from stasisd.core.channel import Channel
from stasisd.core.recording import NotAppendable, NotRecordable, NotRecording, Wanted
from stasisd.core.stored_recordings import AlreadyExists, BadName, StoredRecordings
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left
from tests.support.world import APP, call

pytestmark = jumping_clock


@pytest.fixture
async def channel(tenant: Tenant) -> Channel:
    """A channel whose far half echoes what is played to it."""
    Listener(tenant, APP)
    channel = await call(tenant, "c")
    await trio.sleep(1)
    return channel


def wanted(name: str = "r", **options: object) -> Wanted:
    return Wanted(name=name, format="wav", **options)  # type: ignore[arg-type] # as each test says


def seconds(channel: Channel, name: str = "r") -> float:
    file = channel.tenant.settings.recordings / f"{name}.wav"
    return float(soundfile.info(str(file)).duration)


def everything_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def told(listener: Listener) -> list[str]:
    return [n for n in listener.names() if n.startswith("Recording")]


async def test_it_runs_until_it_is_stopped(channel: Channel) -> None:
    listener = Listener(channel.tenant)
    live = await recording.record(channel, wanted())
    assert live.snapshot.state == "queued"
    await trio.sleep(2)
    assert live.snapshot.state == "recording"
    live.stop()
    await live.finished.wait()
    assert live.snapshot.state == "done"
    assert live.snapshot.duration in {1, 2}
    assert seconds(channel) == pytest.approx(2, abs=0.1)
    assert not channel.tenant.recordings
    await listener.settle()
    assert told(listener) == ["RecordingStarted", "RecordingFinished"]


async def test_a_pause_is_left_out_and_a_mute_is_silence(channel: Channel) -> None:
    live = await recording.record(channel, wanted())
    playing = playback.play(channel, ("tone:440/60000",))
    await trio.sleep(1)
    live.control("pause")
    assert live.snapshot.state == "paused"
    await trio.sleep(5)
    live.control("unpause")
    live.control("mute")
    await trio.sleep(1)
    live.control("unmute")
    assert live.snapshot.state == "recording"
    await trio.sleep(1)
    live.stop()
    await live.finished.wait()
    playing.stop()
    samples, rate = soundfile.read(channel.tenant.settings.recordings / "r.wav")
    assert len(samples) / rate == pytest.approx(3, abs=0.1)
    loud = [
        abs(samples[int(at * rate) : int((at + 0.5) * rate)]).max() > 0.01 for at in (0.3, 1.3, 2.3)
    ]
    assert loud == [True, False, True]


async def test_one_that_is_discarded_leaves_no_file(channel: Channel) -> None:
    live = await recording.record(channel, wanted())
    await trio.sleep(1)
    live.discard()
    await live.finished.wait()
    assert live.snapshot.state == "canceled"
    assert not list(channel.tenant.settings.recordings.iterdir())


async def test_controls_after_the_end_are_refused(channel: Channel) -> None:
    live = await recording.record(channel, wanted())
    live.stop()
    await live.finished.wait()
    for operation in ("pause", "unpause", "mute", "unmute"):
        with pytest.raises(NotRecording, match="done"):
            live.control(operation)


async def test_a_hangup_keeps_the_file_and_tells_before_the_end(tenant: Tenant) -> None:
    listener = Listener(tenant)
    Listener(tenant, APP)
    channel = await call(tenant, "c")
    await recording.record(channel, wanted())
    await trio.sleep(2)
    channel.hangup()
    await listener.settle()
    names = [n for n in listener.names() if n in {"RecordingFinished", "ChannelDestroyed"}]
    assert names[0] == "RecordingFinished"
    assert seconds(channel) == pytest.approx(2, abs=0.1)
    assert_nothing_left(tenant)
    with pytest.raises(NotRecordable):
        await recording.record(channel, wanted("after"))


async def test_it_ends_by_duration(channel: Channel) -> None:
    live = await recording.record(channel, wanted(max_duration_ms=3000))
    await live.finished.wait()
    assert live.snapshot.duration == 3
    assert seconds(channel) == pytest.approx(3, abs=0.05)


async def test_it_ends_by_silence_and_tells_of_it(channel: Channel) -> None:
    live = await recording.record(channel, wanted(max_silence_ms=2000))
    playback.play(channel, ("sound:tt-monkeys",))
    with trio.fail_after(60):
        await live.finished.wait()
    assert live.snapshot.state == "done"
    assert live.snapshot.talking_duration is not None
    assert live.snapshot.silence_duration is not None


@pytest.mark.parametrize(
    ("keys", "pressed", "ends"),
    [("#", "#", True), ("#", "1", False), ("any", "5", True), ("none", "#", False)],
)
async def test_a_key_ends_it(keys: str, pressed: str, ends: bool, channel: Channel) -> None:
    terminate_on = recording.TERMINATORS[keys]
    live = await recording.record(channel, wanted(terminate_on=terminate_on))
    channel.tenant.channels["c;2"].sound.send_dtmf(pressed)
    await trio.sleep(2)
    assert live.finished.is_set() == ends


@pytest.mark.parametrize("if_exists", ["fail", "overwrite", "append"])
async def test_what_exists_is_kept_replaced_or_made_longer(
    if_exists: str, channel: Channel
) -> None:
    for _ in range(2):
        try:
            live = await recording.record(channel, wanted(if_exists=if_exists))
        except AlreadyExists:
            break
        await trio.sleep(1)
        live.stop()
        await live.finished.wait()
    expected = {"fail": 1, "overwrite": 1, "append": 2}[if_exists]
    assert seconds(channel) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("if_exists", ["fail", "overwrite", "append"])
async def test_one_being_made_is_not_made_twice(if_exists: str, channel: Channel) -> None:
    await recording.record(channel, wanted(if_exists=if_exists))
    with pytest.raises(AlreadyExists):
        await recording.record(channel, wanted(if_exists=if_exists))


# --- names

LONG = "n" * 500
EVIL = [
    "", ".", "..", "/", "a/", "/a", "/etc/passwd", "../x", "a/../b", "a/../../b", "a//b", "./a",
    "a/.", ".hidden", "a/.hidden", "nul\0nul", "line\nbreak", "back\\slash", "tab\t", "\x7f",
    LONG, "\N{SNOWMAN}" * 150, "link/x", "link/sub/x",
]  # fmt: skip


@pytest.mark.parametrize("name", EVIL, ids=[repr(name[:20]) for name in EVIL])
async def test_nothing_is_written_outside_whatever_the_name(
    name: str, channel: Channel, tmp_path: Path
) -> None:
    stored = channel.tenant.stored_recordings
    folder, outside = channel.tenant.settings.recordings, tmp_path / "outside"
    folder.mkdir(parents=True)
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "good.wav").write_bytes(b"here")
    before = everything_in(tmp_path)
    with pytest.raises(BadName):
        await recording.record(channel, wanted(name))
    good = await stored.find("good")
    assert good is not None
    with pytest.raises(BadName):
        await stored.copy(good, name)
    assert await stored.find(name) is None
    assert everything_in(tmp_path) == before
    assert not channel.hungup


async def test_a_link_in_the_place_of_the_file_is_not_followed(
    channel: Channel, tmp_path: Path
) -> None:
    folder = channel.tenant.settings.recordings
    folder.mkdir(parents=True)
    outside = tmp_path / "outside.wav"
    outside.write_bytes(b"precious")
    (folder / "r.wav").symlink_to(outside)
    assert await channel.tenant.stored_recordings.find("r") is None
    assert await channel.tenant.stored_recordings.all() == []
    live = await recording.record(channel, wanted(if_exists="overwrite"))
    await live.finished.wait()
    assert live.snapshot.state == "failed"
    assert outside.read_bytes() == b"precious"


async def test_a_dangling_link_is_not_written_through(channel: Channel, tmp_path: Path) -> None:
    folder = channel.tenant.settings.recordings
    folder.mkdir(parents=True)
    (folder / "r.wav").symlink_to(tmp_path / "made-outside.wav")
    live = await recording.record(channel, wanted())
    await live.finished.wait()
    assert live.snapshot.state == "failed"
    assert not (tmp_path / "made-outside.wav").exists()


async def test_names_may_have_folders_and_spaces(channel: Channel) -> None:
    for name in ("a/b/c", "with space", "\N{LATIN SMALL LETTER U WITH DIAERESIS}ber", "dots.in.it"):
        live = await recording.record(channel, wanted(name))
        await trio.sleep(0.1)
        live.stop()
        await live.finished.wait()
        found = await channel.tenant.stored_recordings.find(name)
        assert found is not None
        assert found.name == name
    listed = await channel.tenant.stored_recordings.all()
    assert len(listed) == 4


# --- the disk


async def test_a_folder_that_can_not_be_made_is_an_error(channel: Channel) -> None:
    channel.tenant.settings.recordings.write_text("a file in its place")
    with pytest.raises(OSError, match=r"exists|directory"):
        await recording.record(channel, wanted())
    assert not channel.hungup


async def test_a_file_that_can_not_be_opened_fails_and_the_call_goes_on(channel: Channel) -> None:
    listener = Listener(channel.tenant)
    (channel.tenant.settings.recordings / "r.wav").mkdir(parents=True)
    live = await recording.record(channel, wanted(if_exists="overwrite"))
    failed = await listener.until(events.RecordingFailed)
    assert isinstance(failed, events.RecordingFailed)
    assert live.snapshot.state == "failed"
    assert failed.recording.cause
    assert not channel.hungup
    assert "c" in channel.tenant.channels


async def test_a_full_disk_fails_and_the_call_goes_on(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    live = await recording.record(channel, wanted())
    await trio.sleep(0.5)
    for name in ("write", "pwrite", "writev", "pwritev"):
        monkeypatch.setattr(os, name, full)
    with trio.fail_after(60):
        await live.finished.wait()
    monkeypatch.undo()
    assert live.snapshot.state == "failed"
    assert "space" in (live.snapshot.cause or "")
    assert not channel.hungup


async def test_a_copy_does_not_replace(tmp_path: Path) -> None:
    stored = StoredRecordings(tmp_path)
    (tmp_path / "a.wav").write_bytes(b"a")
    (tmp_path / "b.ulaw").write_bytes(b"b")
    a = await stored.find("a")
    assert a is not None
    with pytest.raises(AlreadyExists):
        await stored.copy(a, "b")
    copied = await stored.copy(a, "c/d")
    assert copied.path.read_bytes() == b"a"
    assert [p.name for p in everything_in(tmp_path)] == ["a.wav", "b.ulaw", "c", "d.wav"]


# --- formats that are made at the end


@pytest.mark.parametrize("form", ["flac", "ogg"])
async def test_a_format_that_is_made_at_the_end(form: str, channel: Channel) -> None:
    listener, folder = Listener(channel.tenant), channel.tenant.settings.recordings
    playback.play(channel, ("tone:440/60000",))
    live = await recording.record(channel, Wanted(name="r", format=form))
    await trio.sleep(2)
    assert everything_in(folder) == [folder / "r.wav"]  # playable, were the daemon killed
    live.stop()
    await live.finished.wait()
    assert (live.snapshot.state, live.snapshot.format) == ("done", form)
    assert everything_in(folder) == [folder / f"r.{form}"]
    samples, _ = soundfile.read(folder / f"r.{form}")
    assert len(samples) / 8000 == pytest.approx(2, abs=0.1)
    assert abs(samples[8000:]).max() > 0.1
    found = await channel.tenant.stored_recordings.find("r")
    assert found is not None
    assert found.format == form
    await listener.settle()
    assert told(listener) == ["RecordingStarted", "RecordingFinished"]


async def test_a_hangup_makes_it_too(channel: Channel) -> None:
    listener = Listener(channel.tenant)
    await recording.record(channel, Wanted(name="r", format="flac"))
    await trio.sleep(2)
    channel.hangup()
    await channel.tenant.wait_empty()
    await listener.settle()
    names = listener.names()
    assert names.index("RecordingFinished") < names.index("ChannelDestroyed")
    assert (channel.tenant.settings.recordings / "r.flac").exists()


async def test_what_can_not_be_converted_stays_a_wav(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(conversion.CODINGS, "flac", ("FLAC", "DOUBLE"))
    live = await recording.record(channel, Wanted(name="r", format="flac"))
    await trio.sleep(1)
    live.stop()
    await live.finished.wait()
    assert (live.snapshot.state, live.snapshot.format) == ("done", "wav")
    folder = channel.tenant.settings.recordings
    assert everything_in(folder) == [folder / "r.wav"]


async def test_a_conversion_that_takes_too_long_is_given_up(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(hold, channel.tenant.converting)
        live = await recording.record(channel, Wanted(name="r", format="ogg"))
        await trio.sleep(1)
        live.stop()
        await live.finished.wait()
        nursery.cancel_scope.cancel()
    assert (live.snapshot.state, live.snapshot.format) == ("done", "wav")


async def hold(limiter: trio.CapacityLimiter, task_status: trio.TaskStatus[None]) -> None:
    async with limiter:
        task_status.started()
        await trio.sleep_forever()


async def test_it_can_not_be_appended_to(channel: Channel) -> None:
    with pytest.raises(NotAppendable, match="flac can't be appended to"):
        await recording.record(channel, Wanted(name="r", format="flac", if_exists="append"))
