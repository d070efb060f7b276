"""The headers of requests and answers that are ours beyond ARI, as OpenAPI describes them."""

from collections.abc import Mapping
from typing import Any

from caps.access import Right
from stasisd.operations.declare import Operation

Json = dict[str, Any]

# Of a request, by the names that operations refer to.
PARAMETERS: Mapping[str, Json] = {
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "description": (
            "Names the request. The answer repeats it, and the events that the request causes"
            " carry it as `caused_by`. Where it is missing or not of this form, one is made."
        ),
        "schema": {"type": "string", "pattern": r"^[A-Za-z0-9._~:/+=@-]{1,128}$"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "Makes the request safe to repeat: within an hour the same request with the same key"
            " does nothing, and has the answer of the first."
        ),
        "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
    },
}

# Of an answer.
HEADERS: Mapping[str, Json] = {
    "RequestId": {
        "description": "The id of the request: its own, or one that was made.",
        "schema": {"type": "string"},
    },
    "EventSequence": {
        "description": (
            "The `sequence` of the last event that the request has caused, in each application"
            " that heard any: `demo=1795470049123456`, several joined by commas."
        ),
        "schema": {"type": "string"},
    },
    "IdempotencyReplayed": {
        "description": "`true` where the answer is that of an earlier request with the same key.",
        "schema": {"type": "string", "const": "true"},
    },
}


def of_request(operation: Operation) -> list[Json]:
    """The parameters that say which headers a request for this operation may have."""
    named = ["RequestId", *(["IdempotencyKey"] if _changes(operation) else [])]
    return [{"$ref": f"#/components/parameters/{name}"} for name in named]


def of_answer(operation: Operation) -> Json:
    """The headers that an answer to a request for this operation may have."""
    always = {"X-Request-Id": "RequestId"}
    remarks = {"X-Event-Sequence": "EventSequence", "Idempotency-Replayed": "IdempotencyReplayed"}
    named = {**always, **remarks} if _changes(operation) else always
    return {header: {"$ref": f"#/components/headers/{name}"} for header, name in named.items()}


def refusals(operation: Operation) -> Mapping[int, str]:
    """What an operation may answer to the headers of a request."""
    return {422: "The Idempotency-Key was used for another request."} if _changes(operation) else {}


def _changes(operation: Operation) -> bool:
    return operation.right is not Right.READ
