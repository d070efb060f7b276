"""The one way in: every call of every binding passes here, with a grant.

The order of the check: what the names alone decide comes first (so a read-only caller learns
nothing), then the objects are found, then what needs the object is decided, and prohibited and
absent answer alike. Only then are values read, and only then does anything happen.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from caps.access import Access, Right
from caps.errors import Denied
from caps.grant import Grant
from stasisd.core.tenant import Draining, Tenant

from .declare import Absent, Create, Operation, Parameter, Required, Within
from .errors import InvalidParameter, NotAllowed, NotFound, Unavailable
from .values import default_value, first, read_value

Raw = Mapping[str, Any]

WRITE_DENIED = "Write access denied"


class Gate:
    """Checks a grant against an operation and its objects, then performs it."""

    def __init__(self, tenants: Mapping[str, Tenant], now: Callable[[], float]) -> None:
        """``tenants`` by name; ``now`` is the clock that expiry is written in."""
        self._tenants = tenants
        self._now = now

    async def perform(self, grant: Grant, operation: Operation, raw: Raw) -> Any:
        """Perform an operation with the parameters as a binding got them.

        ``raw`` maps wire names to text, lists of text, or JSON values. Raises
        :class:`~stasisd.operations.errors.OperationError`.
        """
        call = _Call(self._tenant(grant), grant, operation, raw, self._now())
        arguments = await call.arguments()
        try:
            result = operation.function(**arguments)
            if inspect.isawaitable(result):
                result = await result
        except Draining:
            raise Unavailable("The server is shutting down and takes no new calls") from None
        return result

    def _tenant(self, grant: Grant) -> Tenant:
        tenant = self._tenants.get(grant.tenant)
        if tenant is None:
            raise NotAllowed("The tenant of this token is gone")
        return tenant


class _Call:
    """One call on its way through the gate."""

    def __init__(
        self, tenant: Tenant, grant: Grant, operation: Operation, raw: Raw, now: float
    ) -> None:
        self.tenant = tenant
        self.grant = grant
        self.operation = operation
        self.raw = raw
        self.now = now

    async def arguments(self) -> dict[str, Any]:
        """Check everything and give the function's arguments."""
        guarded = [p for p in self.operation.parameters if p.right is not None]
        for parameter in guarded:
            self._check_names(parameter)
        arguments = {p.name: await self._object(p) for p in guarded}
        for parameter in self.operation.parameters:
            if parameter.right is None:
                arguments[parameter.name] = read_value(parameter, self.raw)
        return arguments

    def _access(
        self,
        parameter: Parameter,
        object_id: str | None = None,
        application: str | None = None,
    ) -> Access:
        assert parameter.right is not None
        return Access(
            right=parameter.right,
            operation=self.operation.name,
            tenant=self.tenant.name,
            now=self.now,
            kind=parameter.kind.name if parameter.kind else None,
            object_id=object_id,
            application=application,
        )

    def _check_names(self, parameter: Parameter) -> None:
        access = self._access(parameter)
        try:
            self.grant.check_names(access)
        except Denied as denied:
            message = str(denied) if access.right is Right.READ else WRITE_DENIED
            raise NotAllowed(message, detail=str(denied)) from None

    def _permits(self, parameter: Parameter, found: Any) -> bool:
        assert parameter.kind is not None
        access = self._access(parameter, parameter.kind.id_of(found), application_of(found))
        return self.grant.prohibits(access) is None

    async def _object(self, parameter: Parameter) -> Any:
        if parameter.kind is None:
            return self._within(parameter)
        if parameter.creates:
            return self._creation(parameter)
        if parameter.lists:
            return await self._listing(parameter)
        if parameter.many:
            names = read_value(parameter, self.raw)
            return names and [await self._find(parameter, (name,)) for name in names]
        values = tuple(first(self.raw.get(wire)) for wire in parameter.wire)
        if None in values:
            return default_value(parameter)
        return await self._find(parameter, values)

    def _within(self, parameter: Parameter) -> Within:
        self.grant.check(self._access(parameter))
        assert parameter.right is not None
        return Within(self.tenant, parameter.right)

    async def _find(self, parameter: Parameter, names: Sequence[Any]) -> Any:
        kind = parameter.kind
        assert kind is not None
        found = None
        if all(isinstance(name, str) for name in names):
            found = kind.find(self.tenant, *names)
            if inspect.isawaitable(found):
                found = await found
        if found is None or not self._permits(parameter, found):
            said = parameter.note(Absent)
            message = said.message if said else kind.absent
            in_path = set(parameter.wire) <= _in_path(self.operation)
            raise (NotFound if in_path else InvalidParameter)(message)
        return found

    async def _listing(self, parameter: Parameter) -> list[Any]:
        assert parameter.kind is not None
        everything = parameter.kind.all(self.tenant)
        if inspect.isawaitable(everything):
            everything = await everything
        return [found for found in everything if self._permits(parameter, found)]

    def _creation(self, parameter: Parameter) -> Any:
        given = None
        if parameter.wire[0] in self.raw or parameter.note(Required) is not None:
            given = read_value(parameter, self.raw)
        if parameter.many:
            return [self._created(parameter, object_id) for object_id in given or ()]
        return self._created(parameter, given)

    def _created(self, parameter: Parameter, object_id: str | None) -> Create[Any]:
        assert parameter.kind is not None
        application = object_id if parameter.kind.name == "application" else None
        access = self._access(parameter, object_id, application)
        denied = self.grant.prohibits(access)
        if denied is not None:
            raise NotAllowed(str(denied))
        control = msgspec.structs.replace(access, right=Right.CONTROL)
        may_control = self.grant.prohibits(control) is None
        return Create(self.tenant, object_id, may_control=may_control)


def application_of(found: Any) -> str | None:
    """The application that an object belongs to, for caveats."""
    own = getattr(found, "application_name", None)
    return own if isinstance(own, str) else None


def _in_path(operation: Operation) -> set[str]:
    return {name for route in operation.routes for name in route.placeholders}
