"""OpenAPI 3.1 from the Swagger documents, and so from the same declarations.

What Swagger 1.1 can't say comes from the operations: which status a success has. Events are
webhooks: what stands there is what comes over the WebSocket, one message each.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stasisd.bindings.ari.event_models import EVENTS, OURS
from stasisd.bindings.ari.model import Model
from stasisd.operations.declare import Fields, Operation
from stasisd.operations.version import API_VERSION

from . import headers
from .swagger import LISTING, documents

Json = dict[str, Any]

NAME = "openapi.json"
UPGRADED = "101"
# A time as ARI writes it: its offset has no colon, so it is not RFC 3339's.
DATE = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}$",
    "examples": ["2026-11-23T21:40:48.123+0000"],
}
TYPES: Mapping[str, Json] = {
    "string": {"type": "string"},
    "int": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "double": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "Date": DATE,
    "object": {"type": "object"},
    "containers": {"type": "object"},
}
ERROR: Json = {
    "type": "object",
    "description": "What went wrong. Older clients know one of `message` and `error`.",
    "properties": {
        "message": {"type": "string"},
        "error": {"type": "string"},
        "detail": {"type": "string", "description": "More than that, for people."},
    },
}
SECURITY: Json = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "digest": {"type": "http", "scheme": "digest"},
    "apiKey": {
        "type": "apiKey",
        "in": "query",
        "name": "api_key",
        "description": "`user:password`, or a token.",
    },
}
# What any operation may answer.
ALWAYS: Mapping[int, str] = {
    400: "A parameter is missing or can't be understood.",
    401: "Nobody known asked.",
    403: "Who asked may not do this.",
    429: "Too many wrong passwords came from there: `Retry-After` says when to ask again.",
    500: "It was tried and could not be done.",
    503: "The server is shutting down.",
}


def openapi(operations: Iterable[Operation]) -> Json:
    """The document, without the `servers` that depend on the host."""
    declared = {
        (operation.resource, route.nickname): operation
        for operation in operations
        for route in operation.routes
    }
    described = documents(dict.fromkeys(declared.values()), own=True)
    paths: Json = {}
    schemas: Json = {"Error": ERROR}
    for file, document in described.items():
        if file == LISTING:
            continue
        resource = file.removesuffix(".json")
        for api in document["apis"]:
            for written in api["operations"]:
                operation = declared[resource, written["nickname"]]
                method = written["httpMethod"].lower()
                paths.setdefault(api["path"], {})[method] = _operation(resource, written, operation)
        schemas |= {name: _schema(model) for name, model in document["models"].items()}
    schemas |= {name: _model(model) for name, model in OURS.items()}
    schemas |= {name: _event(name, schemas) for name in (*EVENTS, *OURS)}
    schemas["AnyEvent"] = _any_event()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Asterisk REST Interface, by stasisd",
            "version": API_VERSION,
        },
        "security": [{name: []} for name in SECURITY],
        "paths": paths,
        "webhooks": {name: _webhook(name) for name in (*EVENTS, *OURS)},
        "components": {
            "schemas": schemas,
            "parameters": headers.PARAMETERS,
            "headers": headers.HEADERS,
            "securitySchemes": SECURITY,
        },
    }


# --- operations


def _operation(resource: str, written: Json, operation: Operation) -> Json:
    parameters = written["parameters"]
    made: Json = {
        "operationId": f"{resource}_{written['nickname']}",
        "tags": [resource],
        "summary": written["summary"],
        "parameters": [
            *(_parameter(p) for p in parameters if p["paramType"] != "body"),
            *headers.of_request(operation),
        ],
        "responses": _responses(written, operation),
    }
    bodies = [parameter for parameter in parameters if parameter["paramType"] == "body"]
    fields = next((p.note(Fields) for p in operation.parameters if p.note(Fields)), None)
    if fields is not None:
        made["requestBody"] = _lists(fields.names)
    elif bodies:
        made["requestBody"] = _body(bodies)
    return made


def _parameter(written: Json) -> Json:
    value = _value(written)
    made: Json = {
        "name": written["name"],
        "in": written["paramType"],
        "required": written["required"],
        "schema": {"type": "array", "items": value} if written["allowMultiple"] else value,
    }
    if written["allowMultiple"]:
        made |= {"style": "form", "explode": False}
    return made


def _value(written: Json) -> Json:
    value = dict(TYPES[written["dataType"]])
    allowed = written.get("allowableValues")
    if allowed is not None and allowed["valueType"] == "LIST":
        value["enum"] = allowed["values"]
    elif allowed is not None:
        value["minimum"] = allowed["min"]
    if "defaultValue" in written:
        value["default"] = written["defaultValue"]
    return value


def _body(parameters: list[Json]) -> Json:
    required = [parameter["name"] for parameter in parameters if parameter["required"]]
    schema: Json = {
        "type": "object",
        "properties": {parameter["name"]: _in_body(parameter) for parameter in parameters},
    }
    if required:
        schema["required"] = required
    content = {"application/json": {"schema": schema}}
    return {"required": bool(required), "content": content}


def _lists(names: Iterable[str]) -> Json:
    """A body that is an object of lists, each of them of objects."""
    objects = {"type": "array", "items": {"type": "object"}}
    schema = {"type": "object", "properties": dict.fromkeys(names, objects)}
    return {"required": False, "content": {"application/json": {"schema": schema}}}


def _in_body(written: Json) -> Json:
    if written["name"] == "fields":
        return {"type": "array", "items": {"$ref": "#/components/schemas/ConfigTuple"}}
    return _value(written)


def _responses(written: Json, operation: Operation) -> Json:
    own = {each["code"]: each["reason"] for each in written["errorResponses"]}
    errors = {**ALWAYS, **headers.refusals(operation), **own}
    failures = {
        str(code): {"description": reason, "content": _content("Error")}
        for code, reason in sorted(errors.items())
    }
    answers = _success(written["responseClass"], operation) | failures
    told = headers.of_answer(operation)
    return {
        status: answer if status == UPGRADED else {**answer, "headers": told}
        for status, answer in answers.items()
    }


def _success(returned: str, operation: Operation) -> Json:
    if returned == "Message":
        return {UPGRADED: {"description": "The connection becomes a WebSocket of events."}}
    if returned == "binary":
        return {
            "200": {
                "description": "The file.",
                "content": {"application/octet-stream": {}},
            }
        }
    if returned == "void":
        status = "202" if operation.accepted else "204"
        return {status: {"description": "It is begun." if operation.accepted else "It is done."}}
    status = "201" if operation.location else "200"
    return {status: {"description": returned, "content": _content(returned)}}


def _content(of_type: str) -> Json:
    return {"application/json": {"schema": _reference(of_type)}}


# --- models


def _reference(of_type: str) -> Json:
    several = re.fullmatch(r"List\[(\w+)\]", of_type)
    if several is not None:
        return {"type": "array", "items": _reference(several[1])}
    if of_type in TYPES:
        return dict(TYPES[of_type])
    if of_type in LOOSE:
        return LOOSE[of_type]
    return {"$ref": f"#/components/schemas/{of_type}"}


# Results that are no models of their own in ARI's documents.
LOOSE: Mapping[str, Json] = {
    "Variable": {
        "type": "object",
        "properties": {"value": {"type": "string"}},
        "required": ["value"],
    },
    "Variables": {
        "type": "object",
        "properties": {"variables": {"type": "object", "additionalProperties": {"type": "string"}}},
        "required": ["variables"],
    },
}


def _schema(model: Json) -> Json:
    required = [name for name, of in model["properties"].items() if of["required"]]
    schema: Json = {
        "type": "object",
        "properties": {name: _property(of) for name, of in model["properties"].items()},
    }
    return schema | ({"required": required} if required else {})


# What events have beyond ARI: their number in the application, and the id of their request.
NUMBERED: Mapping[str, Json] = {
    "sequence": {"type": "integer", "format": "int64"},
    "caused_by": {"type": "string"},
}


def _model(model: Model) -> Json:
    """A model of ours, which ARI's documents do not have."""
    properties = {field: _reference(of_type) for field, of_type in model.fields.items()}
    return {"type": "object", "properties": properties, "required": list(model.required)}


def _event(name: str, schemas: Json) -> Json:
    """An event with all its fields: generators of clients do better without inheritance."""
    parts = [schemas["Message"], schemas["Event"], schemas[name]]
    properties: Json = {}
    required: list[str] = []
    for part in parts:
        properties |= part["properties"]
        required += part.get("required", [])
    return {
        "type": "object",
        "properties": {**properties, **NUMBERED, "type": {"type": "string", "const": name}},
        "required": required,
    }


def _any_event() -> Json:
    """What comes over the WebSocket, told apart by its type."""
    known = {name: f"#/components/schemas/{name}" for name in (*EVENTS, *OURS)}
    return {
        "oneOf": [{"$ref": path} for path in known.values()],
        "discriminator": {"propertyName": "type", "mapping": known},
    }


def _property(of: Json) -> Json:
    made = _reference(of["type"])
    allowed = of.get("allowableValues")
    return made if allowed is None else {**made, "enum": allowed["values"]}


def _webhook(name: str) -> Json:
    return {
        "post": {
            "operationId": f"on{name}",
            "tags": ["events"],
            "requestBody": {"required": True, "content": _content(name)},
            "responses": {"204": {"description": "Nothing is answered: it came by a WebSocket."}},
        }
    }
