"""A grant that is held open: it ends with its time, its token, its user or its key."""

from collections.abc import Callable

import pytest
import trio
import trio.testing

from caps.caveats import Expires
from caps.keyring import Keyring
from caps.token import generate_key, mint
from caps.verifying import verify
from stasisd.operations.errors import NotAuthenticated
from stasisd.operations.tenure import Tenures
from tests.support.clock import jumping_clock

pytestmark = jumping_clock

EPOCH = 1_700_000_000.0
OLD = generate_key("old", "default")


def now() -> float:
    return EPOCH + trio.current_time()


class Held:
    """A grant that somebody holds, and why it ended."""

    def __init__(self, *caveats: Expires) -> None:
        self.keyring = Keyring([OLD])
        self.tenures = Tenures(self.keyring, now)
        text = mint(OLD, *caveats, user="ada", issued=EPOCH).encode()
        self.grant = verify(text, self.keyring, EPOCH)
        self.tenure = self.tenures.of(self.grant)
        self.ends: list[tuple[str, float]] = []

    async def hold(self) -> None:
        why = await self.tenure.wait_end()
        self.ends.append((why, trio.current_time()))


async def test_it_ends_when_it_expires(nursery: trio.Nursery) -> None:
    held = Held(Expires(EPOCH + 100))
    nursery.start_soon(held.hold)
    await trio.sleep(99)
    held.tenure.require()
    assert held.ends == []
    await trio.sleep(2)
    ((why, at),) = held.ends
    assert why == "the token is outside its time of validity"
    assert at == pytest.approx(100)
    with pytest.raises(NotAuthenticated) as caught:
        held.tenure.require()
    assert caught.value.detail == why


REVOCATIONS: list[Callable[[Held], None]] = [
    lambda held: held.keyring.revoke("default", held.grant.token_id),
    lambda held: held.keyring.revoke_user("default", "ada", now()),
    lambda held: held.keyring.retire("old"),
]


@pytest.mark.parametrize("revoke", REVOCATIONS, ids=["token", "user", "key"])
async def test_it_ends_when_it_is_revoked(
    revoke: Callable[[Held], None], nursery: trio.Nursery
) -> None:
    held, others = Held(), Held()
    nursery.start_soon(held.hold)
    nursery.start_soon(others.hold)
    await trio.sleep(1000)
    held.tenures.revise()
    await trio.testing.wait_all_tasks_blocked()
    assert held.ends == [], "nothing of it was revoked"
    revoke(held)
    with pytest.raises(NotAuthenticated):
        held.tenure.require()
    held.tenures.revise()
    await trio.testing.wait_all_tasks_blocked()
    assert held.ends == [("the token was revoked", 1000)]
    assert others.ends == []
    nursery.cancel_scope.cancel()


async def test_it_ends_with_a_key_that_was_given_an_end(nursery: trio.Nursery) -> None:
    held = Held()
    nursery.start_soon(held.hold)
    await trio.sleep(10)
    held.keyring.rotate(generate_key("new", "default"), until=now() + 60)
    held.tenures.revise()
    await trio.sleep(59)
    assert held.ends == []
    await trio.sleep(2)
    assert [at for _, at in held.ends] == [pytest.approx(70)]
