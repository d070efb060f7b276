"""The one way in: every call of every binding passes here, with a grant.

The order of the check: what the names alone decide comes first (so a read-only caller learns
nothing), then the objects are found, then what needs the object is decided, and prohibited and
absent answer alike. Only then are values read, and only then does anything happen.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from caps.access import Right
from caps.grant import Grant
from stasisd.core.cause import caused_by
from stasisd.core.tenancy import Tenancy
from stasisd.core.tenant import Draining, Tenant

from .asking import Asked
from .call import Call, Raw
from .declare import Operation
from .errors import NotAllowed, OperationError, Unavailable
from .idempotency import Remembered
from .operating import operate
from .pace import not_too_soon
from .trail import Trail


class Gate:
    """Checks a grant against an operation and its objects, then performs it."""

    def __init__(
        self,
        tenants: Mapping[str, Tenant],
        now: Callable[[], float],
        tenancy: Tenancy | None = None,
    ) -> None:
        """``tenants`` that run, by name; ``now`` is the clock that expiry is written in.

        ``tenancy`` is what operators see of all tenants, if they are to see anything.
        """
        self._tenants = tenants
        self._tenancy = tenancy
        self._now = now
        self._remembered = Remembered(now)

    async def perform(
        self, grant: Grant, operation: Operation, raw: Raw, asked: Asked | None = None
    ) -> Any:
        """Perform an operation with the parameters as a binding got them.

        ``raw`` maps wire names to text, lists of text, or JSON values. What the operation
        changes is caused by the request ``asked``; one that repeats an earlier one, by its key,
        has that one's outcome. Raises :class:`~stasisd.operations.errors.OperationError`.
        """
        if operation.for_operators and grant.tenant is None:
            return await operate(self._tenancy, grant, operation, raw, asked, self._now)
        tenant = self._tenant(grant)
        not_too_soon(tenant.requests, "Too many requests")
        trail = Trail(tenant.audit, grant, operation.name, asked, tenant.now)
        call = Call(tenant, grant, operation, raw, self._now(), asked, trail)
        try:
            call.check_names()
            result = await self._perform(call, asked)
        except OperationError as error:
            trail.refuse(error)
            raise
        trail.allow()  # also of what an earlier request has done
        return result

    async def _perform(self, call: Call, asked: Asked | None) -> Any:
        if asked is None or call.operation.right is Right.READ:
            return await _performed(call)
        try:
            with caused_by(asked.cause):
                if asked.idempotency_key is None:
                    return await _performed(call)
                return await self._remembered.perform(
                    call.grant, call.operation.name, call.raw, asked, partial(_performed, call)
                )
        finally:
            asked.sequences = call.readable(asked.cause.sequences)

    def _tenant(self, grant: Grant) -> Tenant:
        if grant.tenant is None:
            detail = "an operator's token acts in a tenant once a caveat of it names one"
            raise NotAllowed("This token is of no tenant", detail=detail)
        tenant = self._tenants.get(grant.tenant)
        if tenant is None:
            raise NotAllowed("The tenant of this token is gone")
        return tenant


async def _performed(call: Call) -> Any:
    arguments = await call.arguments()
    call.trail.allow()
    try:
        result = call.operation.function(**arguments)
        if inspect.isawaitable(result):
            result = await result
    except Draining:
        raise Unavailable("The server is shutting down and takes no new calls") from None
    return result
