"""How an operation is declared: once, with the right to act in each parameter's type.

    @operation("channels.answer", rest="POST /channels/{channelId}/answer")
    def answer(channel: Control[Channel]) -> None: ...

Only the gate turns an id into an object, and it does so with the right that the type names.
A parameter with an object's type and no right does not get past the import; an operation that
is called without the gate raises. Everything else that speaks of operations (routes, documents,
tables) is derived from these declarations.
"""

import inspect
import re
import types
import typing
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from caps.access import Right
from stasisd.core.tenancy import Tenancy
from stasisd.core.tenant import Tenant

from .errors import InvalidParameter, OperationError
from .objects import KINDS, Kind
from .parameters import LeadsTo

T = TypeVar("T")

Read = Annotated[T, Right.READ]
Control = Annotated[T, Right.CONTROL]
Delete = Annotated[T, Right.DELETE]


class Listing:
    """Marks a parameter that is all objects of a kind which the grant may read."""


Each = Annotated[list[T], Right.READ, Listing]


class Create(Generic[T]):
    """The right to make an object, with the id it shall have, or None to choose one.

    ``may_control`` says whether the grant would also control an object of that id;
    ``application`` is the one that it will belong to.
    """

    def __init__(
        self,
        tenant: Tenant,
        object_id: str | None,
        *,
        may_control: bool,
        application: str | None = None,
    ) -> None:
        """Made by the gate alone."""
        self.tenant = tenant
        self.id = object_id
        self.may_control = may_control
        self.application = application


class Within(msgspec.Struct, frozen=True, eq=False):
    """The right to ask something of the tenant as a whole."""

    tenant: Tenant
    right: Right


# What an operation on the tenant itself asks for, e.g. its information or its variables.
ReadTenant = Annotated[Within, Right.READ]
ControlTenant = Annotated[Within, Right.CONTROL]


class Operating(msgspec.Struct, frozen=True, eq=False):
    """The right to ask something of all tenants together, which only an operator has."""

    tenancy: Tenancy
    right: Right


class Named(msgspec.Struct, frozen=True):
    """The wire's name of a parameter, where it is not the Python name in camelCase."""

    name: str


class Absent(msgspec.Struct, frozen=True):
    """What to say of an object that is not there, and how where it is not the usual way."""

    message: str
    error: type[OperationError] | None = None


class IfThere(msgspec.Struct, frozen=True):
    """Marks an object that counts as not given where there is none of that name."""


class Required(msgspec.Struct, frozen=True):
    """What to say of a parameter that is missing; ``also_empty`` where empty is missing too."""

    message: str


class ForWhoAsks(msgspec.Struct, frozen=True):
    """Marks what is made for the application in whose name the call is, if it names no other."""


class Everything(msgspec.Struct, frozen=True):
    """Marks a flag that reaches all objects: it takes a grant that is not limited to some."""


class OneOf(msgspec.Struct, frozen=True):
    """The allowed values; ``message`` may hold ``{value}``. ``error`` where it is not the usual."""

    values: tuple[str, ...]
    message: str
    error: type[OperationError] = InvalidParameter


class AtLeast(msgspec.Struct, frozen=True):
    """The least whole number allowed."""

    least: int
    message: str


class Matching(msgspec.Struct, frozen=True):
    """A pattern that the text has to match whole."""

    pattern: str
    message: str


class Fields(msgspec.Struct, frozen=True):
    """Marks a mapping that is the JSON body itself, of which these fields are read."""

    names: tuple[str, ...]


class Together(msgspec.Struct, frozen=True, kw_only=True):
    """Base of values that several operations ask for: each field is a parameter of its own.

    None is an object, which needs a right: that is for the operation itself to say.
    """


class Route(msgspec.Struct, frozen=True):
    """One way to ask for an operation over HTTP."""

    nickname: str
    method: str
    path: str

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The parameters that stand in the path."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of an operation, as declared.

    ``kind`` is set for objects, and with it ``right``; ``creates`` where the object is made,
    ``lists`` where it stands for all that the grant may read.
    """

    name: str
    wire: tuple[str, ...]
    value_type: Any
    default: Any = inspect.Parameter.empty
    many: bool = False
    kind: Kind | None = None
    right: Right | None = None
    creates: bool = False
    lists: bool = False
    notes: tuple[Any, ...] = ()

    def note(self, wanted: type[T]) -> T | None:
        """The annotation of this class, if the declaration carries one."""
        return next((note for note in self.notes if isinstance(note, wanted)), None)

    @property
    def required(self) -> bool:
        """Whether the caller must give it."""
        return self.default is inspect.Parameter.empty


class DeclarationError(Exception):
    """An operation is declared in a way that could forget a check."""


# Types of parameters that are values, besides mappings and a choice of texts.
PLAIN = {str, int, bool}

Performed = Callable[..., Awaitable[Any]] | Callable[..., Any]


class Operation:
    """A declared operation. Not callable: ask the gate to perform it."""

    def __init__(
        self,
        name: str,
        function: Performed,
        routes: tuple[Route, ...],
        *,
        location: str = "",
        errors: Mapping[int, str],
        in_documents: bool,
        accepted: bool = False,
        makes: tuple[str, ...] = (),
    ) -> None:
        """See :func:`operation`."""
        self.name = name
        self.resource = name.partition(".")[0]
        self.function = function
        self.routes = routes
        self.location = location
        self.errors = errors
        self.in_documents = in_documents
        self.accepted = accepted
        self.makes = makes
        self.summary = (inspect.getdoc(function) or "").partition("\n")[0]
        hints = get_type_hints(function, include_extras=True)
        self.returns = hints.pop("return", None)
        declared = inspect.signature(function).parameters
        self.together = {name: hints[name] for name in declared if _is_together(hints[name])}
        self.parameters = tuple(
            _parameter(self, parameter, hint)
            for each in declared.values()
            for parameter, hint in _taken_apart(each, hints[each.name])
        )
        names = [wire for parameter in self.parameters for wire in parameter.wire]
        if len(names) != len(set(names)):
            raise DeclarationError(f"{name} has two parameters of one name")
        for kind in self.together.values():
            if any(p.name in kind.__struct_fields__ and p.right for p in self.parameters):
                raise DeclarationError(f"{name}: {kind.__name__} has more than values")
        self.guarded = [p for p in self.parameters if p.right is not None]
        self.plain = [p for p in self.parameters if p.right is None]
        self.right = _strongest(self.parameters)
        if self.right is None:
            raise DeclarationError(f"{name} asks for no right at all")
        operating = [p.value_type is Operating for p in self.guarded]
        self.for_operators = any(operating)
        if self.for_operators and not all(operating):
            raise DeclarationError(f"{name} is of operators and of a tenant")

    def __call__(self, *_args: Any, **_kwargs: Any) -> typing.NoReturn:
        """Operations have no way around the gate."""
        raise DeclarationError(f"{self.name} was called without the gate")

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def put_together(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values of all plain parameters as the function takes them."""
        for name, kind in self.together.items():
            values[name] = kind(**{field: values.pop(field) for field in kind.__struct_fields__})
        return values


OPERATIONS: dict[str, Operation] = {}


def operation(
    name: str,
    *,
    rest: str | None,
    also: Mapping[str, str] = types.MappingProxyType({}),
    location: str = "",
    errors: Mapping[int, str] = types.MappingProxyType({}),
    in_documents: bool = True,
    accepted: bool = False,
    makes: tuple[str, ...] = (),
) -> Callable[[Performed], Operation]:
    """Declare an operation ``resource.nickname``.

    ``rest`` is ``METHOD /path`` or None where HTTP does not offer it; ``also`` maps further
    nicknames to further ways to ask for the same. ``location`` is the path at which what the
    operation made is found, with fields of the result in braces, where clients expect to be told.
    ``errors`` are documented. ``accepted`` says that it only begins what was asked for. ``makes``
    are the types of events of the caller's own.
    """
    nickname = name.partition(".")[2]
    asked = {nickname: rest} if rest else {}
    routes = tuple(Route(nick, *how.split(" ", 1)) for nick, how in {**asked, **also}.items())

    def declare(function: Performed) -> Operation:
        if name in OPERATIONS:
            raise DeclarationError(f"{name} is declared twice")
        declared = OPERATIONS[name] = Operation(
            name,
            function,
            routes,
            location=location,
            errors=errors,
            in_documents=in_documents,
            accepted=accepted,
            makes=makes,
        )
        return declared

    return declare


def _is_together(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Together)


def _taken_apart(declared: inspect.Parameter, hint: Any) -> Iterator[tuple[inspect.Parameter, Any]]:
    """The parameter itself, or one for each field of those that stand together."""
    if not _is_together(hint):
        yield declared, hint
        return
    hints = get_type_hints(hint, include_extras=True)
    for field in msgspec.structs.fields(hint):
        default = declared.empty if field.required else _default_of(field)
        yield declared.replace(name=field.name, default=default), hints[field.name]


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is msgspec.NODEFAULT:
        return field.default
    return field.default_factory()


def _parameter(owner: Operation, declared: inspect.Parameter, hint: Any) -> Parameter:
    bare, notes = _split(hint)
    many = get_origin(bare) is list
    inner, inner_notes = _split(get_args(bare)[0]) if many else (bare, ())
    notes += inner_notes
    inner = _without_none(inner)
    creates = get_origin(inner) is Create
    kind = KINDS.get(get_args(inner)[0] if creates else inner)
    right = next((n for n in notes if isinstance(n, Right)), Right.CREATE if creates else None)
    if (kind is not None or inner in {Within, Tenant, Operating, Tenancy}) and right is None:
        raise DeclarationError(f"{owner.name}: {declared.name} is an object without a right")
    if right is None and inner not in PLAIN and get_origin(inner) not in {dict, Literal}:
        raise DeclarationError(f"{owner.name}: {declared.name} is of no known type: {inner}")
    if declared.name == "context" and not any(isinstance(note, LeadsTo) for note in notes):
        raise DeclarationError(f"{owner.name}: {declared.name} does not say that it leads there")
    if creates and kind is None:
        raise DeclarationError(f"{owner.name}: {declared.name} creates what is no object")
    return Parameter(
        name=declared.name,
        wire=_wire_names(owner, declared.name, kind, notes, creates=creates),
        value_type=inner,
        default=declared.default,
        many=many,
        kind=kind,
        right=right,
        creates=creates,
        lists=Listing in notes,
        notes=notes,
    )


def _split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Take ``Annotated`` apart, however often it is nested, also below an optional."""
    hint, notes = _without_none(hint), ()
    while get_origin(hint) is Annotated:
        notes += tuple(hint.__metadata__)
        hint = _without_none(hint.__origin__)
    return hint, notes


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in {typing.Union, types.UnionType}:
        rest = [arg for arg in get_args(hint) if arg is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return hint


def _wire_names(
    owner: Operation, name: str, kind: Kind | None, notes: tuple[Any, ...], *, creates: bool
) -> tuple[str, ...]:
    named = next((note.name for note in notes if isinstance(note, Named)), None)
    if named is not None:
        return (named,)
    placeholders = {p for route in owner.routes for p in route.placeholders}
    if kind is not None and (creates or set(kind.wire) <= placeholders):
        return kind.wire
    head, *tail = name.split("_")
    return (head + "".join(word.capitalize() for word in tail),)


def _strongest(parameters: tuple[Parameter, ...]) -> Right | None:
    order = list(Right)
    rights = [parameter.right for parameter in parameters if parameter.right is not None]
    return max(rights, key=order.index, default=None)
