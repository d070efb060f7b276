"""What a client may rely on, as flat facts, so that a change of any of them is seen.

`api.json` holds the facts of the last release. What stands there has to stay as it is; more may
come. Where a change is meant, it is a new API version (`stasisd/operations/version.py`), and
`python -m tests.compatibility.stability` takes the present facts over.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from stasisd.bindings.documents.openapi import openapi
from stasisd.operations import OPERATIONS

KEPT = Path(__file__).with_name("api.json")
Facts = Mapping[str, Any]


def facts() -> dict[str, Any]:
    """All facts, by what they are about."""
    document = openapi(OPERATIONS.values())
    return dict(_facts(document))


def _facts(document: Any) -> Iterator[tuple[str, Any]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shared = document["components"]["parameters"]
            yield from _operation(f"{method.upper()} {path}", operation, shared)
    for name, schema in document["components"]["schemas"].items():
        yield from _model(name, schema)
    for name in document["webhooks"]:
        yield f"event {name}", True


def _operation(name: str, operation: Any, shared: Any) -> Iterator[tuple[str, Any]]:
    yield name, operation["operationId"]
    for declared in operation["parameters"]:
        reference = declared.get("$ref")
        parameter = shared[reference.rpartition("/")[2]] if reference else declared
        where = f"{name} {parameter['in']} {parameter['name']}"
        yield from _value(where, parameter["schema"], required=parameter["required"])
    body = operation.get("requestBody")
    if body is not None:
        schema = body["content"]["application/json"]["schema"]
        for field, of in schema["properties"].items():
            required = field in schema.get("required", ())
            yield from _value(f"{name} body {field}", of, required=required)
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json", {})
        yield f"{name} answers {status}", content.get("schema")


def _value(where: str, schema: Any, *, required: bool) -> Iterator[tuple[str, Any]]:
    """The type and default as they are; each allowed value by itself, so that more may come."""
    rest = {key: value for key, value in schema.items() if key != "enum"}
    yield where, {**rest, "required": required}
    for allowed in schema.get("enum", ()):
        yield f"{where} may be {allowed}", True


def _model(name: str, schema: Any) -> Iterator[tuple[str, Any]]:
    yield f"model {name}", True
    for field, of in schema.get("properties", {}).items():
        required = field in schema.get("required", ())
        yield from _value(f"model {name}.{field}", of, required=required)


def broken(before: Facts, now: Facts) -> list[str]:
    """What a client that relied on the facts of before would miss."""
    gone = [f"{name} is gone" for name in before if name not in now]
    changed = [
        f"{name} was {before[name]}, and is {now[name]}"
        for name in before
        if name in now and before[name] != now[name]
    ]
    added = [
        f"{name} is required, and was not there"
        for name, value in now.items()
        if name not in before and _is_demand(name, value, before)
    ]
    return gone + changed + added


def _is_demand(name: str, value: Any, before: Facts) -> bool:
    """A new parameter that an operation of before wants."""
    words = name.split()
    known = " ".join(words[:2]) in before and words[0].isupper()
    return known and isinstance(value, dict) and value.get("required") is True


def load() -> Facts:
    """The facts of the last release."""
    kept: Facts = msgspec.json.decode(KEPT.read_bytes())
    return kept


if __name__ == "__main__":
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(facts()), indent=0) + b"\n")
