"""A channel's life: a nursery that the hangup cancels, a barrier, one last event, nothing left."""

import gc
import weakref
from pathlib import Path
from unittest import mock

import pytest
import structlog
import trio
import trio.testing

from stasisd.core import causes, events, playback, recording
from stasisd.core.channel import Channel
from stasisd.core.supervision import HANGUP_EXTENSION_SECONDS
from stasisd.core.technology import NewChannel
from stasisd.core.tenant import Draining, Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left, running_tenant
from tests.support.world import APP, call, dial_in

pytestmark = jumping_clock


async def test_a_hangup_cancels_all_that_runs_on_the_channel(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    channel = await call(tenant, "c")
    assert channel.nursery is not None
    cancelled = []

    async def work() -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append(len(tenant.channels))

    channel.nursery.start_soon(work)
    first = playback.play(channel, ("sound:silence/9",))
    second = playback.play(channel, ("sound:silence/9",))
    live = await recording.record(channel, recording.Wanted(name="r", format="wav"))
    await trio.sleep(0.1)
    channel.hangup()
    await listener.settle()
    assert cancelled == [2], "while the channel was still there"
    assert first.snapshot.state == second.snapshot.state == "failed"
    assert live.snapshot.state == "done"
    assert listener.names("c")[-1] == "ChannelDestroyed"
    assert_nothing_left(tenant)


async def test_the_last_event_is_the_end(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    channel = await call(tenant, "c")
    channel.hangup(causes.USER_BUSY)
    channel.hangup(causes.CALL_REJECTED)
    await listener.settle()
    channel.destroy()
    ended = [event for event in listener.of("c") if isinstance(event, events.ChannelDestroyed)]
    assert [event.cause for event in ended] == [causes.USER_BUSY], "the first cause stays"
    assert listener.of("c")[-1] is ended[0]


async def test_nothing_keeps_a_channel_that_ended(tenant: Tenant) -> None:
    tenant.serve_application(APP)
    listener = Listener(tenant, APP)
    for number in range(20):
        await call(tenant, f"c{number}")
    kept = weakref.WeakSet(tenant.channels.values())
    for channel in list(tenant.channels.values()):
        channel.hangup()
    del channel
    await listener.settle()
    tenant.applications[APP].snapshot  # noqa: B018 - it may not trip over what is gone
    listener.heard.clear()
    gc.collect()
    assert not kept
    assert tenant.bus.statistics() == {"topics": 1, "routes": 1}, "the application's own"
    assert_nothing_left(tenant)


# --- the barrier


class Bug(Exception):
    pass


async def broken() -> None:
    raise Bug


@pytest.mark.parametrize("where", ["body", "playback", "task"])
async def test_a_bug_ends_its_channel_and_no_other(where: str, tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    other = await call(tenant, "other")
    channel = await call(tenant, "c")
    assert channel.nursery is not None
    with structlog.testing.capture_logs() as logs:
        if where == "task":
            channel.nursery.start_soon(broken)
        elif where == "playback":
            with mock.patch("stasisd.core.playback.resolve", side_effect=Bug):
                playback.play(channel, ("sound:hello",))
                await listener.until(events.ChannelDestroyed, id="c")
        else:
            assert channel.visit is not None
            with mock.patch.object(Channel, "wait_played", side_effect=Bug):
                channel.visit.leave()
                await listener.until(events.ChannelDestroyed, id="c")
        await listener.settle()
    (crash,) = [entry for entry in logs if entry["event"] == "channel crashed"]
    assert crash["channel"] == "c"
    (ended,) = [e for e in listener.of("c") if isinstance(e, events.ChannelDestroyed)]
    assert ended.cause == causes.TEMPORARY_FAILURE
    assert tenant.channels["other"] is other
    assert not other.hungup
    other.hangup()
    await listener.settle()
    assert_nothing_left(tenant)


async def test_a_bug_in_the_very_end_leaves_nothing_either(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    channel = await call(tenant, "c")
    with mock.patch.object(channel.leg, "hangup", side_effect=Bug):
        channel.hangup()
        await listener.until(events.ChannelDestroyed, id="c")
    assert "c" not in tenant.channels
    tenant.channels["c;2"].hangup()
    await listener.settle()
    assert_nothing_left(tenant)


async def test_media_that_is_lost_ends_the_channel(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    channel = await call(tenant, "c")
    assert channel.port is not None
    channel.port._on_closed("the media process died")
    ended = await listener.until(events.ChannelDestroyed, id="c")
    assert isinstance(ended, events.ChannelDestroyed)
    assert ended.cause == causes.NETWORK_OUT_OF_ORDER


# --- the h extension

ENDING = """
[default]
exten => talk,1,Answer()
 same => n,Wait(60)
exten => h,1,Set(AFTER=${HANGUPCAUSE})
 same => n,Wait(5)
 same => n,Set(AFTER=waited)
[slow]
exten => talk,1,Answer()
 same => n,Wait(60)
exten => h,1,Wait(100000)
[looping]
exten => talk,1,Answer()
 same => n,Wait(60)
exten => h,1,NoOp()
 same => n,Wait(0.5)
 same => n,Goto(1)
[careless]
exten => talk,1,Answer()
 same => n,Wait(60)
exten => h,1,Playback(hello)
 same => n,Hangup()
 same => n,Dial(Local/talk@slow)
 same => n,NoSuchThing()
 same => n,Set(AFTER=unreachable)
"""


async def dialplan_call(tenant: Tenant, context: str) -> Listener:
    listener = Listener(tenant)
    dial_in(tenant, f"talk@{context}")
    await trio.sleep(1)
    return listener


async def test_the_h_extension_runs_when_all_else_has_ended(tmp_path: Path) -> None:
    async with running_tenant(tmp_path, ENDING) as tenant:
        listener = await dialplan_call(tenant, "default")
        tenant.channels["c;2"].hangup(causes.USER_BUSY)
        await listener.until(events.ChannelDestroyed, id="c;2")
        kinds = listener.names("c;2")
        set_to = [e.value for e in listener.of("c;2") if isinstance(e, events.ChannelVarset)]
        assert set_to == ["17", "waited"]
        assert kinds.index("ChannelHangupRequest") < kinds.index("ChannelVarset")
        assert kinds[-1] == "ChannelDestroyed"


@pytest.mark.parametrize("context", ["slow", "looping"])
async def test_the_h_extension_has_its_time(context: str, tmp_path: Path) -> None:
    async with running_tenant(tmp_path, ENDING) as tenant:
        listener = await dialplan_call(tenant, context)
        tenant.channels["c;2"].hangup()
        start = trio.current_time()
        await listener.until(events.ChannelDestroyed, id="c;2")
        assert trio.current_time() - start == pytest.approx(HANGUP_EXTENSION_SECONDS, abs=0.1)


async def test_nothing_sounds_on_while_the_h_extension_runs(tmp_path: Path) -> None:
    async with running_tenant(tmp_path, ENDING) as tenant:
        await dialplan_call(tenant, "slow")
        channel = tenant.channels["c;2"]
        playback.play(channel, ("sound:silence/9",))
        await trio.sleep(1)
        channel.hangup()
        await trio.sleep(0.1)
        assert "c;2" in tenant.channels
        assert tenant.media.statistics().unfinished == 0


async def test_the_h_extension_can_neither_call_nor_play(tmp_path: Path) -> None:
    async with running_tenant(tmp_path, ENDING) as tenant:
        listener = await dialplan_call(tenant, "careless")
        tenant.channels["c;2"].hangup()
        await listener.until(events.ChannelDestroyed, id="c;2")
        await listener.settle()
        assert "unreachable" not in repr(listener.heard)
        assert {e.channel.id for e in listener.heard if isinstance(e, events.ChannelCreated)} == {
            "c",
            "c;2",
        }
        assert_nothing_left(tenant)


# --- the end of a tenant


async def test_draining_ends_the_calls_and_takes_no_new_ones(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    await call(tenant, "c")
    tenant.drain(causes.NORMAL_CLEARING)
    with pytest.raises(Draining):
        tenant.technologies["Local"].request(tenant, "echo@conformance", NewChannel())
    await tenant.wait_empty()
    await listener.settle()
    assert_nothing_left(tenant)


async def test_a_tenant_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async with running_tenant(tmp_path) as tenant:
        Listener(tenant, APP)
        channel = await call(tenant, "c")
        playback.play(channel, ("sound:silence/9",))
        await recording.record(channel, recording.Wanted(name="r", format="wav"))
        await trio.sleep(0.1)
    assert_nothing_left(tenant)
