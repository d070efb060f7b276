"""The gate's part for operators: operations on the tenants, which are of none of them."""

import inspect
from collections.abc import Callable
from typing import Any

from caps.access import Access
from caps.grant import Grant
from stasisd.core.tenancy import Tenancy

from .asking import Asked
from .declare import Operating, Operation
from .errors import NotAllowed, OperationError
from .trail import Trail
from .values import read_value

OPERATORS_ONLY = "Only an operator may do this"
TENANT_NAME = ("tenantName",)


async def operate(
    tenancy: Tenancy | None,
    grant: Grant,
    operation: Operation,
    raw: Any,
    asked: Asked | None,
    now: Callable[[], float],
) -> Any:
    """Perform an operation for a grant that is of no tenant; the operators' log tells of it."""
    if tenancy is None:
        raise NotAllowed(OPERATORS_ONLY)
    trail = Trail(tenancy.audit, grant, operation.name, asked, now)
    for parameter in operation.plain:
        name = raw.get(parameter.wire[0])
        if parameter.wire == TENANT_NAME and isinstance(name, str):
            trail.names("tenant", name)
    try:
        return await _performed(tenancy, grant, operation, raw, trail, now())
    except OperationError as error:
        trail.refuse(error)
        raise


async def _performed(
    tenancy: Tenancy, grant: Grant, operation: Operation, raw: Any, trail: Trail, now: float
) -> Any:
    assert operation.right is not None
    access = Access(right=operation.right, operation=operation.name, tenant=None, now=now)
    denied = grant.prohibits(access)
    if denied is not None:
        raise NotAllowed(str(denied))
    guarded = {p.name: Operating(tenancy, operation.right) for p in operation.guarded}
    plain = {p.name: read_value(p, raw) for p in operation.plain}
    trail.allow()
    result = operation.function(**guarded, **plain)
    return await result if inspect.isawaitable(result) else result
