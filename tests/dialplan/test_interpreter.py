"""Running in the dialplan: jumps, labels, what is unknown, and never starving the others."""

from pathlib import Path

import pytest
import structlog
import trio

from stasisd.core import events
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left, running_tenant
from tests.support.world import dial_in

pytestmark = jumping_clock


async def steps(folder: Path, dialplan: str, exten: str = "s") -> list[str]:
    """The texts that NoOp showed, from the extension in [default] to the end."""
    async with running_tenant(folder, dialplan) as tenant:
        listener = Listener(tenant)
        dial_in(tenant, f"{exten}@default")
        await listener.until(events.ChannelDestroyed, id="c;2")
        await listener.settle()
        assert_nothing_left(tenant)
        return [
            event.dialplan_app_data
            for event in listener.of("c;2")
            if isinstance(event, events.ChannelDialplan) and event.dialplan_app == "NoOp"
        ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("4", ["one", "four"]),
        ("four", ["one", "four"]),
        ("other,1", ["one", "other"]),
        ("other,second", ["one", "second"]),
        ("elsewhere,s,1", ["one", "there"]),
        ("elsewhere,s,last", ["one", "last"]),
        ("default,s,4", ["one", "four"]),
        ("99", ["one"]),
        ("nowhere", ["one"]),
        ("none,1", ["one"]),
        ("", ["one"]),
        ("9" * 5000, ["one"]),
    ],
)
async def test_jumps(target: str, expected: list[str], tmp_path: Path) -> None:
    dialplan = f"""
[default]
exten => s,1,NoOp(one)
 same => n,Goto({target})
 same => n,NoOp(three)
 same => n(four),NoOp(four)
exten => other,1,NoOp(other)
 same => n,Hangup()
 same => n(second),NoOp(second)
[elsewhere]
exten => s,1,NoOp(there)
 same => n,Hangup()
 same => n(last),NoOp(last)
"""
    assert await steps(tmp_path, dialplan) == expected


async def test_an_unknown_application_ends_the_call_and_says_where(tmp_path: Path) -> None:
    dialplan = """
[default]
exten => s,1,NoOp(one)
 same => n,NoSuchThing(x)
 same => n,NoOp(three)
exten => h,1,NoOp(after)
 same => n,NoSuchThing(x)
 same => n,NoOp(unreachable)
"""
    with structlog.testing.capture_logs() as logs:
        assert await steps(tmp_path, dialplan) == ["one", "after"]
    where = [e["where"] for e in logs if e["event"] == "no such application"]
    assert where == ["extensions.conf:4", "extensions.conf:7"]


async def test_values_are_put_in(tmp_path: Path) -> None:
    dialplan = """
[default]
exten => _s.,1,Set(A=${EXTEN:1})
 same => n,Set(CALLERID(num)=7)
 same => n,NoOp(${A} ${CALLERID(num)} ${CONTEXT} ${PRIORITY} $[1 + 2] ${NEVER}.)
 same => n,NoOp(${NOSUCH(x)}|${CHANNEL(state)})
 same => n,Set(NOSUCH(x)=1)
 same => n,Set(no equals sign)
"""
    assert await steps(tmp_path, dialplan, "s12") == ["12 7 default 3 3 .", "|Ring"]


@pytest.mark.parametrize(
    "step",
    [
        "Wait(x)", "Wait()", "Wait(-1)", "Wait(1e300)", "Wait(nan)", "Answer(x)", "Hangup(x)",
        "Hangup(99999999999999999999)", "Busy(x)", "Dial(,,,,)", "Dial(Local/s2@default,x)",
        "Playback()", "Playback(&&)", "Playback(no-such,noanswer)", "Stasis()", "Stasis(none)",
        "Set()", "Goto(,,)", "Goto(a,b,c,d)", "NoOp(" + "x" * 5000 + ")", "Echo(,)", "Ringing(x)",
    ],
)  # fmt: skip
async def test_strange_arguments_harm_nobody(step: str, tmp_path: Path) -> None:
    dialplan = f"""
[default]
exten => s,1,{step}
exten => s2,1,NoOp()
"""
    async with running_tenant(tmp_path, dialplan) as tenant:
        listener = Listener(tenant)
        with structlog.testing.capture_logs() as logs:
            dial_in(tenant, "s@default")
            await listener.settle(60)
            if "c;2" in tenant.channels:
                tenant.channels["c;2"].hangup()
            await listener.settle()
        assert not [entry for entry in logs if entry["event"] == "channel crashed"]
        assert_nothing_left(tenant)


async def test_an_endless_loop_does_not_starve_the_others(tmp_path: Path) -> None:
    dialplan = """
[default]
exten => s,1,NoOp(again)
 same => n,Goto(1)
"""
    async with running_tenant(tmp_path, dialplan) as tenant:
        dial_in(tenant, "s@default")
        for _ in range(100):
            await trio.lowlevel.checkpoint()
        assert "c;2" in tenant.channels
        tenant.channels["c;2"].hangup()
        listener = Listener(tenant)
        await listener.until(events.ChannelDestroyed, id="c;2")
        await listener.settle()
        assert_nothing_left(tenant)


async def test_echo_ends_with_a_key_and_a_playback_tells_how_it_went(tmp_path: Path) -> None:
    dialplan = """
[default]
exten => s,1,Answer()
 same => n,Echo()
 same => n,Playback(digits/1)
 same => n,NoOp(${PLAYBACKSTATUS})
 same => n,Playback(digits/1&no-such)
 same => n,NoOp(${PLAYBACKSTATUS})
"""
    async with running_tenant(tmp_path, dialplan) as tenant:
        listener = Listener(tenant)
        dial_in(tenant, "s@default")
        await trio.sleep(2)
        tenant.channels["c"].sound.send_dtmf("1#")
        await listener.until(events.ChannelDestroyed, id="c;2")
        shown = [
            event.dialplan_app_data
            for event in listener.of("c;2")
            if isinstance(event, events.ChannelDialplan) and event.dialplan_app == "NoOp"
        ]
        assert shown == ["SUCCESS", "FAILED"]


async def test_stasis_returns_to_the_next_step(tmp_path: Path) -> None:
    dialplan = """
[default]
exten => s,1,Stasis(app,one,two)
 same => n,NoOp(${STASISSTATUS})
 same => n,Stasis(none)
 same => n,NoOp(${STASISSTATUS})
"""
    async with running_tenant(tmp_path, dialplan) as tenant:
        listener = Listener(tenant, "app", everything=True)
        dial_in(tenant, "s@default")
        started = await listener.until(events.StasisStart)
        assert isinstance(started, events.StasisStart)
        assert started.args == ("one", "two")
        visit = tenant.channels["c;2"].visit
        assert visit is not None
        visit.leave()
        await listener.until(events.ChannelDestroyed, id="c;2")
        shown = [
            event.dialplan_app_data
            for event in listener.of("c;2")
            if isinstance(event, events.ChannelDialplan) and event.dialplan_app == "NoOp"
        ]
        assert shown == ["SUCCESS", "FAILED"]


async def test_globals_are_read_where_the_channel_has_no_such_variable(tmp_path: Path) -> None:
    dialplan = "[globals]\nWHO = all\n[default]\nexten => s,1,NoOp(${WHO})\n"
    assert await steps(tmp_path, dialplan) == ["all"]
