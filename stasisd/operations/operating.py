"""The gate's part for operators: operations on the tenants, which are of none of them."""

import inspect
from typing import Any

from caps.access import Access
from caps.grant import Grant
from stasisd.core.tenancy import Tenancy

from .declare import Operating, Operation
from .errors import NotAllowed
from .values import read_value

OPERATORS_ONLY = "Only an operator may do this"


async def operate(
    tenancy: Tenancy | None, grant: Grant, operation: Operation, raw: Any, now: float
) -> Any:
    """Perform an operation for a grant that is of no tenant."""
    if tenancy is None:
        raise NotAllowed(OPERATORS_ONLY)
    assert operation.right is not None
    access = Access(right=operation.right, operation=operation.name, tenant=None, now=now)
    denied = grant.prohibits(access)
    if denied is not None:
        raise NotAllowed(str(denied))
    guarded = {p.name: Operating(tenancy, operation.right) for p in operation.guarded}
    plain = {p.name: read_value(p, raw) for p in operation.plain}
    result = operation.function(**guarded, **plain)
    return await result if inspect.isawaitable(result) else result
