"""Dial, and what else the dialplan's applications do to calls."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
import trio

from stasisd.core import causes, events
from stasisd.core.channel import Channel
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left, running_tenant
from tests.support.world import dial_in

pytestmark = jumping_clock

DIALPLAN = """
[default]
exten => answers,1,Answer()
 same => n,Wait(60)
exten => answers-short,1,Answer()
 same => n,Wait(3)
 same => n,Hangup(17)
exten => rings,1,Ringing()
 same => n,Wait(100)
exten => rings-then-answers,1,Ringing()
 same => n,Wait(2)
 same => n,Answer()
 same => n,Wait(60)
exten => busy,1,Busy(5)

[caller]
exten => _[abr].,1,Dial(Local/${EXTEN}@default,10)
 same => n,Set(WENT=on ${DIALSTATUS})
 same => n,Wait(1)
[caller-g]
exten => _[abr].,1,Dial(Local/${EXTEN}@default,10,g)
 same => n,Set(WENT=on ${DIALSTATUS})
[caller-r]
exten => _[abr].,1,Dial(Local/${EXTEN}@default,10,r)
[waiting]
exten => _[abr].,1,Wait(1)
 same => n,Dial(Local/${EXTEN}@default)
 same => n,Set(WENT=on ${DIALSTATUS})
[causes]
exten => _[br].,1,Dial(Local/${EXTEN}@default,2)
exten => none,1,Dial(Local/none@default)
exten => _h[br].,1,Dial(Local/${EXTEN:1}@default,2)
 same => n,Set(WENT=on ${HANGUPCAUSE})
 same => n,Hangup()
exten => given-busy,1,Dial(Local/busy@default,2)
 same => n,Hangup(${HANGUPCAUSE})
exten => other-busy,1,Dial(Local/busy@default,2)
 same => n,Hangup(no_answer)
exten => absurd-busy,1,Dial(Local/busy@default,2)
 same => n,Hangup(0)
exten => wait-busy,1,Dial(Local/busy@default,2)
 same => n,Wait(60)
[nowhere]
exten => none,1,Dial(Local/none@default)
 same => n,Set(WENT=on ${DIALSTATUS})
exten => tech,1,Dial(Nope/none)
 same => n,Set(WENT=on ${DIALSTATUS})
exten => empty,1,Dial()
 same => n,Set(WENT=on ${DIALSTATUS})
"""


class Caller:
    """A channel that runs in the dialplan, and what was heard of it."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.listener = Listener(tenant)
        self.near: Channel
        self.far: Channel

    async def __call__(self, exten: str, context: str, seconds: float = 0.1) -> None:
        self.near = dial_in(self.tenant, f"{exten}@{context}")
        self.far = self.tenant.channels["c;2"]
        await trio.sleep(seconds)

    async def over(self) -> list[str]:
        """The values of WENT, when the caller has ended."""
        await self.listener.until(events.ChannelDestroyed, id="c;2")
        await self.listener.settle()
        assert_nothing_left(self.tenant)
        return [
            event.value
            for event in self.listener.heard
            if isinstance(event, events.ChannelVarset) and event.variable == "WENT"
        ]

    def callee(self) -> Channel:
        (callee,) = [c for c in self.tenant.channels.values() if c.attempt.caller is self.far]
        return callee


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running_tenant(tmp_path, DIALPLAN) as tenant:
        yield Caller(tenant)


async def test_an_answer_answers_the_caller_and_connects(caller: Caller) -> None:
    await caller("answers", "caller")
    callee = caller.callee()
    assert caller.far.is_up
    assert caller.near.is_up
    assert caller.far.variables["BRIDGEPEER"] == callee.name
    assert callee.variables["BRIDGEPEER"] == caller.far.name
    (bridge,) = caller.tenant.bridges.values()
    assert bridge.channels == [caller.far, callee]
    caller.near.hangup()
    assert await caller.over() == []
    assert not caller.tenant.bridges


async def test_the_callees_hangup_ends_the_caller(caller: Caller) -> None:
    await caller("answers-short", "caller")
    start = trio.current_time()
    assert await caller.over() == []
    assert trio.current_time() - start < 10


async def test_unless_it_goes_on(caller: Caller) -> None:
    await caller("answers-short", "caller-g")
    assert await caller.over() == ["on ANSWER"]


async def test_the_callers_hangup_ends_the_call(caller: Caller) -> None:
    await caller("answers", "caller")
    callee = caller.callee()
    caller.far.hangup(causes.CALL_REJECTED)
    await caller.over()
    assert callee.destroyed


async def test_a_caller_who_gives_up_cancels_the_attempt(caller: Caller) -> None:
    await caller("rings", "caller", seconds=2)
    callee = caller.callee()
    assert caller.far.state == "Ring"
    caller.near.hangup()
    await caller.over()
    assert callee.destroyed
    statuses = [e.dialstatus for e in caller.listener.of(callee.id) if isinstance(e, events.Dial)]
    assert "ANSWER" not in statuses


async def test_busy(caller: Caller) -> None:
    await caller("busy", "caller")
    assert await caller.over() == ["on BUSY"]


async def test_no_answer_in_time(caller: Caller) -> None:
    await caller("rings", "caller")
    start = trio.current_time()
    assert await caller.over() == ["on NOANSWER"]
    assert trio.current_time() - start == pytest.approx(11, abs=1.5)


@pytest.mark.parametrize("exten", ["none", "tech", "empty"])
async def test_nobody_there(exten: str, caller: Caller) -> None:
    await caller(exten, "nowhere", seconds=0)
    assert await caller.over() == ["on CHANUNAVAIL"]


@pytest.mark.parametrize(
    ("exten", "cause"),
    [
        ("busy", causes.USER_BUSY),
        ("rings", causes.NO_ANSWER),
        ("none", causes.NO_ROUTE),
        ("hbusy", causes.USER_BUSY),
        ("given-busy", causes.USER_BUSY),
        ("other-busy", causes.NO_ANSWER),
        ("absurd-busy", causes.NORMAL_CLEARING),
    ],
)
async def test_why_a_call_failed_is_why_its_caller_ends(
    exten: str, cause: int, caller: Caller
) -> None:
    await caller(exten, "causes", seconds=0)
    assert await caller.over() == (["on 17"] if exten == "hbusy" else [])
    assert cause_of(caller) == cause


async def test_a_caller_who_hangs_up_later_has_a_cause_of_its_own(caller: Caller) -> None:
    await caller("wait-busy", "causes", seconds=5)
    assert caller.far.dial_cause == causes.USER_BUSY
    caller.far.hangup(causes.CALL_REJECTED)
    await caller.over()
    assert cause_of(caller) == causes.CALL_REJECTED


def cause_of(caller: Caller) -> int:
    """The cause with which the caller's channel ended."""
    (end,) = [e for e in caller.listener.of("c;2") if isinstance(e, events.ChannelDestroyed)]
    return end.cause


async def test_ringing_passes_to_the_caller(caller: Caller) -> None:
    await caller("rings-then-answers", "caller", seconds=1)
    assert caller.near.state == "Ringing"
    await trio.sleep(2)
    assert caller.near.state == "Up"
    await caller.listener.settle(0)
    told = [e for e in caller.listener.heard if isinstance(e, events.Dial) and e.caller is not None]
    assert [e.dialstatus for e in told] == ["", "RINGING", "ANSWER"]


async def test_ringing_at_once_if_asked(caller: Caller) -> None:
    await caller("answers", "caller-r", seconds=0.05)
    await caller.listener.settle(0)
    kinds = caller.listener.names("c")
    assert "ChannelStateChange" in kinds


async def test_a_bridge_of_dial_that_somebody_destroys_ends_the_call(caller: Caller) -> None:
    await caller("answers", "caller-g")
    (bridge,) = caller.tenant.bridges.values()
    with structlog.testing.capture_logs() as logs:
        bridge.destroy()
        assert await caller.over() == ["on ANSWER"]
    assert not [entry for entry in logs if entry["event"] == "channel crashed"]


async def test_who_is_taken_out_of_the_bridge_ends_the_call(caller: Caller) -> None:
    await caller("answers", "caller-g")
    callee = caller.callee()
    assert callee.bridge is not None
    callee.bridge.leave(callee)
    assert await caller.over() == ["on ANSWER"]
    assert callee.destroyed


async def test_draining_refuses_a_dial_without_a_crash(caller: Caller) -> None:
    await caller("answers", "waiting", seconds=0)
    caller.tenant.draining = True
    with structlog.testing.capture_logs() as logs:
        assert await caller.over() == ["on CHANUNAVAIL"]
    assert not [entry for entry in logs if entry["event"] == "channel crashed"]
