"""No operation acts, or tells anything, without the right to it. Every declared one is asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio.testing

from caps.access import Right
from caps.caveats import READ_ONLY, Caveat, Expires, Rights, Unknown
from caps.caveats import Tenant as OfTenant
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.events import Hearing
from stasisd.operations.gate import Gate
from tests.support.clock import jumping_clock
from tests.support.tenant import EPOCH, running_tenant
from tests.support.world import (
    ABSENT,
    NAMES_ANYTHING,
    OF_TENANTS,
    Failed,
    ask,
    furnish,
    grant,
    parameters,
    state,
)

pytestmark = jumping_clock


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[tuple[Tenant, Gate]]:
    """A furnished tenant, and an empty one of the name `other`."""
    async with (
        running_tenant(folder / "one") as tenant,
        running_tenant(folder / "other", name="other") as other,
    ):
        await furnish(tenant)
        yield tenant, Gate({tenant.name: tenant, other.name: other}, tenant.now)


async def quiet(tenant: Tenant) -> object:
    """The tenant's state when all that was begun has happened."""
    await trio.testing.wait_all_tasks_blocked()
    return state(tenant)


@pytest.mark.parametrize(
    "caveat",
    [Rights(()), Expires(EPOCH - 1), Unknown(), OfTenant("other")],
    ids=["no-rights", "expired", "unknown", "of-two-tenants"],
)
async def test_without_rights_nothing_happens(caveat: Caveat, tmp_path: Path) -> None:
    async with world(tmp_path) as (tenant, gate):
        before = await quiet(tenant)
        for operation in OPERATIONS.values():
            there = await ask(gate, grant(caveat), operation, parameters(operation))
            assert isinstance(there, Failed), operation
            assert there.kind == "not_allowed", operation
            absent = await ask(gate, grant(caveat), operation, parameters(operation, absent=True))
            assert there == absent, f"the refusal of {operation} tells what is there"
            assert await quiet(tenant) == before, operation


async def test_another_tenants_objects_have_no_name_here(tmp_path: Path) -> None:
    async with world(tmp_path) as (tenant, gate):
        before = await quiet(tenant)
        for operation in OPERATIONS.values():
            other = grant(tenant="other")
            foreign = await ask(gate, other, operation, parameters(operation))
            absent = await ask(gate, other, operation, parameters(operation, absent=True))
            for opened in (foreign, absent):
                if isinstance(opened, Hearing):
                    opened.close()
            assert await quiet(tenant) == before, operation
            named = [p for p in operation.parameters if p.kind and not (p.lists or p.creates)]
            if operation.name in NAMES_ANYTHING:
                assert repr(foreign) == repr(absent).replace(ABSENT, "d"), operation
            elif any(parameter.required for parameter in named):
                assert isinstance(foreign, Failed), operation
                assert foreign == absent, f"{operation} tells absent and foreign apart"
            else:
                assert "'c'" not in repr(foreign), f"{operation} tells of another tenant"


async def test_a_reader_reads_and_no_more(tmp_path: Path) -> None:
    async with world(tmp_path) as (tenant, gate):
        for operation in OF_TENANTS:
            before = await quiet(tenant)
            raw = parameters(operation)
            if operation.name == "events.eventWebsocket":
                raw["app"] = "fresh"  # to replace a socket is more than to read
            there = await ask(gate, grant(READ_ONLY), operation, raw)
            absent = await ask(
                gate, grant(READ_ONLY), operation, parameters(operation, absent=True)
            )
            if operation.right is Right.READ:
                assert not isinstance(there, Failed), (operation, there)
                continue
            assert isinstance(there, Failed), operation
            assert there == absent, f"the refusal of {operation} tells what is there"
            assert (there.kind, there.message) == ("not_allowed", "Write access denied")
            assert await quiet(tenant) == before, operation
