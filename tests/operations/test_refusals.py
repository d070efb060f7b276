"""Who is not let in is told of, within bounds."""

from pathlib import Path

import trio

from stasisd.core.audit_log import AuditLog, AuditSettings
from stasisd.operations.errors import NotAuthenticated
from stasisd.operations.refusals import AT_ONCE, INTERVAL, Refusals
from tests.support.clock import jumping_clock

pytestmark = jumping_clock

HERE, THERE = "192.0.2.1", "192.0.2.2"
REFUSED = NotAuthenticated("Authentication required", detail="the token was revoked")


def running(folder: Path, nursery: trio.Nursery, waiting: int = 100) -> AuditLog:
    log = AuditLog(AuditSettings(folder=folder, waiting=waiting))
    nursery.start_soon(log.run)
    return log


async def test_each_refusal_has_its_reason_and_address(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    log = running(tmp_path, nursery)
    Refusals(log, trio.current_time).tell(REFUSED, HERE, "r")
    [record] = await log.read(0, 10)
    entry = record.entry
    assert (entry.operation, entry.outcome, entry.request) == ("login", "deny", "r")
    assert (entry.objects, entry.reason) == ((f"address:{HERE}",), "the token was revoked")
    assert (entry.tenant, entry.token) == ("", "")


async def test_one_address_does_not_fill_the_log(tmp_path: Path, nursery: trio.Nursery) -> None:
    log = running(tmp_path, nursery)
    refusals = Refusals(log, trio.current_time)
    for _ in range(AT_ONCE + 30):
        refusals.tell(REFUSED, HERE, "r")
    refusals.tell(REFUSED, THERE, "r")
    await trio.sleep(INTERVAL)
    refusals.tell(REFUSED, HERE, "r")
    entries = [record.entry for record in await log.read(0, 100)]
    assert len(entries) == AT_ONCE + 2
    assert entries[-2].objects == (f"address:{THERE}",)
    assert entries[-2].reason == "the token was revoked (30 refusals before were left out)"
    assert entries[-1].reason == "the token was revoked"


async def test_a_full_log_takes_no_more_of_them(tmp_path: Path, nursery: trio.Nursery) -> None:
    log = running(tmp_path, nursery, waiting=1)
    refusals = Refusals(log, trio.current_time)
    refusals.tell(REFUSED, HERE, "1")
    refusals.tell(REFUSED, THERE, "2")
    assert [record.entry.request for record in await log.read(0, 10)] == ["1"]


def test_without_a_log_nothing_is_told() -> None:
    Refusals(None, lambda: 0.0).tell(REFUSED, HERE, "r")
