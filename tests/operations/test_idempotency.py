"""A retry with its key does nothing twice: one effect, one answer, whatever happens between."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from caps.caveats import READ_ONLY, Caveat, Objects
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS, idempotency
from stasisd.operations.asking import Asked
from stasisd.operations.errors import (
    InvalidParameter,
    NotFound,
    OperationError,
    OperationFailed,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)
from stasisd.operations.gate import Gate
from stasisd.operations.idempotency import Remembered
from tests.support.clock import jumping_clock
from tests.support.tenant import EPOCH
from tests.support.world import grant

pytestmark = jumping_clock


class Client:
    """Asks the gate with keys."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.gate = Gate({tenant.name: tenant}, tenant.now)
        self.asked = Asked("none")

    async def __call__(self, name: str, key: str | None, /, *caveats: Caveat, **raw: Any) -> Any:
        self.asked = Asked("r", key)
        return await self.gate.perform(grant(*caveats), OPERATIONS[name], raw, self.asked)


@pytest.fixture
def client(tenant: Tenant) -> Client:
    return Client(tenant)


async def test_a_retry_has_the_answer_of_the_first(client: Client) -> None:
    first = await client("bridges.create", "k")
    replays = [client.asked.replayed]
    again = await client("bridges.create", "k")
    assert again is first
    assert [*replays, client.asked.replayed] == [False, True]
    assert len(client.tenant.bridges) == 1


async def test_without_a_key_each_request_is_its_own(client: Client) -> None:
    await client("bridges.create", None)
    await client("bridges.create", None)
    assert len(client.tenant.bridges) == 2


async def test_a_refusal_is_remembered_too(client: Client) -> None:
    with pytest.raises(NotFound, match="Bridge not found"):
        await client("bridges.destroy", "k", bridgeId="b")
    client.tenant.create_bridge("b")
    with pytest.raises(NotFound, match="Bridge not found"):
        await client("bridges.destroy", "k", bridgeId="b")
    assert "b" in client.tenant.bridges


async def test_what_was_deleted_stays_deleted(client: Client) -> None:
    client.tenant.create_bridge("b")
    assert await client("bridges.destroy", "k", bridgeId="b") is None
    assert await client("bridges.destroy", "k", bridgeId="b") is None


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("bridges.create", {"type": "mixing"}),
        ("bridges.create", {"type": "holding", "name": "n"}),
        ("asterisk.setGlobalVar", {"variable": "A", "value": "1"}),
    ],
)
async def test_another_request_with_the_key_is_refused(
    name: str, raw: dict[str, Any], client: Client
) -> None:
    await client("bridges.create", "k", name="n")
    with pytest.raises(Unprocessable) as refused:
        await client(name, "k", **raw)
    assert "Idempotency-Key" in refused.value.message
    assert refused.value.detail
    assert len(client.tenant.bridges) == 1


async def test_a_key_is_the_grants_own(client: Client) -> None:
    """A narrower token of the same root must not read what the wider one was answered."""
    await client("bridges.create", "k")
    with pytest.raises(OperationError):
        await client("bridges.create", "k", Objects(("channel:*",)))
    with pytest.raises(OperationError):
        await client("bridges.create", "k", READ_ONLY)
    assert len(client.tenant.bridges) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ä", "a\n"])
async def test_a_key_that_is_none(key: str, client: Client) -> None:
    with pytest.raises(InvalidParameter, match="Idempotency-Key"):
        await client("bridges.create", key)
    assert not client.tenant.bridges


async def test_reading_needs_no_key_and_is_never_remembered(client: Client) -> None:
    assert await client("bridges.list", "k") == []
    client.tenant.create_bridge("b")
    assert len(await client("bridges.list", "k")) == 1


async def test_it_is_forgotten_after_an_hour(client: Client) -> None:
    await client("bridges.create", "k")
    await trio.sleep(idempotency.REMEMBERED_SECONDS - 1)
    await client("bridges.create", "k")
    await trio.sleep(2)
    await client("bridges.create", "k")
    assert len(client.tenant.bridges) == 2


# --- below the gate: who waits, and what a breach leaves


class Work:
    """Something slow that is to be done once."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.done = 0
        self.error = error
        self.go_on = trio.Event()

    async def __call__(self) -> int:
        self.done += 1
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return self.done


Act = Callable[[], Awaitable[Any]]


async def perform(remembered: Remembered, act: Act, key: str = "k", raw: Any = None) -> Any:
    return await remembered.perform(grant(), "x.y", raw or {}, Asked("r", key), act)


async def test_a_retry_waits_for_the_first() -> None:
    remembered, work, results = Remembered(lambda: EPOCH), Work(), []

    async def ask() -> None:
        results.append(await perform(remembered, work))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        assert results == []
        work.go_on.set()
    assert (results, work.done) == ([1, 1, 1], 1)


async def test_what_was_broken_off_is_not_done_again() -> None:
    remembered, work = Remembered(lambda: EPOCH), Work()
    with trio.move_on_after(1):
        await perform(remembered, work)
    with pytest.raises(OperationFailed, match="broken off"):
        await perform(remembered, work)
    assert work.done == 1


async def test_a_bug_is_not_done_again_either() -> None:
    remembered, work = Remembered(lambda: EPOCH), Work(RuntimeError())
    work.go_on.set()
    with pytest.raises(RuntimeError):
        await perform(remembered, work)
    with pytest.raises(OperationFailed):
        await perform(remembered, work)
    assert work.done == 1


@pytest.mark.parametrize("not_now", [Unavailable("stopping"), TooManyRequests("slow", 1)])
async def test_not_now_is_no_outcome(not_now: OperationError) -> None:
    remembered, work = Remembered(lambda: EPOCH), Work(not_now)
    work.go_on.set()
    for _ in range(2):
        with pytest.raises(type(not_now)):
            await perform(remembered, work)
    assert work.done == 2


async def test_the_oldest_go_where_there_are_too_many() -> None:
    remembered, work = Remembered(lambda: EPOCH), Work()
    work.go_on.set()
    for number in range(idempotency.KEYS_OF_ONE_GRANT + 1):
        await perform(remembered, work, str(number))
    before = work.done
    await perform(remembered, work, "500")
    assert work.done == before
    await perform(remembered, work, "0")
    assert work.done == before + 1


async def test_what_is_at_work_is_not_forgotten_for_others() -> None:
    remembered, slow, quick = Remembered(lambda: EPOCH), Work(), Work()
    quick.go_on.set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(perform, remembered, slow, "slow")
        await trio.testing.wait_all_tasks_blocked()
        for number in range(idempotency.KEYS_OF_ONE_GRANT + 1):
            await perform(remembered, quick, str(number))
        slow.go_on.set()
        assert await perform(remembered, slow, "slow") == 1
    assert slow.done == 1


async def test_many_tokens_of_one_tenant_do_not_drive_out_another() -> None:
    remembered, work = Remembered(lambda: EPOCH), Work()
    work.go_on.set()
    mine = grant(tenant="mine")
    await remembered.perform(mine, "x.y", {}, Asked("r", "k"), work)
    for number in range(idempotency.GRANTS_OF_ONE_TENANT + 1):
        one = grant(Objects((f"channel:{number}",)))
        await remembered.perform(one, "x.y", {}, Asked("r", "k"), work)
    done = work.done
    await remembered.perform(mine, "x.y", {}, Asked("r", "k"), work)
    assert work.done == done
    first = grant(Objects(("channel:0",)))
    await remembered.perform(first, "x.y", {}, Asked("r", "k"), work)
    assert work.done == done + 1, "bounded within the tenant"
