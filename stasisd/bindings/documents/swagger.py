"""Swagger 1.1 from the declarations of the operations and the models of ARI.

What clients take from the documents, and break without:

- npm's `ari-client` (swagger-client 2.0) names a resource after the last segment of its path in
  the listing, less `.{format}`; a listing with a `resourcePath` would be taken for a resource.
  Every parameter needs a `dataType`. An object puts its own id only into parameters that are
  `required`. An event without a model in `events` ends the client.
- PyPI's `asyncari` (asyncswagger11) accepts version 1.1 alone, and insists on `description` and
  `path` in the listing, `resourcePath` and `models` in each resource, `required` in each
  parameter and `id` in each model. It opens its socket by the nickname `eventWebsocket`, which
  has to say `upgrade`, and finds the objects of an event by the types of its model's properties.
"""

from collections.abc import Iterable, Mapping
from inspect import Signature
from typing import Any

from stasisd.bindings.ari.model import Model
from stasisd.bindings.ari.models import MODELS
from stasisd.bindings.ari.own_models import OWN_MODELS
from stasisd.bindings.ari.results import result_type
from stasisd.operations.declare import AtLeast, Fields, OneOf, Operation, Parameter, Required, Route
from stasisd.operations.events import Hearing
from stasisd.operations.version import API_VERSION

Json = dict[str, Any]

FOLDER = "/api-docs"
LISTING = "resources.json"
# The subprotocol that clients are told to offer.
WEBSOCKET_PROTOCOL = "ari"
# Defaults that tell a client nothing; a list that was not given is empty, too.
NO_DEFAULT = (Signature.empty, None, "")
# A mapping of names to values comes in a JSON body; everything else is a query parameter.
TYPES: Mapping[Any, str] = {str: "string", int: "int", bool: "boolean"}


def documents(operations: Iterable[Operation], *, own: bool = False) -> dict[str, Json]:
    """All documents by their file names, without the `basePath` that depends on the host.

    ``own`` adds the operations that ARI does not have.
    """
    by_resource: dict[str, list[Operation]] = {}
    for operation in operations:
        if (operation.in_documents or own) and operation.routes:
            by_resource.setdefault(operation.resource, []).append(operation)
    listed = [
        {"path": _resource_path(name), "description": f"Operations on {name}"}
        for name in by_resource
    ]
    declarations = {f"{name}.json": _resource(name, found) for name, found in by_resource.items()}
    return {LISTING: {**_head(), "apis": listed}, **declarations}


def _head() -> Json:
    return {"apiVersion": API_VERSION, "swaggerVersion": "1.1"}


def _resource_path(resource: str) -> str:
    return f"{FOLDER}/{resource}.{{format}}"


def _resource(resource: str, operations: Iterable[Operation]) -> Json:
    paths: dict[str, list[Json]] = {}
    for operation in operations:
        for route in operation.routes:
            paths.setdefault(route.path, []).append(_operation(operation, route))
    return {
        **_head(),
        "resourcePath": _resource_path(resource),
        "apis": [{"path": path, "operations": found} for path, found in paths.items()],
        "models": {
            name: _model(name, model)
            for name, model in {**MODELS, **OWN_MODELS}.items()
            if model.resource == resource
        },
    }


# --- operations


def _operation(operation: Operation, route: Route) -> Json:
    written: Json = {
        "httpMethod": route.method,
        "nickname": route.nickname,
        "summary": operation.summary,
        "responseClass": result_type(operation.returns),
        "parameters": [
            written
            for parameter in operation.parameters
            for written in _parameters(parameter, route)
        ],
        "errorResponses": [
            {"code": code, "reason": reason} for code, reason in sorted(operation.errors.items())
        ],
    }
    if operation.returns is Hearing:
        written |= {"upgrade": "websocket", "websocketProtocol": WEBSOCKET_PROTOCOL}
    return written


def _parameters(parameter: Parameter, route: Route) -> list[Json]:
    """What a client gives for one declared parameter: an endpoint's name comes in two parts.

    The tenant, and the list of all that the grant may read, are given by the gate alone.
    """
    if parameter.lists or (parameter.right is not None and parameter.kind is None):
        return []
    return [_parameter(parameter, name, route) for name in parameter.wire]


def _parameter(parameter: Parameter, name: str, route: Route) -> Json:
    in_path = name in route.placeholders
    written: Json = {
        "name": name,
        "paramType": "path" if in_path else _place(parameter),
        "dataType": _data_type(parameter),
        "required": in_path or _required(parameter),
        # In a body, a list is one value.
        "allowMultiple": parameter.many and not _is_mapping(parameter),
    }
    if not parameter.many and parameter.default not in NO_DEFAULT:
        written["defaultValue"] = parameter.default
    allowed = _allowable(parameter)
    if allowed is not None:
        written["allowableValues"] = allowed
    return written


def _is_mapping(parameter: Parameter) -> bool:
    return getattr(parameter.value_type, "__origin__", None) is dict


def _place(parameter: Parameter) -> str:
    return "body" if _is_mapping(parameter) else "query"


def _data_type(parameter: Parameter) -> str:
    """Objects are given by name, and a choice among words is a word."""
    if parameter.note(Fields) is not None:
        return "object"
    return "containers" if _is_mapping(parameter) else TYPES.get(parameter.value_type, "string")


def _required(parameter: Parameter) -> bool:
    """Whether a client must give it; the id of a new object may be left to the gate."""
    if parameter.creates:
        return parameter.note(Required) is not None
    return parameter.required


def _allowable(parameter: Parameter) -> Json | None:
    one_of = parameter.note(OneOf)
    if one_of is not None:
        return {"valueType": "LIST", "values": list(one_of.values)}
    least = parameter.note(AtLeast)
    return {"valueType": "RANGE", "min": least.least} if least is not None else None


# --- models


def _model(name: str, model: Model) -> Json:
    written: Json = {
        "id": name,
        "properties": {
            field: _property(model, field, of_type) for field, of_type in model.fields.items()
        },
    }
    if model.subtypes:
        written["subTypes"] = list(model.subtypes)
    if model.discriminator is not None:
        written["discriminator"] = model.discriminator
    return written


def _property(model: Model, field: str, of_type: str) -> Json:
    written: Json = {"type": of_type, "required": field in model.required}
    if field in model.values:
        written["allowableValues"] = {"valueType": "LIST", "values": list(model.values[field])}
    return written
