"""Every call leaves one entry: who asked for what, and what was decided."""

from pathlib import Path
from typing import Any

import pytest
import trio

from caps.access import Right
from caps.caveats import READ_ONLY, Caveat, Objects, Operations
from stasisd.core.audit_log import AuditLog, AuditSettings
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.asking import Asked
from stasisd.operations.gate import Gate
from stasisd.store.audit import Entry
from tests.support.clock import jumping_clock
from tests.support.tenant import running_tenant
from tests.support.world import Failed, ask, furnish, grant, parameters

pytestmark = jumping_clock


async def entries(tenant: Tenant) -> list[Entry]:
    assert tenant.audit is not None
    return [record.entry for record in await tenant.audit.read(0, 1000)]


async def told(tenant: Tenant, asked: str, /, *caveats: Caveat, **raw: Any) -> Entry:
    """The entry that a call leaves; it must be the only one."""
    before = await entries(tenant)
    gate = Gate({tenant.name: tenant}, tenant.now)
    await ask(gate, grant(*caveats), OPERATIONS[asked], raw)
    [entry] = (await entries(tenant))[len(before) :]
    return entry


async def test_what_is_allowed(tenant: Tenant) -> None:
    await furnish(tenant)
    entry = await told(tenant, "channels.answer", channelId="c")
    assert (entry.tenant, entry.token, entry.operation) == ("default", "t", "channels.answer")
    assert (entry.outcome, entry.objects, entry.reason) == ("allow", ("channel:c",), "")
    both = await told(tenant, "bridges.addChannel", bridgeId="b", channel="c")
    assert both.objects == ("bridge:b", "channel:c")


async def test_what_is_denied_by_its_name(tenant: Tenant) -> None:
    await furnish(tenant)
    entry = await told(tenant, "channels.hangup", READ_ONLY, channelId="c")
    assert entry.outcome == "deny"
    assert entry.reason == "the token gives no right to delete"


async def test_an_object_that_is_denied_is_told_apart_from_an_absent_one(tenant: Tenant) -> None:
    """Here, where the caller can't see it."""
    await furnish(tenant)
    mine = Objects(("channel:x*",))
    hidden = await told(tenant, "channels.get", mine, channelId="c")
    assert (hidden.outcome, hidden.reason) == ("deny", "the token is for other objects")
    absent = await told(tenant, "channels.get", mine, channelId="xyz")
    assert (absent.outcome, absent.reason) == ("absent", "Channel not found")
    assert absent.objects == ("channel:xyz",)


async def test_what_makes_no_sense(tenant: Tenant) -> None:
    await furnish(tenant)
    entry = await told(tenant, "bridges.addChannel", bridgeId="b", channel="c", mute="perhaps")
    assert entry.outcome == "invalid"


async def test_names_are_bounded(tenant: Tenant) -> None:
    entry = await told(tenant, "channels.get", channelId="x" * 100_000)
    assert len(entry.objects[0]) < 300


async def test_a_request_is_named_and_its_repetition_too(tenant: Tenant) -> None:
    gate = Gate({tenant.name: tenant}, tenant.now)
    for request in ("first", "again"):
        await gate.perform(grant(), OPERATIONS["bridges.create"], {}, Asked(request, "a-key"))
    assert [(e.request, e.outcome) for e in await entries(tenant)] == [
        ("first", "allow"),
        ("again", "allow"),
    ]


async def test_every_operation_leaves_its_entry(tenant: Tenant) -> None:
    await furnish(tenant)
    for operation in OPERATIONS.values():
        entry = await told(tenant, operation.name, READ_ONLY, **parameters(operation))
        reads = operation.right is Right.READ and not operation.for_operators
        expected = "allow" if reads else "deny"
        assert (entry.operation, entry.outcome) == (operation.name, expected)


async def test_nothing_is_done_that_can_not_be_recorded(tenant: Tenant, tmp_path: Path) -> None:
    await furnish(tenant)
    tenant.audit = AuditLog(AuditSettings(folder=tmp_path, waiting=0))
    refused = await ask(
        Gate({tenant.name: tenant}, tenant.now),
        grant(),
        OPERATIONS["channels.hangup"],
        {"channelId": "c"},
    )
    assert refused == Failed(
        "unavailable", "The audit log can't be written", "see the daemon's log"
    )
    assert "c" in tenant.channels


# --- reading it


async def test_an_auditor_reads_page_by_page(tenant: Tenant) -> None:
    await furnish(tenant)
    gate = Gate({tenant.name: tenant}, tenant.now)
    for _ in range(3):
        await ask(gate, grant(), OPERATIONS["bridges.list"], {})
    auditor = grant(READ_ONLY, Operations(("audit.*",)))
    page = await ask(gate, auditor, OPERATIONS["audit.list"], {"limit": "2"})
    assert [record.entry.operation for record in page.records] == ["bridges.list"] * 2
    rest = await ask(gate, auditor, OPERATIONS["audit.list"], {"after": str(page.after)})
    assert [record.entry.operation for record in rest.records] == [
        "bridges.list",
        "audit.list",
        "audit.list",
    ]
    refused = await ask(gate, auditor, OPERATIONS["bridges.list"], {})
    assert refused.kind == "not_allowed"


async def test_each_tenant_has_a_log_of_its_own(tmp_path: Path) -> None:
    async with (
        running_tenant(tmp_path / "one") as tenant,
        running_tenant(tmp_path / "other", name="other") as other,
    ):
        gate = Gate({tenant.name: tenant, other.name: other}, tenant.now)
        await ask(gate, grant(), OPERATIONS["bridges.create"], {"bridgeId": "secret"})
        page = await ask(gate, grant(tenant="other"), OPERATIONS["audit.list"], {})
        assert [record.entry.tenant for record in page.records] == ["other"]


async def test_where_none_is_kept_it_is_said(tenant: Tenant) -> None:
    tenant.audit = None
    gate = Gate({tenant.name: tenant}, tenant.now)
    refused = await ask(gate, grant(), OPERATIONS["audit.list"], {})
    assert (refused.kind, refused.detail) == ("not_found", "set enabled in [audit]")


async def test_a_log_that_was_damaged_is_not_read_past(tenant: Tenant) -> None:
    gate = Gate({tenant.name: tenant}, tenant.now)
    await ask(gate, grant(), OPERATIONS["bridges.list"], {})
    await trio.sleep(1)
    assert tenant.settings.audit is not None
    [path] = tenant.settings.audit.folder.iterdir()
    path.write_bytes(b"damaged\n")
    refused = await ask(gate, grant(), OPERATIONS["audit.list"], {})
    assert (refused.kind, refused.message) == ("failed", "The audit log can't be read")


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
async def test_a_limit_that_is_none(limit: str, tenant: Tenant) -> None:
    gate = Gate({tenant.name: tenant}, tenant.now)
    refused = await ask(gate, grant(), OPERATIONS["audit.list"], {"limit": limit})
    assert refused.kind == "invalid_parameter"
