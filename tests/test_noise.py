"""The time of an answer tells nobody whether another tenant has what was asked for.

`pytest -m slow tests/test_noise.py` asks each operation that names an object, for one that another
tenant has and one that nobody has, in an order by chance, and compares the times by permutation.
"""

import gc
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.declare import Operation
from stasisd.operations.gate import Gate
from tests.support.clock import jumping_clock
from tests.support.tenant import beside, running_tenant
from tests.support.world import NAMING, Failed, ask, furnish, grant, parameters

pytestmark = [jumping_clock, pytest.mark.slow, pytest.mark.timeout(600)]

TIMES = 400  # of each kind
PERMUTATIONS = 2000
# Of 60 operations none shall look different by chance; one that does is asked again.
UNLIKELY = 0.001
ASIDE = {"recordingName"}  # a name of its own, beside those of NAMING

Times = NDArray[np.float64]


def named(operation: Operation) -> list[str]:
    """The parameters in the path that name what has to be there."""
    places = {name for route in operation.routes for name in route.placeholders}
    return [
        wire
        for parameter in operation.guarded
        if parameter.kind is not None and not parameter.creates and not parameter.lists
        for wire in parameter.wire
        if wire in places and wire in NAMING | ASIDE
    ]


ASKED = [each for each in OPERATIONS.values() if named(each) and each.resource != "deviceStates"]
ASKED = [each for each in ASKED if each.resource != "mailboxes"]  # any name is good there, too


def nobodys(operation: Operation) -> dict[str, Any]:
    """The same request for what nobody has, by a name of the same length."""
    raw = parameters(operation)
    changed = {wire: raw[wire][:-1] + "~" for wire in named(operation)}
    return raw | changed


async def times(gate: Gate, operation: Operation) -> tuple[Times, Times]:
    """How long the answers took: for another tenant's object, and for nobody's."""
    asked = [parameters(operation), nobodys(operation)]
    taken: tuple[list[int], list[int]] = ([], [])
    which = [0, 1] * TIMES
    random.shuffle(which)
    stranger = grant(tenant="stranger")
    gc.disable()
    for each in which:
        begun = time.perf_counter_ns()
        answer = await ask(gate, stranger, operation, asked[each])
        taken[each].append(time.perf_counter_ns() - begun)
        assert isinstance(answer, Failed), (operation, answer)
    gc.enable()
    return np.array(taken[0], float), np.array(taken[1], float)


def chance_of(one: Times, other: Times) -> float:
    """How likely it is that times which do not differ look as different as these."""
    seen = abs(np.median(one) - np.median(other))
    whole, chance = np.concatenate([one, other]), np.random.default_rng()
    found = 0
    for _ in range(PERMUTATIONS):
        chance.shuffle(whole)
        found += abs(np.median(whole[: len(one)]) - np.median(whole[len(one) :])) >= seen
    return (found + 1) / (PERMUTATIONS + 1)


async def differs(gate: Gate, operation: Operation) -> bool:
    """Whether the times differ, four times over."""
    for _ in range(4):
        if chance_of(*await times(gate, operation)) >= UNLIKELY:
            return False
    return True


async def test_foreign_and_absent_take_as_long(tmp_path: Path) -> None:
    assert len(ASKED) > 50
    async with (
        running_tenant(tmp_path / "one") as tenant,
        beside(tenant, tmp_path / "other", "stranger") as stranger,
    ):
        await furnish(tenant)
        found = [each for each in ASKED if await differs(known(tenant, stranger), each)]
    assert found == []


def known(*tenants: Tenant) -> Gate:
    """A gate to these tenants."""
    return Gate({tenant.name: tenant for tenant in tenants}, tenants[0].now)


async def test_a_difference_would_be_seen(tmp_path: Path) -> None:
    """The same test, of an answer that takes longer where the object is there."""
    rng = np.random.default_rng(1)
    quick = 40_000 + rng.exponential(2_000, TIMES)
    assert chance_of(quick, quick + 1_000) < UNLIKELY
    assert chance_of(quick, rng.permutation(quick)) > UNLIKELY
