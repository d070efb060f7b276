"""Values that outlive the daemon: in one order, written together, not lost with who asked."""

from collections.abc import Mapping

import pytest
import trio
import trio.testing

from stasisd.core import kept as module
from stasisd.core.kept import Full, Kept
from tests.support.clock import jumping_clock

pytestmark = jumping_clock


class Disk:
    """A store that takes a second for each write."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {"old": 1}
        self.writes = 0
        self.failing = False

    async def load(self) -> dict[str, int]:
        return dict(self.values)

    async def save(self, changed: Mapping[str, int | None]) -> None:
        await trio.sleep(1)
        if self.failing:
            raise OSError("full")
        self.writes += 1
        for name, value in changed.items():
            if value is None:
                self.values.pop(name, None)
            else:
                self.values[name] = value


async def kept_on(disk: Disk) -> Kept[int]:
    kept: Kept[int] = Kept()
    await kept.load(disk)
    return kept


async def test_what_was_kept_is_there_again() -> None:
    disk = Disk()
    kept = await kept_on(disk)
    kept.put("new", 2)
    assert kept.remove("old") == 1
    assert kept.remove("old") is None
    await kept.saved()
    assert disk.values == {"new": 2} == (await kept_on(disk)).values


async def test_without_a_store_values_live_as_long_as_the_daemon() -> None:
    kept: Kept[int] = Kept()
    kept.put("a", 1)
    await kept.saved()
    assert kept.values == {"a": 1}


async def test_changes_that_wait_are_written_together_and_in_order() -> None:
    disk = Disk()
    kept = await kept_on(disk)
    async with trio.open_nursery() as nursery:
        for value in range(100):
            kept.put("a", value)
            nursery.start_soon(kept.saved)
            await trio.lowlevel.checkpoint()
    assert disk.values["a"] == 99
    assert disk.writes <= 2


async def test_a_change_is_not_cancelled_with_who_asked() -> None:
    disk = Disk()
    kept = await kept_on(disk)
    kept.put("a", 1)
    with trio.move_on_after(0.5):
        await kept.saved()
    assert disk.values["a"] == 1


async def test_what_could_not_be_written_is_written_later() -> None:
    disk = Disk()
    kept = await kept_on(disk)
    disk.failing = True
    kept.put("a", 1)
    kept.put("b", 1)
    with pytest.raises(OSError, match="full"):
        await kept.saved()
    disk.failing = False
    kept.put("a", 2)
    await kept.saved()
    assert disk.values == {"old": 1, "a": 2, "b": 1}


def test_there_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    kept: Kept[int] = Kept()
    kept.put("a", 1)
    kept.put("b", 1)
    kept.put("a", 2)
    with pytest.raises(Full, match="there are 2 already"):
        kept.put("c", 1)
    kept.remove("b")
    kept.put("c", 1)
    assert kept.values == {"a": 2, "c": 1}
