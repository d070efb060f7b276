"""The table of ARI's operations: which there are, how each is tested, and where they differ."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stasisd.bindings.ari.models import MODELS
from stasisd.operations import OPERATIONS, Operation
from tests.bindings.documents import test_models, test_operations
from tests.compatibility.recording import FOLDER, load
from tests.docs.tables import code, table

TESTS = Path(__file__).parent.parent
# What no recording asks for, and a test of its own does. All others have the test of the gate.
ASTERISK = "bindings/rest/test_asterisk.py::test_"
MAILBOX = "bindings/rest/test_states.py::test_a_mailbox"
MESSAGES = "technologies/sip/test_messages.py::test_"
PLACES = "operations/test_channel_places.py::test_"
TRANSFERS = "technologies/sip/test_left_transfers.py::test_"
OVER_HTTP = "operations/test_over_http.py::test_"
EXERCISED: Mapping[str, str] = {
    "applications.filter": (
        "bindings/rest/test_events.py::test_a_filter_lets_some_types_of_events_through"
    ),
    "asterisk.addLog": f"{ASTERISK}a_log_channel",
    "asterisk.deleteObject": f"{ASTERISK}an_endpoint_is_made_changed_and_deleted",
    "asterisk.loadModule": f"{ASTERISK}the_parts_of_the_server",
    "asterisk.rotateLog": f"{ASTERISK}a_log_channel",
    "asterisk.unloadModule": f"{ASTERISK}the_parts_of_the_server",
    "asterisk.updateObject": f"{ASTERISK}an_endpoint_is_made_changed_and_deleted",
    "bridges.getBridgeVars": f"{OVER_HTTP}variables_of_a_bridge",
    "bridges.playWithId": f"{OVER_HTTP}a_bridge_plays",
    "bridges.setBridgeVars": f"{OVER_HTTP}variables_of_a_bridge",
    "channels.move": f"{PLACES}the_channel_ends_here_and_starts_there",
    "channels.originateWithId": f"{OVER_HTTP}a_channel_with_an_id_of_the_programs",
    "channels.redirect": f"{TRANSFERS}an_answered_phone_is_sent_elsewhere",
    "channels.ringStop": f"{OVER_HTTP}ringing_and_no_more",
    "channels.snoopChannel": "operations/test_snoop.py::test_both_forms",
    "channels.snoopChannelWithId": "operations/test_snoop.py::test_both_forms",
    "channels.transfer_progress": f"{TRANSFERS}an_application_does_the_transfer",
    "events.claimChannel": "core/test_broadcast.py::test_the_first_that_claims_has_the_call",
    "recordings.cancel": f"{OVER_HTTP}a_recording_that_is_cancelled",
    "endpoints.refer": f"{MESSAGES}a_phone_is_asked_to_call",
    "endpoints.referToEndpoint": f"{MESSAGES}a_phone_is_asked_to_call",
    "endpoints.sendMessageToEndpoint": f"{MESSAGES}a_phone_is_sent_a_text",
    "mailboxes.delete": MAILBOX,
    "mailboxes.get": MAILBOX,
    "mailboxes.list": MAILBOX,
    "mailboxes.update": MAILBOX,
}
GUARD = "test_capability_matrix.py::test_a_token_for_exactly_this"
HOLE = re.compile(r"\\\{[^}]*\\\}")


def _declared() -> dict[tuple[str, str], Operation]:
    return {
        (operation.resource, route.nickname): operation
        for operation in OPERATIONS.values()
        if operation.in_documents
        for route in operation.routes
    }


def summary() -> str:
    """How many of ARI's operations and models there are."""
    declared, facts = _declared(), test_operations.ARI
    models = test_models.FACTS
    return (
        f"{len(facts.keys() & declared.keys())} of {len(facts)} operations, "
        f"{len(models.keys() & MODELS.keys())} of {len(models)} models.\n"
    )


def operations() -> str:
    """Each operation of ARI, what asks for it in our tests, and what is different."""
    declared, recorded = _declared(), _recorded()
    rows = []
    for (resource, nickname), fact in sorted(test_operations.ARI.items()):
        route = (fact["method"], fact["path"])
        there = (resource, nickname) in declared
        rows.append(
            (
                code(f"{resource}.{nickname}"),
                "yes" if there else "no",
                _exercise(f"{resource}.{nickname}", recorded.get(route, [])) if there else "",
                "; ".join(_differences(resource, fact, declared)) if there else "",
            )
        )
    return table(("operation", "there", "exercised by", "different"), rows)


def _exercise(name: str, recordings: list[str]) -> str:
    """The recordings that are replayed, or the test that asks for the operation."""
    if recordings:
        return ", ".join(recordings)
    return code(EXERCISED.get(name, GUARD))


def absent_models() -> str:
    """The models of ARI that no answer and no event has yet."""
    missing = sorted(test_models.FACTS.keys() - MODELS.keys())
    return ", ".join(map(code, missing)) + "\n" if missing else "None.\n"


def _differences(
    resource: str, fact: Mapping[str, Any], declared: Mapping[tuple[str, str], Operation]
) -> Iterator[str]:
    name = f"{resource}.{fact['nickname']}"
    for line, reason in sorted(test_operations.DIFFERENCES.items()):
        if re.match(rf"{re.escape(name)}[ :]", line):
            yield f"{line.removeprefix(name).strip(' :')} ({reason})"
    theirs = {int(error["code"]) for error in fact["errors"]}
    ours = set(declared[resource, fact["nickname"]].errors)
    for status in sorted(theirs - ours):
        yield f"{status} is not documented"
    more = ", ".join(map(str, sorted(ours - theirs)))
    if more:
        yield f"{more} documented, too"


def _matches() -> list[tuple[re.Pattern[str], tuple[str, str]]]:
    """Patterns of the paths of all operations, those without parameters first."""
    routes = {(fact["method"], fact["path"]) for fact in test_operations.FACTS}
    return [
        (re.compile(HOLE.sub("[^/]+", re.escape(f"/ari{path}"))), (method, path))
        for method, path in sorted(routes, key=lambda route: route[1].count("{"))
    ]


def _operation_of(
    patterns: list[tuple[re.Pattern[str], tuple[str, str]]], method: str, path: str
) -> tuple[str, str] | None:
    return next(
        (route for pattern, route in patterns if route[0] == method and pattern.fullmatch(path)),
        None,
    )


def _recorded() -> dict[tuple[str, str], list[str]]:
    """The recordings that ask for each operation."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    patterns = _matches()
    for path in sorted(FOLDER.glob("*.jsonl")):
        for line in load(path.stem):
            target = line.target or line.request
            method = line.method or "GET"
            route = _operation_of(patterns, method, urlsplit(target).path) if target else None
            if route is not None:
                found.setdefault(route, {})[path.stem] = None
    return {route: list(names) for route, names in found.items()}
