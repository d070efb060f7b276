"""The OpenAPI document: valid, complete, and what the answers are."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from stasisd.bindings.ari import request_ids
from stasisd.bindings.ari.event_models import EVENTS, OURS
from stasisd.bindings.ari.models import MODELS
from stasisd.bindings.ari.own_models import OWN_MODELS
from stasisd.bindings.documents import SwaggerDocuments, headers
from stasisd.bindings.documents.openapi import NAME, openapi
from stasisd.operations import OPERATIONS, idempotency
from stasisd.operations.version import API_VERSION

DOCUMENT: dict[str, Any] = openapi(OPERATIONS.values())


def served(host: str) -> dict[str, Any]:
    documents = SwaggerDocuments(OPERATIONS.values(), host="127.0.0.1:8088")
    found = documents(NAME, host)
    assert found is not None
    return msgspec.json.decode(found, type=dict[str, Any])


def test_a_public_validator_takes_it() -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(served("pbx.example:8088"), cls=validator.OpenAPIV31SpecValidator)


def test_it_says_where_it_is_served() -> None:
    document = served("pbx.example:8088")
    assert document["servers"] == [{"url": "http://pbx.example:8088/ari"}]
    assert served("no host!")["servers"] == [{"url": "http://127.0.0.1:8088/ari"}]
    assert {**document, "servers": []} == {**DOCUMENT, "servers": []}
    assert document["info"]["version"] == API_VERSION


def test_every_operation_is_there_once() -> None:
    described = [
        (method.upper(), path, operation["operationId"])
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
    ]
    declared = [
        (route.method, route.path, f"{operation.resource}_{route.nickname}")
        for operation in OPERATIONS.values()
        for route in operation.routes
    ]
    assert sorted(described) == sorted(declared)
    assert len({name for *_, name in described}) == len(described)


def test_every_event_is_a_webhook() -> None:
    assert DOCUMENT["webhooks"].keys() == {*EVENTS, *OURS}
    for name in (*EVENTS, *OURS):
        event = DOCUMENT["components"]["schemas"][name]
        assert event["properties"]["type"]["const"] == name
        assert {"type", "application", "timestamp", "asterisk_id"} <= event["properties"].keys()
        assert {"sequence", "caused_by"} <= event["properties"].keys()
        assert not {"sequence", "caused_by"} & set(event["required"])


def test_every_model_is_a_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"].keys()
    assert schemas == {"AnyEvent", "Error", *MODELS, *OWN_MODELS, *OURS}


def test_the_filter_of_events_is_a_body_of_two_lists() -> None:
    asked = DOCUMENT["paths"]["/applications/{applicationName}/eventFilter"]["put"]
    schema = asked["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"].keys() == {"allowed", "disallowed"}
    assert [p["name"] for p in asked["parameters"] if "name" in p] == ["applicationName"]


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/channels", "get", "200"),
        ("/channels/{channelId}/play", "post", "201"),
        ("/channels/{channelId}/answer", "post", "204"),
        ("/endpoints/sendMessage", "put", "202"),
        ("/events", "get", "101"),
        ("/recordings/stored/{recordingName}/file", "get", "200"),
    ],
)
def test_the_status_of_a_success(path: str, method: str, status: str) -> None:
    responses = DOCUMENT["paths"][path][method]["responses"]
    assert [code for code in responses if code < "300"] == [status]


def test_parameters() -> None:
    play = DOCUMENT["paths"]["/channels/{channelId}/play"]["post"]
    named = {p["name"]: p for p in play["parameters"] if "name" in p}
    assert named["channelId"] == {
        "name": "channelId",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
    }
    assert named["media"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert (named["media"]["style"], named["media"]["explode"]) == ("form", False)
    assert named["skipms"]["schema"]["default"] == 3000
    state = DOCUMENT["paths"]["/deviceStates/{deviceName}"]["put"]["parameters"][1]["schema"]
    assert "ONHOLD" in state["enum"]
    update = DOCUMENT["paths"]["/asterisk/config/dynamic/{configClass}/{objectType}/{id}"]["put"]
    schema = update["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["fields"]["items"] == {"$ref": "#/components/schemas/ConfigTuple"}


@pytest.mark.parametrize(
    ("path", "method", "asked", "told"),
    [
        ("/channels", "get", {"X-Request-Id"}, {"X-Request-Id"}),
        (
            "/channels",
            "post",
            {"X-Request-Id", "Idempotency-Key"},
            {"X-Request-Id", "X-Event-Sequence", "Idempotency-Replayed"},
        ),
    ],
)
def test_headers_are_listed_where_they_act(
    path: str, method: str, asked: set[str], told: set[str]
) -> None:
    operation = DOCUMENT["paths"][path][method]
    shared = DOCUMENT["components"]["parameters"]
    named = {
        shared[p["$ref"].rpartition("/")[2]]["name"]
        for p in operation["parameters"][-2:]
        if "$ref" in p
    }
    assert named == asked
    assert all(response["headers"].keys() == told for response in operation["responses"].values())
    assert ("422" in operation["responses"]) == ("Idempotency-Key" in asked)


def test_the_forms_of_headers_are_those_that_are_taken() -> None:
    forms = {name: p["schema"]["pattern"] for name, p in headers.PARAMETERS.items()}
    assert forms == {
        "RequestId": f"^{request_ids._FIT.pattern}$",
        "IdempotencyKey": f"^{idempotency._KEY.pattern}$",
    }


def test_the_kept_copy_is_current() -> None:
    kept = Path(__file__).parents[3] / "docs" / "reference" / "api" / NAME
    assert msgspec.json.decode(kept.read_bytes()) == DOCUMENT, "run: python -m tests.docs.pages"
