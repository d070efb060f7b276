"""What one tenant does changes nothing for another: not an answer, not an event, not a moment."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stasisd.core.tenant import Tenant
from tests.support.clock import run
from tests.support.server import USER, Server, Socket
from tests.support.tenant import beside, running_tenant

from .steps import BEGINNING, ORDINARY, Step
from .test_any_requests import Asked, furnish

# Requests come at these intervals of the clock, those of the other tenant in between; it is no
# round number, since what happens at one moment has no order.
INTERVAL = 0.4937
OTHER = "other"
# Something that only the other tenant says.
CANARY = "canary-4711"
# What comes by chance: ids, the suffixes of channels' names, ports, and numbers of events.
CHANCE = re.compile(
    r"[0-9]{10}\.[0-9]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<=-)(0x0000)?[0-9a-f]{8}(?=\b)|(?<=\")[0-9]{5}(?=\")|[0-9a-f]{32}"
)
SHORT = st.lists(ORDINARY, min_size=10, max_size=25)
BOUNDED = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

Heard = list[Any]


@BOUNDED
@given(SHORT, SHORT)
def test_an_idle_and_a_busy_neighbour_are_alike(
    tmp_path_factory: pytest.TempPathFactory, mine: list[Step], theirs: list[Step]
) -> None:
    _compare(tmp_path_factory, mine, theirs)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(BOUNDED, max_examples=400, derandomize=False)
@given(SHORT, SHORT)
def test_very_many_neighbours(
    tmp_path_factory: pytest.TempPathFactory, mine: list[Step], theirs: list[Step]
) -> None:
    _compare(tmp_path_factory, mine, theirs)


def _compare(factory: pytest.TempPathFactory, mine: list[Step], theirs: list[Step]) -> None:
    alone = run(play, factory.mktemp("alone"), mine, [])
    beside_them = run(play, factory.mktemp("beside"), mine, BEGINNING + theirs)
    assert CANARY not in repr(beside_them)
    for before, after in zip(alone, beside_them, strict=True):
        for pair in zip(before, after, strict=False):
            assert pair[0] == pair[1]
        assert len(before) == len(after)


async def play(folder: Path, mine: list[Step], theirs: list[Step]) -> tuple[Heard, Heard]:
    """The answers to my requests, and the events of my socket."""
    async with (
        running_tenant(folder / "mine") as tenant,
        beside(tenant, folder / "theirs", OTHER) as other,
        trio.open_nursery() as nursery,
    ):
        server = Server(tenant, nursery, (other,))
        for each in (tenant, other):
            furnish(each)
        other.globals["CONFVAR"] = CANARY
        socket = await server.listen("/ari/events?app=app,other&subscribeAll=true")
        heard = await server.listen(
            "/ari/events?app=app,other&subscribeAll=true", user=f"conf@{OTHER}:conf"
        )
        nursery.start_soon(ask_all, server, other, f"conf@{OTHER}:conf", theirs, INTERVAL / 2)
        answers = await ask_all(server, tenant, USER, BEGINNING + mine, 0)
        events = settled(socket)
        assert not theirs or heard.messages
        ours, others = ids_in(socket), ids_in(heard)
        assert ours.isdisjoint(others)
        nursery.cancel_scope.cancel()
    return answers, events


async def ask_all(
    server: Server, tenant: Tenant, user: str, steps: list[Step], after: float
) -> Heard:
    """Ask one after the other, each at its time, and wait for each answer at most so long."""
    begun, answers = trio.current_time(), []
    for number, step in enumerate(steps):
        await trio.sleep_until(begun + after + number * INTERVAL)
        if step.method in {"OPEN", "CLOSE"}:
            continue
        asked = Asked.of(marked(step, tenant), tenant)
        headers = {"content-type": "application/json"} if asked.body else {}
        reply = None
        with trio.move_on_after(INTERVAL * 0.9):
            reply = await server.request(
                step.method, asked.uri, body=asked.body, headers=headers, user=user
            )
        answers.append((step, reply and (reply.status, plain(reply.body.decode(errors="replace")))))
    await trio.sleep_until(begun + (len(steps) + 1) * INTERVAL)
    return answers


def marked(step: Step, tenant: Tenant) -> Step:
    """The other tenant's requests say the canary wherever they say something."""
    if tenant.name != OTHER:
        return step
    said = {"value": CANARY, "dtmf": "7", "mohClass": CANARY, "role": CANARY}
    query = tuple((name, said.get(name, value)) for name, value in step.query)
    return msgspec.structs.replace(step, query=query)


def ids_in(socket: Socket) -> set[str]:
    """What comes by chance in a socket's events: ids, suffixes of names, and ports."""
    text = msgspec.json.encode(socket.messages).decode()
    return {found[0] for found in CHANCE.finditer(text) if not found[0].isdecimal()}


def settled(socket: Socket) -> Heard:
    """The events, sorted: what happens at one moment has no order."""
    return sorted(plain(msgspec.json.encode(message).decode()) for message in socket.messages)


def plain(text: str) -> str:
    """A text without what comes by chance."""
    return CHANCE.sub("~", re.sub(r'"sequence":[0-9]+', "", text))
