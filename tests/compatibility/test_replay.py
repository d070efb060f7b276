"""The recordings that this release covers, replayed: what differs is in `differences.py`."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from tests.compatibility.differences import DIFFERENCES, PAGE, Excuses, page
from tests.compatibility.matching import Names, Problem
from tests.compatibility.recording import FOLDER, Line, load
from tests.compatibility.replay import Asked, Replay
from tests.compatibility.target import target
from tests.support.clock import jumping_clock
from tests.support.server import ORIGIN, READER

pytestmark = jumping_clock

LONGEST = 400  # characters of one problem that are worth printing
SCENARIOS = sorted(path.stem for path in FOLDER.glob("*.jsonl"))

PREFLIGHT = {"access-control-request-method": "POST"}
# What the recordings do not show of some requests.
ASKED = {
    "http_errors": {
        0: Asked(user=None),
        1: Asked(user="conf:wrong"),
        12: Asked(headers={"origin": ORIGIN, **PREFLIGHT}),
        13: Asked(headers={"origin": "http://bad.example", **PREFLIGHT}),
        14: Asked(user=READER),
        15: Asked(user=READER),
    },
    "endpoints": {1: Asked(user=READER)},
    "bridge_media": {25: Asked(heard=23)},
    "playback": {21: Asked(heard=20)},
    "sip_call": {5: Asked(heard=4)},
    "websocket_open": {0: Asked(user=None)},
}


async def replay(folder: Path, excuses: Excuses, lines: list[Line]) -> Replay:
    async with target(folder) as made:
        played = Replay(made, lines, ASKED.get(excuses.scenario, {}), excuses)
        await played.run()
        return played


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_recording_is_met(scenario: str, tmp_path: Path) -> None:
    excuses = Excuses(scenario)
    played = await replay(tmp_path, excuses, load(scenario))
    if played.found:
        pytest.fail("\n".join(f"{f.n} {f.problem}"[:LONGEST] for f in played.found), pytrace=False)
    assert not excuses.unmet, "declared, and not different"


def test_the_page_shows_the_table() -> None:
    assert PAGE.read_text() == page()
    places = [place for difference in DIFFERENCES for place in difference.places]
    assert {place.scenario for place in places} <= set(SCENARIOS)


# --- the replay itself: what it would miss is no promise


def events_of(lines: list[Line], name: str) -> list[int]:
    """Where the events of a channel stand, but for its last one: a tail may be missing."""
    channels = (line.message.get("channel") or line.message.get("peer") or {} for line in lines)
    return [index for index, channel in enumerate(channels) if channel.get("name") == name][:-1]


def left_out(lines: list[Line], index: int, _next: int) -> None:
    del lines[index]


def told_twice(lines: list[Line], index: int, _next: int) -> None:
    lines.insert(index, lines[index])


def exchanged(lines: list[Line], index: int, following: int) -> None:
    lines[index], lines[following] = lines[following], lines[index]


def changed(lines: list[Line], index: int, _next: int) -> None:
    line = lines[index]
    lines[index] = msgspec.structs.replace(line, message={**line.message, "timestamp": "then"})


def longer(lines: list[Line], index: int, _next: int) -> None:
    line = lines[index]
    lines[index] = msgspec.structs.replace(line, message={**line.message, "more": 1})


@pytest.mark.parametrize("harm", [left_out, told_twice, exchanged, changed, longer])
async def test_a_harmed_recording_is_not_met(
    harm: Callable[[list[Line], int, int], None], tmp_path: Path
) -> None:
    whole = load("originate_local")
    places = events_of(whole, "Local/echo@conformance-000002aa;1")
    assert len(places) > 5
    for number, (place, following) in enumerate(pairwise(places)):
        lines = list(whole)
        harm(lines, place, following)
        played = await replay(tmp_path / str(number), Excuses("originate_local"), lines)
        assert played.found, (harm, place)


@pytest.mark.parametrize(
    ("n", "fields", "path"),
    [
        (10, {"status": 201}, "status"),
        (10, {"response": []}, "body"),
        (22, {"response": {"message": "No such channel"}}, "body.message"),
        (22, {"headers": {"allow": "GET"}}, "header.allow"),
    ],
)
async def test_a_harmed_answer_is_not_met(
    n: int, fields: dict[str, object], path: str, tmp_path: Path
) -> None:
    lines = load("originate_local")
    lines[n] = msgspec.structs.replace(lines[n], **fields)
    played = await replay(tmp_path, Excuses("originate_local"), lines)
    assert [(f.n, f.problem.path) for f in played.found] == [(n, path)]


@pytest.mark.parametrize(
    ("n", "was", "now"),
    [
        (7, "180 Ringing", "183 Session Progress"),
        (8, "CSeq: 1 INVITE", "CSeq: 2 INVITE"),
        (8, "RTP/AVP 0 101", "RTP/AVP 8 101"),
        (13, "a=recvonly", "a=sendrecv"),
        (22, ";tag=9ac19fa9", ";tag=9ac19fa8"),
    ],
)
async def test_a_harmed_sip_message_is_not_met(n: int, was: str, now: str, tmp_path: Path) -> None:
    lines = load("sip_call")
    assert was in lines[n].text
    lines[n] = msgspec.structs.replace(lines[n], text=lines[n].text.replace(was, now))
    played = await replay(tmp_path, Excuses("sip_call"), lines)
    assert n in {found.n for found in played.found}


async def test_a_sip_message_that_does_not_come_is_missed(tmp_path: Path) -> None:
    lines = load("sip_register")
    again = next(index for index, line in enumerate(lines) if line.kind == "sip-in")
    lines.insert(again, lines[again])
    played = await replay(tmp_path, Excuses("sip_register"), lines)
    assert played.found


def test_fields_in_another_order_are_a_problem() -> None:
    names = Names()
    assert not list(names.problems("x", {"a": 1, "b": 2}, {"a": 1, "more": 0, "b": 2}))
    (problem,) = names.problems("x", {"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert problem == Problem("x:order", ["a", "b"], ["b", "a"])


def test_an_id_stands_for_one_id_only() -> None:
    names = Names()
    assert names.texts_match("1795472019.1392", "1795470000.0")
    assert names.texts_match("channel:1795472019.1392", "channel:1795470000.0")
    assert not names.texts_match("1795472019.1392", "1795470000.1")
    assert not names.texts_match("1795472019.1393", "1795470000.0")
