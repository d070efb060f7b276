"""The reference of the operations, from their declarations."""

import typing
from typing import Any, Literal

from stasisd.bindings.ari.errors import STATUS
from stasisd.core import causes
from stasisd.operations import OPERATIONS, Operation, errors
from stasisd.operations.declare import OneOf, Operating, Parameter, Required, Route, Within
from tests.docs.tables import code, first_line, table

TYPES: dict[Any, str] = {str: "text", int: "whole number", bool: "true or false"}


def _resources() -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    for operation in OPERATIONS.values():
        found.setdefault(operation.resource, []).append(operation)
    return found


def routes() -> str:
    """A table for each resource: operation, method, path, right and summary."""
    return "\n".join(
        f"### {resource}\n\n"
        + table(
            ("operation", "request", "right", "what it does"),
            [row for operation in found for row in _routes(operation)],
        )
        for resource, found in sorted(_resources().items())
    )


def _routes(operation: Operation) -> list[tuple[str, str, str, str]]:
    assert operation.right is not None
    return [
        (
            code(f"{operation.resource}.{route.nickname}"),
            code(f"{route.method} {route.path}"),
            ("operator, " if operation.for_operators else "") + operation.right.value,
            operation.summary,
        )
        for route in operation.routes
    ]


def parameters() -> str:
    """A table of all parameters that do not stand in every path of their operation."""
    rows = [
        (
            code(operation.name),
            code(parameter.wire[-1]),
            _type(parameter),
            _default(parameter, operation.routes),
        )
        for _, found in sorted(_resources().items())
        for operation in found
        for parameter in operation.parameters
        if _is_asked_for(operation, parameter)
    ]
    return table(("operation", "parameter", "type", "default"), rows)


def _is_asked_for(operation: Operation, parameter: Parameter) -> bool:
    if parameter.lists or parameter.value_type in {Within, Operating}:
        return False
    everywhere = set.intersection(*(set(route.placeholders) for route in operation.routes))
    return not set(parameter.wire) <= everywhere


def _type(parameter: Parameter) -> str:
    one_of = parameter.note(OneOf)
    if one_of is not None:
        return "one of " + ", ".join(map(code, one_of.values))
    if parameter.kind is not None and parameter.kind.name == "application":
        what = "name of an application"
    elif parameter.creates:
        what = f"{_called(parameter)} of the new {_kind(parameter)}"
    elif parameter.kind is not None:
        what = (
            _kind(parameter) if parameter.kind.name == "source" else f"id of a {_kind(parameter)}"
        )
    elif typing.get_origin(parameter.value_type) is Literal:
        what = "one of " + ", ".join(map(code, typing.get_args(parameter.value_type)))
    elif typing.get_origin(parameter.value_type) is dict:
        what = "JSON object"
    else:
        what = TYPES[parameter.value_type]
    return f"list of {what}" if parameter.many else what


def _kind(parameter: Parameter) -> str:
    assert parameter.kind is not None
    return {"source": "event source"}.get(parameter.kind.name, parameter.kind.name)


def _default(parameter: Parameter, routes: tuple[Route, ...]) -> str:
    if parameter.note(Required) is not None:
        return "required"
    in_a_path = any(set(parameter.wire) <= set(route.placeholders) for route in routes)
    if parameter.creates and (in_a_path or parameter.wire[-1].endswith("Id")):
        return "one is made"
    if parameter.required:
        return "required"
    if parameter.default in (None, "") or parameter.default == []:
        return "none"
    value = parameter.default
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def statuses() -> str:
    """The status of each condition, with what the condition means."""
    kinds = {
        error.kind: error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.OperationError)
    }
    rows = [
        (str(status), first_line(kinds[kind].__doc__)) for kind, status in sorted(STATUS.items())
    ]
    return table(("status", "when"), sorted(rows))


def hangup_reasons() -> str:
    """The reasons by name, with their Q.850 causes."""
    rows = [(code(name), str(cause), causes.text(cause)) for name, cause in causes.REASONS.items()]
    return table(("reason", "cause", "as text"), rows)


def _called(parameter: Parameter) -> str:
    return "name" if parameter.wire[-1].lower().endswith("name") else "id"
