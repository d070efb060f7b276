"""The operations on audit logs, a tenant's and the operators': reading them."""

from typing import Annotated

import msgspec

from caps.access import Right
from stasisd.core.audit_log import AuditLog
from stasisd.store.audit import BrokenChain, Record

from .declare import AtLeast, Operating, ReadTenant, operation
from .errors import NotFound, OperationFailed

MOST = 1000  # records in one answer
After = Annotated[int, AtLeast(0, "after must be 0 or more")]
Limit = Annotated[int, AtLeast(1, "limit must be 1 or more")]


class AuditPage(msgspec.Struct, frozen=True):
    """Records in order; ``after`` is what to ask for the next page with."""

    records: list[Record]
    after: int


@operation("audit.list", rest="GET /audit", in_documents=False)
async def list_(tenant: ReadTenant, after: After = 0, limit: Limit = 100) -> AuditPage:
    """List what was asked of this tenant and what was decided, behind a serial number."""
    return await _page(tenant.tenant.audit, after, limit)


@operation("operators.audit", rest="GET /operators/audit", in_documents=False)
async def list_operators(
    operator: Annotated[Operating, Right.READ], after: After = 0, limit: Limit = 100
) -> AuditPage:
    """List what operators asked for and what was decided, behind a serial number."""
    return await _page(operator.tenancy.audit, after, limit)


async def _page(log: AuditLog | None, after: int, limit: int) -> AuditPage:
    records = await _read(_kept(log), after, min(limit, MOST))
    return AuditPage(records, records[-1].serial if records else after)


def _kept(log: AuditLog | None) -> AuditLog:
    if log is None:
        raise NotFound("No audit log is kept", detail="set enabled in [audit]")
    return log


async def _read(log: AuditLog, after: int, limit: int) -> list[Record]:
    try:
        return await log.read(after, limit)
    except (BrokenChain, OSError) as error:
        raise OperationFailed("The audit log can't be read", detail=str(error)) from None
