"""The audit log's files: a chain that shows what was changed, and goes on after any end."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.store.audit import AuditFiles, BrokenChain, Entry, Seal, files_in, link, read, verify


def entries(first: int, last: int) -> list[Entry]:
    return [Entry(at=n, operation=f"channels.get.{n}", outcome="allow") for n in range(first, last)]


def written(folder: Path, count: int, file_bytes: int = 1 << 20, keep: int = 100) -> AuditFiles:
    """A log with so many entries, each appended alone."""
    files = AuditFiles(folder, file_bytes, keep)
    for entry in entries(1, count + 1):
        files.append([entry])
    files.close()
    return files


@contextmanager
def appending(folder: Path) -> Iterator[AuditFiles]:
    files = AuditFiles(folder, 1 << 20, 5)
    try:
        yield files
    finally:
        files.close()


def lines_of(folder: Path) -> list[bytes]:
    return [line for path in files_in(folder) for line in path.read_bytes().splitlines(True)]


def test_each_record_has_the_hash_of_the_one_before(tmp_path: Path) -> None:
    seal = written(tmp_path / "log", 3).seal
    records = [json.loads(line) for line in lines_of(tmp_path / "log")]
    assert [record["serial"] for record in records] == [1, 2, 3]
    assert records[0]["previous"] == "0" * 64
    assert len({record["previous"] for record in records}) == 3
    assert verify(tmp_path / "log") == seal == Seal(3, seal.hash)


def test_only_the_daemons_user_may_read_it(tmp_path: Path) -> None:
    written(tmp_path / "state" / "log", 1)
    [path] = files_in(tmp_path / "state" / "log")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "altered": lambda lines: [*lines[:1], lines[1].replace(b"allow", b"deny"), *lines[2:]],
    "removed": lambda lines: [*lines[:1], *lines[2:]],
    "exchanged": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "repeated": lambda lines: [*lines[:2], *lines[1:]],
    "no record": lambda lines: [*lines[:2], b"{}\n", *lines[2:]],
    "renumbered": lambda lines: [lines[0], lines[1].replace(b'"serial":2', b'"serial":7')],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_was_changed_is_found(
    change: Callable[[list[bytes]], list[bytes]], tmp_path: Path
) -> None:
    written(tmp_path, 4)
    [path] = files_in(tmp_path)
    path.write_bytes(b"".join(change(lines_of(tmp_path))))
    with pytest.raises(BrokenChain, match=r"jsonl, line [234]"):
        verify(tmp_path)


@given(data=st.data())
def test_no_other_byte_goes_unseen(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """But in the last line, which nothing follows."""
    folder = tmp_path_factory.mktemp("log")
    written(folder, 3)
    [path] = files_in(folder)
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, whole.rindex(b"\n", 0, -1) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    with pytest.raises(BrokenChain):
        verify(folder)


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    written(tmp_path, 2)
    with appending(tmp_path) as files:
        files.append(entries(3, 5))
        assert verify(tmp_path) == files.seal
        assert files.seal.serial == 4


def test_half_a_line_of_a_killed_process_is_taken_away(tmp_path: Path) -> None:
    written(tmp_path, 2)
    [path] = files_in(tmp_path)
    path.write_bytes(path.read_bytes() + link(Seal(2, "x"), entries(3, 4)[0])[0][:20])
    with appending(tmp_path) as files:
        files.append(entries(3, 4))
        assert verify(tmp_path) == files.seal == Seal(3, files.seal.hash)


def test_a_log_whose_end_was_damaged_is_not_continued(tmp_path: Path) -> None:
    written(tmp_path, 2)
    [path] = files_in(tmp_path)
    path.write_bytes(path.read_bytes() + b"not ours\n")
    with pytest.raises(BrokenChain, match="its last line"):
        AuditFiles(tmp_path, 1 << 20, 5).append(entries(3, 4))


def test_files_follow_each_other_and_the_oldest_go(tmp_path: Path) -> None:
    files = written(tmp_path, 20, file_bytes=300, keep=3)
    names = [int(path.stem) for path in files_in(tmp_path)]
    assert len(names) == 3
    assert names[0] > 1
    assert verify(tmp_path) == files.seal == Seal(20, files.seal.hash)


def test_a_file_missing_in_between_is_found(tmp_path: Path) -> None:
    written(tmp_path, 20, file_bytes=300)
    files_in(tmp_path)[1].unlink()
    with pytest.raises(BrokenChain, match="follows record"):
        verify(tmp_path)


def test_a_new_file_that_nothing_came_into_is_made_again(tmp_path: Path) -> None:
    seal = written(tmp_path, 4).seal
    (tmp_path / f"{5:016d}.jsonl").touch()
    with appending(tmp_path) as files:
        files.append(entries(5, 6))
        assert files.seal.serial == seal.serial + 1
        assert verify(tmp_path) == files.seal


@pytest.mark.parametrize(("after", "limit"), [(0, 3), (5, 4), (18, 10), (20, 5), (99, 5)])
def test_a_page_of_records(after: int, limit: int, tmp_path: Path) -> None:
    written(tmp_path, 20, file_bytes=700)
    assert len(files_in(tmp_path)) > 3
    expected = list(range(1, 21))[after : after + limit]
    assert [record.serial for record in read(tmp_path, after, limit)] == expected


def test_a_log_that_was_never_written_is_whole_and_empty(tmp_path: Path) -> None:
    assert verify(tmp_path / "none") == Seal()
    assert read(tmp_path / "none", 0, 10) == []


def test_what_the_disk_takes_in_part_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) < 50:
            raise OSError(errno.ENOSPC, "no space left")
        return write(descriptor, data[:50])

    with appending(tmp_path) as files:
        files.append(entries(1, 2))
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            with pytest.raises(OSError, match="no space"):
                files.append(entries(2, 4))
        files.append(entries(2, 4))
    assert verify(tmp_path) == files.seal == Seal(3, files.seal.hash)
