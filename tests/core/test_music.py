"""Classes of music on hold: which is heard when, and what stands in for one that is not there."""

from pathlib import Path

import pytest
import structlog
import structlog.testing

from stasisd.core import attendant, variables
from stasisd.core.channel import Channel
from stasisd.core.music import Music, MusicClass, scan
from stasisd.media.commands import HOLD_MUSIC, AnySegment, FileSegment
from stasisd.media.handles import Port
from tests.support.clock import jumping_clock
from tests.support.conference import Conference

pytestmark = jumping_clock

Heard = list[tuple[int, tuple[AnySegment, ...] | None]]
QUIET, LOUD = FileSegment("/quiet/1.wav"), FileSegment("/loud/1.wav")


def one_file(segment: FileSegment, **more: object) -> MusicClass:
    return MusicClass(files=(Path(segment.path),), **more)  # type: ignore[arg-type] # as it takes them


@pytest.fixture
async def classes(conference: Conference) -> Conference:
    """With two classes of music, and an empty one."""
    conference.tenant.music = Music(
        conference.tenant,
        {"quiet": one_file(QUIET), "loud": one_file(LOUD), "empty": MusicClass(files=())},
    )
    return conference


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What ports are told to play on hold, each with its slot."""
    told: Heard = []

    def hold_music(port: Port, segments: tuple[AnySegment, ...] | None) -> None:
        told.append((port.slot, segments))

    monkeypatch.setattr(Port, "hold_music", hold_music)
    return told


def slot(channel: Channel) -> int:
    assert channel.port is not None
    return channel.port.slot


async def test_the_class_asked_for_then_the_channels_then_the_default_one(
    classes: Conference, heard: Heard
) -> None:
    channel = classes.phones["a"].channel
    mine = slot(channel)
    channel.sound.hold_music(on=True)
    channel.sound.hold_music(on=True)  # the same: it goes on
    channel.sound.hold_music(on=True, music_class="quiet")
    channel.sound.hold_music(on=False)
    variables.write(channel, "CHANNEL(musicclass)", "loud")
    assert variables.read(channel, "CHANNEL(musicclass)") == "loud"
    channel.sound.hold_music(on=True)
    channel.sound.hold_music(on=False)
    assert heard == [
        (mine, (HOLD_MUSIC,)), (mine, (QUIET,)), (mine, None), (mine, (LOUD,)), (mine, None),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["nothing", "empty"])
async def test_one_that_is_not_there_is_logged_and_passed_over(
    name: str, classes: Conference
) -> None:
    music = classes.tenant.music
    with structlog.testing.capture_logs() as logs:
        assert music.segments(name, "quiet") == (QUIET,)
        assert music.segments(name) == music.segments("", "") == (HOLD_MUSIC,)
        assert music.segments("default", "quiet") == (HOLD_MUSIC,)
    assert [(line["log_level"], line["music"]) for line in logs] == [("warning", name)] * 2


async def test_who_holds_says_what_the_other_hears(classes: Conference, heard: Heard) -> None:
    one, other = (classes.phones[name].channel for name in "ab")
    bridge = classes.tenant.create_bridge("b")
    bridge.join(one)
    bridge.join(other)
    one.held("quiet")
    other.sound.hold_music(on=True, music_class="loud")  # what is asked for wins
    other.sound.hold_music(on=False)
    one.unheld()
    mine = slot(other)
    assert heard == [(mine, (QUIET,)), (mine, (LOUD,)), (mine, (QUIET,)), (mine, None)]


async def test_a_bridges_music_changes_and_does_not_begin_twice(
    classes: Conference, heard: Heard
) -> None:
    bridge = classes.tenant.create_bridge("b")
    attendant.start_music(bridge, "quiet")
    attendant.start_music(bridge, "loud")
    assert len(bridge.attendants) == 1
    assert [segments for _, segments in heard] == [(QUIET,), (LOUD,)]
    attendant.stop_music(bridge)


async def test_one_may_replace_the_default_one(conference: Conference) -> None:
    music = Music(conference.tenant, {"default": one_file(QUIET)})
    assert music.segments() == music.segments("nothing") == (QUIET,)


async def test_an_announcement_follows_each_file(conference: Conference) -> None:
    files = (Path("/1.wav"), Path("/2.wav"))
    announced = MusicClass(files=files, announcement="beep")
    prompt = FileSegment(str(conference.tenant.sounds.find("beep", "en")))
    segments = Music(conference.tenant, {"m": announced}).segments("m")
    assert segments == (FileSegment("/1.wav"), prompt, FileSegment("/2.wav"), prompt)
    without = MusicClass(files=files, announcement="no-such-prompt")
    assert len(Music(conference.tenant, {"m": without}).segments("m")) == 2


async def test_an_order_of_its_own_for_each(conference: Conference) -> None:
    files = tuple(Path(f"/{number}.wav") for number in range(20))
    music = Music(conference.tenant, {"m": MusicClass(files=files, shuffled=True)})
    first, second = music.segments("m"), music.segments("m")
    assert set(first) == set(second) == {FileSegment(str(path)) for path in files}
    assert first != second
    in_order = Music(conference.tenant, {"m": MusicClass(files=files)})
    assert in_order.segments("m") == tuple(FileSegment(str(path)) for path in files)


def test_what_is_in_a_folder(tmp_path: Path) -> None:
    for name in ("b.wav", "a.flac", "notes.txt"):
        (tmp_path / name).touch()
    assert scan(tmp_path) == (tmp_path / "a.flac", tmp_path / "b.wav")
    for number in range(200):
        (tmp_path / f"{number:03}.wav").touch()
    assert len(scan(tmp_path)) == 100
    with structlog.testing.capture_logs() as logs:
        assert scan(tmp_path / "nowhere") == ()
    assert [line["log_level"] for line in logs] == ["warning"]
