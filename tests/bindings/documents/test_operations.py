"""Every declared operation is ARI's own, but for what is listed here with its reason.

`ari_operations.json` and `ari_models.json` are facts about ARI: names, places and types.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caps.access import Right
from stasisd.bindings.documents.swagger import LISTING, documents
from stasisd.core.channel import Channel
from stasisd.operations import OPERATIONS
from stasisd.operations.declare import Operation, Read, ReadTenant, Route

Json = dict[str, Any]

FACTS: list[Json] = msgspec.json.decode(
    Path(__file__).with_name("ari_operations.json").read_bytes()
)
ARI = {(fact["resource"], fact["nickname"]): fact for fact in FACTS}
DOCUMENTS = documents(OPERATIONS.values())

OUR_BOUND = "we check this bound, so we document it"
OURS = "ours: clients that do not know it hear what they would have heard"
ANSWERED_LATER = "when it is missing the operation itself answers, with ARI's own status"
OWNER = "ours: whose bridge it is, for tokens that are limited to applications"
WIDTH = "a whole number in JSON has no width"

DIFFERENCES = {
    "asterisk.getInfo only: values None, not ['build', 'config', 'status', 'system']": (
        "ARI ignores other values instead of refusing them"
    ),
    "bridges.create app: unknown": OWNER,
    "bridges.createWithId app: unknown": OWNER,
    "bridges.play media: required False, not True": ANSWERED_LATER,
    "bridges.playWithId media: required False, not True": ANSWERED_LATER,
    "bridges.record format: required False, not True": ANSWERED_LATER,
    "bridges.record name: required False, not True": ANSWERED_LATER,
    "channels.create app: required False, not True": "ARI makes the channel, which then ends",
    "channels.externalMedia encapsulation: values None, not ['audiosocket', 'none', 'rtp']": (
        "ARI answers other values with 501"
    ),
    "channels.externalMedia format: required False, not True": ANSWERED_LATER,
    "channels.externalMedia transport: values None, not ['tcp', 'udp', 'websocket']": (
        "which are possible depends on the encapsulation"
    ),
    "channels.originate priority: type 'int', not 'long'": WIDTH,
    "channels.originate timeout: values {'min': -1}, not None": OUR_BOUND,
    "channels.originateWithId priority: type 'int', not 'long'": WIDTH,
    "channels.originateWithId timeout: values {'min': -1}, not None": OUR_BOUND,
    "channels.play media: required False, not True": ANSWERED_LATER,
    "channels.play offsetms: values {'min': 0}, not None": OUR_BOUND,
    "channels.play skipms: values {'min': 0}, not None": OUR_BOUND,
    "channels.playWithId media: required False, not True": ANSWERED_LATER,
    "channels.playWithId offsetms: values {'min': 0}, not None": OUR_BOUND,
    "channels.playWithId skipms: values {'min': 0}, not None": OUR_BOUND,
    "channels.record format: required False, not True": ANSWERED_LATER,
    "channels.record name: required False, not True": ANSWERED_LATER,
    "channels.sendDTMF after: values {'min': 0}, not None": OUR_BOUND,
    "channels.sendDTMF before: values {'min': 0}, not None": OUR_BOUND,
    "channels.sendDTMF between: values {'min': 0}, not None": OUR_BOUND,
    "channels.sendDTMF dtmf: required True, not False": "ARI says so too, when it is missing",
    "channels.sendDTMF duration: values {'min': 0}, not None": OUR_BOUND,
    "channels.transfer_progress states: values ['channel_answered', 'channel_declined', "
    "'channel_progress', 'channel_unavailable'], not None": OUR_BOUND,
    "mailboxes.update newMessages: values {'min': 0}, not None": OUR_BOUND,
    "mailboxes.update oldMessages: values {'min': 0}, not None": OUR_BOUND,
    "events.eventWebsocket resume: unknown": OURS,
    "events.eventWebsocket orphans: unknown": OURS,
    "events.eventWebsocket observe: unknown": OURS,
    "events.eventWebsocket worker: unknown": OURS,
    "events.eventWebsocket share: unknown": OURS,
    "recordings.copyStored destinationRecordingName: required False, not True": ANSWERED_LATER,
}


def documented() -> Iterator[tuple[str, str, Json]]:
    """Each documented operation with its resource and path."""
    for name, document in DOCUMENTS.items():
        if name != LISTING:
            for api in document["apis"]:
                for operation in api["operations"]:
                    yield name.removesuffix(".json"), api["path"], operation


def values_of(parameter: Json) -> Any:
    allowable = parameter.get("allowableValues")
    if allowable is None:
        return None
    if allowable["valueType"] == "RANGE":
        return {"min": allowable["min"]}
    return sorted(allowable["values"])


def as_facts(parameter: Json) -> Json:
    return {
        "place": parameter["paramType"],
        "type": parameter["dataType"],
        "required": parameter["required"],
        "multiple": parameter["allowMultiple"],
        "values": values_of(parameter),
    }


def facts_of(fact: Json) -> Json:
    """A fact in the same shape; what it leaves out is as Swagger says: single, path required."""
    values = fact.get("allowed")
    return {
        "place": fact["in"],
        "type": fact["type"],
        "required": fact.get("required", fact["in"] == "path"),
        "multiple": fact.get("allowMultiple", False),
        "values": sorted(values) if isinstance(values, list) else values,
    }


def differences(resource: str, path: str, operation: Json) -> Iterator[str]:
    name = f"{resource}.{operation['nickname']}"
    fact = ARI[resource, operation["nickname"]]
    ours = {parameter["name"]: parameter for parameter in operation["parameters"]}
    theirs = {parameter["name"]: parameter for parameter in fact["parameters"]}
    for field, value, expected in (
        ("method", operation["httpMethod"], fact["method"]),
        ("path", path, fact["path"]),
        ("returns", operation["responseClass"], fact["returns"]),
        ("upgrade", operation.get("upgrade"), fact.get("upgrade")),
        ("protocol", operation.get("websocketProtocol"), fact.get("websocketProtocol")),
    ):
        if value != expected:
            yield f"{name}: {field} {value!r}, not {expected!r}"
    yield from (f"{name} {parameter}: missing" for parameter in theirs.keys() - ours.keys())
    yield from (f"{name} {parameter}: unknown" for parameter in ours.keys() - theirs.keys())
    for parameter in ours.keys() & theirs.keys():
        expected = facts_of(theirs[parameter])
        for field, value in as_facts(ours[parameter]).items():
            if value != expected[field]:
                yield f"{name} {parameter}: {field} {value!r}, not {expected[field]!r}"
        default = theirs[parameter].get("defaultValue")
        if default is not None and ours[parameter].get("defaultValue") != default:
            yield f"{name} {parameter}: no default {default!r}"


def test_every_documented_operation_is_one_of_ari() -> None:
    ours = {(resource, operation["nickname"]) for resource, _, operation in documented()}
    assert ours - ARI.keys() == set()


def test_operations_differ_from_ari_only_as_listed() -> None:
    found = [line for entry in documented() for line in differences(*entry)]
    assert sorted(found) == sorted(DIFFERENCES)


def test_every_route_of_every_declared_operation_is_documented() -> None:
    declared = {
        (operation.resource, route.nickname)
        for operation in OPERATIONS.values()
        if operation.in_documents
        for route in operation.routes
    }
    assert {(resource, op["nickname"]) for resource, _, op in documented()} == declared


def test_errors_and_summaries_are_those_declared() -> None:
    for resource, _, written in documented():
        operation = OPERATIONS.get(f"{resource}.{written['nickname']}")
        if operation is not None:
            reasons = {error["code"]: error["reason"] for error in written["errorResponses"]}
            assert reasons == dict(operation.errors)
            assert written["summary"] == operation.summary


def test_the_listing_names_each_resource_once() -> None:
    listed = [api["path"] for api in DOCUMENTS[LISTING]["apis"]]
    assert sorted(listed) == sorted(
        f"/api-docs/{name.removesuffix('.json')}.{{format}}"
        for name in DOCUMENTS
        if name != LISTING
    )


# --- what this release declares nowhere


def declared(function: Any, **options: Any) -> Operation:
    routes = (Route("look", "GET", "/things/{channelId}"),)
    return Operation("things.look", function, routes, errors={}, **options)


def look(channel: Read[Channel], tenant: ReadTenant) -> None:
    """Look."""


def test_what_is_kept_out_of_the_documents_is_in_none() -> None:
    assert declared(look, in_documents=False).right is Right.READ
    assert documents([declared(look, in_documents=False)])[LISTING]["apis"] == []


def test_what_has_no_route_is_in_no_document() -> None:
    silent = Operation("things.look", look, (), errors={}, in_documents=True)
    assert documents([silent]).keys() == {LISTING}


def test_the_tenant_is_no_parameter() -> None:
    document = documents([declared(look, in_documents=True)])["things.json"]
    (parameter,) = document["apis"][0]["operations"][0]["parameters"]
    assert (parameter["name"], parameter["paramType"]) == ("channelId", "path")


def test_a_result_without_a_name_is_refused() -> None:
    def count(tenant: ReadTenant) -> float:
        return 0.0

    with pytest.raises(Exception, match="has no name in ARI's documents"):
        documents([declared(count, in_documents=True)])


EMPTY: list[str] = []


def test_only_defaults_that_tell_something_are_documented() -> None:
    def look(
        tenant: ReadTenant, a: int = 0, b: bool = False, c: str = "", d: list[str] = EMPTY
    ) -> None:
        """Look."""

    document = documents([declared(look, in_documents=True)])["things.json"]
    parameters = document["apis"][0]["operations"][0]["parameters"]
    stated = {p["name"]: p["defaultValue"] for p in parameters if "defaultValue" in p}
    assert stated == {"a": 0, "b": False}
