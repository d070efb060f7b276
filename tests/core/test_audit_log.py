"""A tenant's audit log: written soon, whole at the end, and full rather than incomplete."""

import errno
from pathlib import Path

import pytest
import trio

from stasisd.core import audit_log
from stasisd.core.audit_log import AuditLog, AuditSettings
from stasisd.store import audit
from stasisd.store.audit import AuditFiles, Entry
from tests.support.clock import jumping_clock

pytestmark = jumping_clock


def entry(operation: str) -> Entry:
    return Entry(at=0.0, operation=operation, outcome="allow")


async def operations(log: AuditLog) -> list[str]:
    return [record.entry.operation for record in await log.read(0, 100)]


async def test_entries_are_on_the_disk_soon(tmp_path: Path, nursery: trio.Nursery) -> None:
    log = AuditLog(AuditSettings(folder=tmp_path))
    nursery.start_soon(log.run)
    log.record(entry("a"))
    log.record(entry("b"))
    await trio.sleep(2 * audit_log.GATHER)
    assert [record.entry.operation for record in audit.read(tmp_path, 0, 9)] == ["a", "b"]


async def test_a_reader_sees_what_was_recorded_just_now(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    log = AuditLog(AuditSettings(folder=tmp_path))
    nursery.start_soon(log.run)
    log.record(entry("a"))
    assert await operations(log) == ["a"]
    log.record(entry("b"))
    assert await operations(log) == ["a", "b"]


async def test_what_is_left_at_the_end_is_written(tmp_path: Path) -> None:
    log = AuditLog(AuditSettings(folder=tmp_path))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.run)
        log.record(entry("last"))
        nursery.cancel_scope.cancel()
    assert [record.entry.operation for record in audit.read(tmp_path, 0, 9)] == ["last"]


async def test_a_disk_that_is_full_fills_the_log_and_loses_nothing(
    tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_files: AuditFiles, _entries: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    log = AuditLog(AuditSettings(folder=tmp_path, waiting=2))
    with monkeypatch.context() as patched:
        patched.setattr(AuditFiles, "append", fail)
        nursery.start_soon(log.run)
        log.record(entry("a"))
        log.record(entry("b"))
        await trio.sleep(10)
        assert log.is_full
        log.record(entry("c"))  # of a call that was let in before
    await trio.sleep(2 * audit_log.RETRY)
    assert (log.is_full, await operations(log)) == (False, ["a", "b", "c"])
