"""Log channels: which lines a file gets, how it is rotated, and what can't be one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stasisd.core import log_files
from stasisd.core.log_files import (
    KEPT,
    MOST,
    BadLogChannel,
    LogChannelExists,
    LogFiles,
    parse_levels,
)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[LogFiles]:
    made = LogFiles(tmp_path / "log")
    yield made
    made.close()


def test_a_file_gets_the_levels_it_asked_for(files: LogFiles, tmp_path: Path) -> None:
    files.add("full", "notice, warning,error")
    files.add("bad", "[default]error")
    for level in ("debug", "info", "warning", "error", "critical"):
        assert files.is_wanted(level) == (level != "debug")
        files.write(level, f"{level}\n".encode())
    assert (tmp_path / "log" / "full").read_text() == "info\nwarning\nerror\ncritical\n"
    assert (tmp_path / "log" / "bad").read_text() == "error\ncritical\n"
    (full, _) = files.all()
    assert (full.path.name, full.enabled) == ("full", True)
    assert full.levels == ("NOTICE", "WARNING", "ERROR")


def test_rotation_keeps_the_latest(files: LogFiles, tmp_path: Path) -> None:
    files.add("full", "*")
    channel = files.get("full")
    assert channel is not None
    for number in range(KEPT + 2):
        files.write("info", f"{number}\n".encode())
        channel.rotate()
    files.write("info", b"last\n")
    names = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert names == ["full", *(f"full.{number}" for number in range(1, KEPT + 1))]
    assert (tmp_path / "log" / "full").read_text() == "last\n"
    assert (tmp_path / "log" / "full.1").read_text() == f"{KEPT + 1}\n"


def test_a_file_that_grows_too_big_is_rotated(
    files: LogFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "BIGGEST", 10)
    files.add("full", "*")
    for _ in range(4):
        files.write("info", b"12345\n")
    assert (tmp_path / "log" / "full.1").stat().st_size == 12
    assert (tmp_path / "log" / "full.2").stat().st_size == 12


def test_a_channel_that_is_removed_leaves_its_file(files: LogFiles, tmp_path: Path) -> None:
    files.add("full", "*")
    files.write("info", b"a\n")
    assert files.remove("full")
    assert not files.remove("full")
    files.write("info", b"b\n")
    files.add("full", "*")
    files.write("info", b"c\n")
    assert (tmp_path / "log" / "full").read_text() == "a\nc\n"


def test_a_file_that_can_not_be_written_is_passed_over(files: LogFiles, tmp_path: Path) -> None:
    files.add("full", "*")
    channel = files.get("full")
    assert channel is not None
    channel.close()
    channel._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115 - closed by the write
    files.write("info", b"lost\n")
    files.write("info", b"lost\n")
    assert not files.all()[0].enabled


@pytest.mark.parametrize("name", ["", ".hidden", "-x", "a/b", "../a", "a\n", "x" * 65])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadLogChannel, match="a name has"):
        LogFiles(tmp_path).add(name, "*")


@pytest.mark.parametrize("levels", ["", ",", "loud", "notice,loud"])
def test_levels_that_are_none(levels: str) -> None:
    with pytest.raises(BadLogChannel, match="there are debug, notice"):
        parse_levels(levels)


def test_levels_as_asterisk_writes_them() -> None:
    assert parse_levels("verbose(3),notice") == {"VERBOSE", "NOTICE"}
    assert parse_levels("[json]*") == set(log_files.NAMES)


def test_there_are_not_too_many(files: LogFiles, tmp_path: Path) -> None:
    for number in range(MOST):
        files.add(f"f{number}", "*")
    with pytest.raises(LogChannelExists):
        files.add("f0", "*")
    with pytest.raises(BadLogChannel, match="16 log channels"):
        files.add("more", "*")
