"""What operators ask for stands in a log of their own, which no tenant has."""

from pathlib import Path

import pytest

from caps.caveats import READ_ONLY
from caps.caveats import Tenant as OfTenant
from caps.grant import Grant
from stasisd.operations import OPERATIONS
from stasisd.operations.errors import NotAllowed, NotFound
from stasisd.store.audit import verify
from tests.support.clock import jumping_clock
from tests.support.world import grant

from .house import OPERATOR, House, house

pytestmark = jumping_clock


async def told(living: House) -> list[tuple[str, str, tuple[str, ...]]]:
    """Operation, outcome and objects of each entry."""
    page = await living.operate("operators.audit")
    found = [record.entry for record in page.records]
    assert {(entry.tenant, entry.token) for entry in found} == {("", OPERATOR.token_id)}
    return [(entry.operation, entry.outcome, entry.objects) for entry in found]


async def test_each_call_of_an_operator_leaves_an_entry(tmp_path: Path) -> None:
    async with house(tmp_path, audited=True) as living:
        await living.operate("tenants.suspend", tenantName="globex")
        with pytest.raises(NotAllowed):
            await living.operate("tenants.resume", READ_ONLY, tenantName="globex")
        with pytest.raises(NotFound):
            await living.operate("tenants.get", tenantName="nobody")
        assert await told(living) == [
            ("tenants.suspend", "allow", ("tenant:globex",)),
            ("tenants.resume", "deny", ("tenant:globex",)),
            ("tenants.get", "allow", ("tenant:nobody",)),
            ("operators.audit", "allow", ()),
        ]
    assert verify(living.configuration.audit("operators")).serial == 4


async def test_no_tenant_reads_it_and_what_is_done_in_one_stands_there(tmp_path: Path) -> None:
    within = Grant(tenant="acme", key_id="o", token_id="o", caveats=(OfTenant("acme"),))
    async with house(tmp_path, audited=True) as living:
        for asking in (grant(tenant="acme"), within):
            with pytest.raises(NotAllowed):
                await living.gate.perform(asking, OPERATIONS["operators.audit"], {})
        await living.gate.perform(within, OPERATIONS["bridges.list"], {})
        acme = living.tenants["acme"].audit
        assert acme is not None
        entries = [record.entry for record in await acme.read(0, 10)]
        assert [(entry.operation, entry.outcome) for entry in entries] == [
            ("operators.audit", "deny"),
            ("operators.audit", "deny"),
            ("bridges.list", "allow"),
        ]
        assert [entry.token for entry in entries] == ["t", "o", "o"]
