"""StasisBroadcast: one call, several applications, and the first that claims it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from caps.caveats import Applications
from stasisd.core import events
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.gate import Gate
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, running_tenant
from tests.support.world import Failed, ask, dial_in, grant

pytestmark = jumping_clock

DIALPLAN = """
[default]
exten => all,1,StasisBroadcast(5000,,a:b,yes)
 same => n,Set(WENT=${STASISSTATUS})
 same => n,Wait(60)
exten => sales,1,StasisBroadcast(5000,^sales)
 same => n,Wait(60)
exten => short,1,StasisBroadcast()
 same => n,Set(WENT=${STASISSTATUS})
 same => n,Wait(60)
exten => odd,1,StasisBroadcast(x,[)
 same => n,Wait(60)
"""
CLAIM = OPERATIONS["events.claimChannel"]
CHANNEL = "c;2"
NOT_FOUND = Failed("not_found", "Channel not found or not in broadcast state", None)
CLAIMED = Failed("conflict", "Channel already claimed", None)


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    async with running_tenant(tmp_path, DIALPLAN) as made:
        yield made


@pytest.fixture
def gate(tenant: Tenant) -> Gate:
    return Gate({tenant.name: tenant}, tenant.now)


async def claim(gate: Gate, application: str, channel: str = CHANNEL, *caveats: Any) -> Any:
    raw = {"channelId": channel, "application": application}
    return await ask(gate, grant(*caveats), CLAIM, raw)


async def test_the_first_that_claims_has_the_call(tenant: Tenant, gate: Gate) -> None:
    one, two = Listener(tenant, "one"), Listener(tenant, "two")
    dial_in(tenant, "all@default")
    offered = await one.until(events.CallBroadcast)
    assert isinstance(offered, events.CallBroadcast)
    assert (offered.channel.id, offered.called_number) == (CHANNEL, "all")
    assert await claim(gate, "one") is None
    assert await claim(gate, "two") == CLAIMED
    started = await one.until(events.StasisStart)
    assert isinstance(started, events.StasisStart)
    assert started.args == ("a", "b")
    assert await claim(gate, "two") == CLAIMED, "also later"
    await two.settle()
    assert two.names() == ["CallBroadcast", "CallClaimed"]
    (told,) = [e for e in two.heard if isinstance(e, events.CallClaimed)]
    assert told.winner_app == "one"


async def test_many_claims_at_once_and_one_winner(tenant: Tenant, gate: Gate) -> None:
    names = [f"app{number}" for number in range(20)]
    listeners = [Listener(tenant, name) for name in names]
    dial_in(tenant, "all@default")
    await listeners[0].until(events.CallBroadcast)
    results: list[Any] = []

    async def race(name: str) -> None:
        results.append(await claim(gate, name))

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(race, name)
    assert results.count(None) == 1
    assert results.count(CLAIMED) == len(names) - 1
    await trio.sleep(1)
    for listener in listeners:
        await listener.settle(0.1)
    assert sum(listener.names().count("StasisStart") for listener in listeners) == 1


async def test_who_is_too_late_finds_nothing(tenant: Tenant, gate: Gate) -> None:
    one, everybody = Listener(tenant, "one"), Listener(tenant)
    dial_in(tenant, "short@default")
    await one.until(events.CallBroadcast)
    await trio.sleep(0.6)
    assert await claim(gate, "one") == NOT_FOUND
    await everybody.settle()
    went = [e.value for e in everybody.heard if isinstance(e, events.ChannelVarset)]
    assert went == ["TIMEOUT", "TIMEOUT"]
    assert "StasisStart" not in one.names()


async def test_a_filter_says_who_may(tenant: Tenant, gate: Gate) -> None:
    sales, other = Listener(tenant, "sales1"), Listener(tenant, "presales")
    dial_in(tenant, "sales@default")
    await sales.until(events.CallBroadcast)
    assert await claim(gate, "presales") == NOT_FOUND
    assert await claim(gate, "sales1") is None
    await sales.until(events.StasisStart)
    assert "CallClaimed" not in sales.names(), "which was not asked for"
    await other.settle()
    assert other.names() == []


async def test_what_can_not_be_read_offers_to_all_for_the_usual_time(
    tenant: Tenant, gate: Gate
) -> None:
    one = Listener(tenant, "one")
    dial_in(tenant, "odd@default")
    await one.until(events.CallBroadcast)
    await trio.sleep(0.6)
    assert await claim(gate, "one") == NOT_FOUND


async def test_who_has_left_can_not_claim(tenant: Tenant, gate: Gate) -> None:
    one = Listener(tenant, "one")
    two = Listener(tenant, "two")
    dial_in(tenant, "all@default")
    await two.until(events.CallBroadcast)
    one.mailbox.end()
    assert await claim(gate, "one") == NOT_FOUND
    assert (await claim(gate, "none")).message == "Application not found"
    assert await claim(gate, "two", "absent") == NOT_FOUND
    assert await claim(gate, "two", "c") == NOT_FOUND, "which was never offered"
    assert await claim(gate, "two") is None


async def test_a_caller_that_hangs_up_is_offered_no_more(tenant: Tenant, gate: Gate) -> None:
    one = Listener(tenant, "one")
    dial_in(tenant, "all@default")
    await one.until(events.CallBroadcast)
    tenant.channels[CHANNEL].hangup()
    assert await claim(gate, "one") == NOT_FOUND
    await one.settle()
    assert "StasisStart" not in one.names()
    assert await claim(gate, "one") == NOT_FOUND


async def test_a_token_of_one_application_claims_for_that_one(tenant: Tenant, gate: Gate) -> None:
    one, _two = Listener(tenant, "one"), Listener(tenant, "two")
    dial_in(tenant, "all@default")
    await one.until(events.CallBroadcast)
    mine = Applications(("one",))
    assert (await claim(gate, "two", CHANNEL, mine)).message == "Application not found"
    assert await claim(gate, "one", CHANNEL, mine) is None
