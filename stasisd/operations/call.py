"""One call on its way through the gate: what it names is found, and each of it is checked."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from caps.access import Access, Right
from caps.errors import Denied
from caps.grant import Grant
from stasisd.core.channel import Channel
from stasisd.core.tenant import Tenant

from .asking import Asked
from .concerns import called_context, called_name, names_of, with_groups
from .declare import (
    Absent,
    Create,
    Everything,
    ForWhoAsks,
    IfThere,
    Operation,
    Parameter,
    Required,
    Within,
)
from .errors import InvalidParameter, NotAllowed, NotFound
from .operating import OPERATORS_ONLY
from .parameters import LeadsTo, Mentions, Offered
from .trail import Trail
from .values import default_value, first, read_value, several

Raw = Mapping[str, Any]

WRITE_DENIED = "Write access denied"
FOR_WHOM = "say for which application it is: app=NAME"
APPLICATION, BRIDGE, ENDPOINT, RECORDING = "application", "bridge", "endpoint", "recording"
# What is made of these concerns no endpoint, until there are channels in it.
OF_NOBODY = {APPLICATION, BRIDGE}


class Call:
    """One call on its way through the gate."""

    def __init__(
        self,
        tenant: Tenant,
        grant: Grant,
        operation: Operation,
        raw: Raw,
        now: float,
        asked: Asked | None,
        trail: Trail,
    ) -> None:
        self.tenant = tenant
        self.grant = grant
        self.operation = operation
        self.raw = raw
        self.now = now
        self.trail = trail
        # Whom the call concerns and where it sends a channel, as far as a caveat asks for that.
        self.endpoints: tuple[str, ...] | None = None
        self.contexts: tuple[str, ...] = ()
        # The one that the call names, or that has what it names: for what it makes.
        self.application: str | None = None
        self.asked = asked

    def check_names(self) -> None:
        """Decide what the operation and the names alone can decide."""
        if self.operation.for_operators:  # whatever the grant may do in its tenant
            raise NotAllowed(OPERATORS_ONLY)
        for parameter in self.operation.guarded:
            self._check_names(parameter)

    def readable(self, sequences: Mapping[str, int]) -> dict[str, int]:
        """Of what applications heard, what the grant may know."""
        return {
            name: sequence
            for name, sequence in sequences.items()
            if not self.grant.prohibits(self._access(Right.READ, APPLICATION, name, name, ()))
        }

    async def arguments(self) -> dict[str, Any]:
        """Check everything and give the function's arguments."""
        guarded, plain = self.operation.guarded, self.operation.plain
        self.application = self._named_application(plain)
        # What is made belongs to the application of what it is made for, so it comes last.
        found = {p.name: await self._object(p) for p in guarded if not p.creates}
        self.application = self.application or _first_application(found.values())
        self._concern(found)
        made = {p.name: self._creation(p) for p in guarded if p.creates}
        for parameter in plain:
            self._check_mentions(parameter)
            self._check_offered(parameter)
        values = {p.name: read_value(p, self.raw) for p in plain}
        return {**found, **made, **self.operation.put_together(values)}

    def _concern(self, found: Mapping[str, Any]) -> None:
        """Find out whom the call concerns and where it leads, and check the latter."""
        if not self.grant.is_particular:
            return
        objects = [each for value in found.values() for each in _each(value)]
        called = [name for p in self.operation.plain for name in self._called(p)]
        known = [names for each in objects if (names := names_of(self.tenant, each)) is not None]
        if called or known:
            concerned = (name for names in known for name in names)
            self.endpoints = (*map(called_name, called), *concerned)
        places = [place for p in self.operation.plain for place in self._leads_to(p, objects)]
        self.contexts = (*places, *filter(None, map(called_context, called)))
        for parameter in self.operation.guarded:
            if self.contexts and parameter.right is Right.CONTROL and not parameter.many:
                self._check(self._access_to(parameter, found[parameter.name]))

    def _called(self, parameter: Parameter) -> list[str]:
        return [name for kind, name, _ in self._mentioned(parameter) if kind == ENDPOINT]

    def _leads_to(self, parameter: Parameter, objects: Iterable[Any]) -> list[str]:
        note = parameter.note(LeadsTo)
        if note is None or self.raw.get(note.unless):
            return []
        given = first(self.raw.get(parameter.wire[0])) or parameter.default
        if given:
            return [str(given)]
        return [each.snapshot.dialplan.context for each in objects if isinstance(each, Channel)]

    def _check_offered(self, parameter: Parameter) -> None:
        note = parameter.note(Offered)
        if note is None or not self.grant.is_particular:
            return
        channel = self.tenant.channels.get(str(first(self.raw.get(parameter.wire[0]))))
        endpoints = names_of(self.tenant, channel)
        denied = self.grant.prohibits(
            self._access(Right.CONTROL, APPLICATION, self.application, self.application, endpoints)
        )
        if denied is not None:
            self.trail.hidden = str(denied)
            raise NotFound(note.absent)

    def _access(
        self,
        right: Right,
        kind: str | None = None,
        object_id: str | None = None,
        application: str | None = None,
        endpoints: Iterable[str] | None = None,
    ) -> Access:
        return Access(
            right=right,
            operation=self.operation.name,
            tenant=self.tenant.name,
            now=self.now,
            kind=kind,
            object_id=object_id,
            application=application,
            endpoints=with_groups(self.tenant, endpoints) if self.grant.is_particular else None,
            contexts=self.contexts,
            events=self.operation.makes,
        )

    def _check_names(self, parameter: Parameter) -> None:
        assert parameter.right is not None
        access = self._access(parameter.right, parameter.kind.name if parameter.kind else None)
        try:
            self.grant.check_names(access)
        except Denied as denied:
            message = str(denied) if access.right is Right.READ else WRITE_DENIED
            raise NotAllowed(message, detail=str(denied)) from None

    def _check(self, access: Access, hint: str | None = None) -> None:
        denied = self.grant.prohibits(access)
        if denied is not None:
            raise NotAllowed(str(denied), detail=hint)

    def _named_application(self, plain: Iterable[Parameter]) -> str | None:
        """The application that the call names, e.g. the one to originate into."""
        names = (name for p in plain for kind, name, _ in self._mentioned(p) if kind == APPLICATION)
        return next(names, None)

    def _mentioned(self, parameter: Parameter) -> Iterator[tuple[str, str, Right]]:
        """What a text names: kind, id, and the right that takes."""
        note = parameter.note(Mentions)
        given = self.raw.get(parameter.wire[0])
        if note is None or given is None:
            return
        for text in several(given) if parameter.many else [first(given)]:
            named = note.of(text) if isinstance(text, str) else None
            if named is not None:
                yield (*named, note.right)

    def _check_mentions(self, parameter: Parameter) -> None:
        for kind, object_id, right in self._mentioned(parameter):
            self.trail.names(kind, object_id)
            # To make something for an application is that application's own business.
            mine = self.application if right in {Right.CREATE, Right.CONTROL} else None
            # Whom it is for is known, but of what was recorded nobody knows whose it is.
            endpoints = None if kind == RECORDING else self.endpoints
            self._check(self._access(right, kind, object_id, mine, endpoints))
        if parameter.note(Everything) is not None and read_value(parameter, self.raw):
            self._check(self._access(Right.READ))

    def _access_to(self, parameter: Parameter, found: Any) -> Access:
        kind = parameter.kind
        assert kind is not None
        assert parameter.right is not None
        return self._access(
            parameter.right,
            kind.name_of(found),
            kind.id_of(found),
            application_of(found),
            names_of(self.tenant, found) if self.grant.is_particular else None,
        )

    def _prohibits(self, parameter: Parameter, found: Any) -> Denied | None:
        return self.grant.prohibits(self._access_to(parameter, found))

    async def _object(self, parameter: Parameter) -> Any:
        if parameter.kind is None:
            return self._within(parameter)
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
        assert parameter.right is not None
        access = self._access(parameter.right)
        if parameter.right is not Right.READ:  # nobody knows where that leads
            access = msgspec.structs.replace(access, contexts=None)
        self._check(access)
        return Within(self.tenant, parameter.right)

    async def _find(self, parameter: Parameter, names: Sequence[Any]) -> Any:
        kind = parameter.kind
        assert kind is not None
        found = None
        if all(isinstance(name, str) for name in names):
            self.trail.names(kind.name, "/".join(names))
            found = kind.find(self.tenant, *names)
            if inspect.isawaitable(found):
                found = await found
        denied = None if found is None else self._prohibits(parameter, found)
        if found is None or denied is not None:
            if parameter.note(IfThere) is not None:
                return default_value(parameter)
            self.trail.hidden = str(denied or "")
            said = parameter.note(Absent)
            message = said.message if said else kind.absent
            in_path = set(parameter.wire) <= _in_path(self.operation)
            usual = NotFound if in_path else InvalidParameter
            error = (said.error if said else None) or usual
            raise error(message)
        return found

    async def _listing(self, parameter: Parameter) -> list[Any]:
        assert parameter.kind is not None
        everything = parameter.kind.all(self.tenant)
        if inspect.isawaitable(everything):
            everything = await everything
        return [found for found in everything if self._prohibits(parameter, found) is None]

    def _creation(self, parameter: Parameter) -> Any:
        given = None
        if parameter.wire[0] in self.raw or parameter.note(Required) is not None:
            given = read_value(parameter, self.raw)
        if parameter.many:
            return [self._created(parameter, object_id) for object_id in given or ()]
        return self._created(parameter, given)

    def _created(self, parameter: Parameter, object_id: str | None) -> Create[Any]:
        assert parameter.kind is not None
        assert parameter.right is not None
        kind = parameter.kind.name
        application = object_id if kind == APPLICATION else self.application
        hint = None
        if application is None and parameter.note(ForWhoAsks) is not None:
            application = self._asking()
            hint = None if application else FOR_WHOM
        whose = () if self.endpoints is None and kind in OF_NOBODY else self.endpoints
        access = self._access(parameter.right, kind, object_id, application, whose)
        if object_id is not None:
            self.trail.names(kind, object_id)
        self._check(access, hint)
        control = msgspec.structs.replace(access, right=Right.CONTROL)
        may_control = self.grant.prohibits(control) is None
        return Create(self.tenant, object_id, may_control=may_control, application=application)

    def _asking(self) -> str | None:
        """The application in whose name the call is; it gives no right beyond the grant's."""
        return (self.asked and self.asked.application) or self.grant.sole_application


def _each(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _first_application(found: Iterable[Any]) -> str | None:
    return next((name for name in map(application_of, found) if name is not None), None)


def application_of(found: Any) -> str | None:
    """The application that an object belongs to, for caveats."""
    own = getattr(found, "application_name", None)
    return own if isinstance(own, str) else None


def _in_path(operation: Operation) -> set[str]:
    return {name for route in operation.routes for name in route.placeholders}
