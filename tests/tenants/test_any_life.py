"""Any sequence of changes, with bugs and restarts in between, against a model of six lines."""

from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stasisd.core.tenancy import Life
from stasisd.operations.errors import Conflict, NotFound, OperationError
from tests.support.clock import run
from tests.technologies.sip.world import InlineDatabase

from .house import House, house

FIXED = ("acme", "globex")
NAMES = (*FIXED, "initech", "umbrella")
CHANGES = ("create", "suspend", "resume", "remove", "crash")
STEP = st.tuples(st.sampled_from(CHANGES), st.sampled_from(NAMES))
RUNS = st.lists(st.lists(STEP, max_size=8), min_size=1, max_size=3)
BOUNDED = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

Model = dict[str, Life]


@BOUNDED
@given(RUNS)
def test_any_life(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[tuple[str, str]]]
) -> None:
    run(play, tmp_path_factory.mktemp("life"), runs)


async def play(folder: Path, runs: list[list[tuple[str, str]]]) -> None:
    model: Model = dict.fromkeys(FIXED, Life.RUNNING)
    database = InlineDatabase()
    for steps in runs:
        # What a bug ended is started with the others.
        model |= {name: Life.RUNNING for name, life in model.items() if life is Life.FAILED}
        async with house(folder, database) as living:
            check(living, model)
            tasks = tasks_beside(living)
            for change, name in steps:
                expected = foreseen(model, change, name)
                assert await done(living, change, name) is expected
                await trio.testing.wait_all_tasks_blocked()
                check(living, model)
            assert tasks_beside(living) == tasks, "a tenant has left tasks"


def tasks_beside(living: House) -> int:
    """The tasks that are not the two of each tenant that runs."""
    return trio.lowlevel.current_statistics().tasks_living - 2 * len(living.tenants)


def foreseen(model: Model, change: str, name: str) -> type[OperationError] | None:
    """How the change ends, after it is made in the model."""
    life = model.get(name)
    refused: type[OperationError] | None
    if change == "create":
        refused = None if life is None else Conflict
    elif life is None:
        refused = NotFound
    elif change == "remove":
        refused = Conflict if name in FIXED else None
    elif change == "suspend":
        refused = Conflict if life is Life.SUSPENDED else None
    else:
        refused = Conflict if change == "resume" and life is Life.RUNNING else None
    if refused is None and change == "remove":
        del model[name]
    elif refused is None and (change != "crash" or life is Life.RUNNING):
        after = {"suspend": Life.SUSPENDED, "crash": Life.FAILED}
        model[name] = after.get(change, Life.RUNNING)
    return refused


async def done(living: House, change: str, name: str) -> type[OperationError] | None:
    """How the change ends in truth."""
    if change == "crash":
        if name not in {tenant.name for tenant in living.tenants.all()}:
            return NotFound
        if name in living.tenants:
            living.tenants[name].start_task(bug)
        return None
    settings = {"domains": [f"{name}.example"]}
    try:
        await living.operate(f"tenants.{change}", tenantName=name, settings=settings)
    except OperationError as refused:
        return type(refused)
    return None


async def bug() -> None:
    raise RuntimeError("a bug of the tests")


def check(living: House, model: Model) -> None:
    assert {tenant.name: tenant.state for tenant in living.tenants.all()} == model
    running = {name for name, life in model.items() if life is Life.RUNNING}
    assert set(living.tenants) == running
    assert set(living.tenants.logs) <= set(model)
    known = {key.tenant for key in living.keyring.keys if key.tenant is not None}
    assert known == set(model)
