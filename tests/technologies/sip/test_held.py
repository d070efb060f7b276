"""Phones that an application dials, bridges before and after the answer, or sends elsewhere."""

import pytest
import trio
import trio.testing

from stasisd.core import dialing, stasis
from stasisd.core import events as core
from stasisd.core.channel import Channel
from stasisd.core.technology import CannotRedirect, NewChannel, Redirects
from stasisd.sip.events import CallAnswered, CallEnded, CallId, CallProgressed, CallRejected
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import FRAME, Phone
from tests.technologies.sip.world import APP, World

pytestmark = jumping_clock


async def created(world: World, name: str = "101") -> Channel:
    """A channel to a phone, in the application and not dialled yet."""
    channel = dialing.request(world.tenant, f"PJSIP/{name}", NewChannel())
    await dialing.enter(channel, APP, ())
    return channel


async def caller_in_stasis(world: World, phone: Phone) -> tuple[Channel, CallId]:
    """The channel of a phone that called the application, and rings."""
    call = phone.dial("1000")
    started = await world.events.until(core.StasisStart)
    assert isinstance(started, core.StasisStart)
    return world.tenant.channels[started.channel.id], call


def dials(world: World) -> list[tuple[str, str]]:
    """The dial statuses that were told, with what was dialled."""
    return [(e.dialstatus, e.dialstring) for e in world.events.heard if isinstance(e, core.Dial)]


async def test_the_attempt_is_told_step_by_step(world: World) -> None:
    phone = await world.phone("101")
    channel = await created(world)
    dialing.dial_held(channel)
    received = await phone.rings()
    phone.do("ring", received.call)
    await world.events.until(core.ChannelStateChange)
    phone.answer(received)
    await world.events.until(core.ChannelStateChange)
    channel.hangup()
    await world.events.settle()
    assert dials(world) == [("", "101"), ("RINGING", ""), ("ANSWER", "")]
    assert world.events.names(channel.id) == [
        "ChannelCreated", "ChannelDialplan", "ChannelVarset", "StasisStart", "Dial",
        "ChannelStateChange", "Dial", "ChannelStateChange", "Dial", "ChannelHangupRequest",
        "StasisEnd", "ChannelVarset", "ChannelDestroyed",
    ]  # fmt: skip


async def test_a_caller_in_the_bridge_hears_ringing_early_media_and_the_answer(
    world: World,
) -> None:
    one, other = await world.phone("100"), await world.phone("101")
    caller, call = await caller_in_stasis(world, one)
    channel = await created(world)
    bridge = world.tenant.create_bridge()
    bridge.join(caller)
    bridge.join(channel)
    dialing.dial_held(channel, caller=caller)
    received = await other.rings()
    assert received.from_.uri.user == "100"
    other.do("ring", received.call)
    assert (await one.wait(CallProgressed)).status == 180
    body, other.remote = other.description.answer(received.body)
    other.do("progress", received.call, body)
    progressed = await one.wait(CallProgressed)
    assert progressed.status == 183
    one.settle(progressed.body)
    await other.talk(0.5)
    assert one.rtp.heard().count(FRAME) > 10
    other.do("answer", received.call, b"")
    await one.wait(CallAnswered)
    assert {caller.state, channel.state} == {"Up"}
    one.hang_up(call)
    await world.events.settle()
    first = next(e for e in world.events.heard if isinstance(e, core.Dial))
    assert first.caller is not None
    assert first.caller.id == caller.id
    channel.hangup()


async def test_the_phone_shows_who_calls(world: World) -> None:
    one, other = await world.phone("100"), await world.phone("101")
    caller, call = await caller_in_stasis(world, one)
    channel = await created(world)
    dialing.dial_held(channel, caller=caller)
    assert (await other.rings()).from_.uri.user == "100"
    channel.hangup()
    one.hang_up(call)
    await other.wait(CallEnded)


async def test_two_that_were_bridged_before_the_dial_hear_each_other(world: World) -> None:
    one, other = await world.phone("100"), await world.phone("101")
    channels = [await created(world, name) for name in ("100", "101")]
    bridge = world.tenant.create_bridge()
    for channel in channels:
        bridge.join(channel)
    for channel, phone in zip(channels, (one, other), strict=True):
        dialing.dial_held(channel)
        phone.answer(await phone.rings())
        await world.events.settle(0.1)
    # Neither was answered by the other's answer: a channel is answered by its own phone.
    assert [status for status, _ in dials(world)] == ["", "ANSWER"] * 2
    await other.talk(0.5)
    assert one.rtp.heard().count(FRAME) > 10
    for channel in channels:
        channel.hangup()


async def test_ringing_that_others_hear_ends_with_the_attempt(world: World) -> None:
    one, other = await world.phone("100"), await world.phone("101")
    caller, _ = await caller_in_stasis(world, one)
    caller.answer()
    await one.answered()
    channel = await created(world)
    bridge = world.tenant.create_bridge()
    bridge.join(caller)
    bridge.join(channel)
    dialing.dial_held(channel)
    received = await other.rings()
    other.do("ring", received.call)
    await one.talk(0.5)
    assert len(set(one.rtp.heard()[-1600:])) > 2, "no ringing is heard"
    other.do("reject", received.call, 486, 17)
    await trio.sleep(0.1)
    before = len(one.rtp.heard())
    await one.talk(0.5)
    assert len(set(one.rtp.heard()[before:])) <= 1
    caller.hangup()


async def test_nobody_answers_in_time(world: World) -> None:
    phone = await world.phone("101")
    channel = await created(world)
    dialing.dial_held(channel, seconds=10)
    phone.do("ring", (await phone.rings()).call)
    ended = await world.events.until(core.ChannelDestroyed)
    assert isinstance(ended, core.ChannelDestroyed)
    assert ended.cause == 19
    assert [status for status, _ in dials(world)] == ["", "RINGING"]
    assert (await phone.wait(CallEnded)).cause == 19


async def test_a_refusal_ends_the_channel_with_its_cause(world: World) -> None:
    phone = await world.phone("101")
    channel = await created(world)
    dialing.dial_held(channel)
    phone.do("reject", (await phone.rings()).call, 486, 17)
    ended = await world.events.until(core.ChannelDestroyed, id=channel.id)
    assert isinstance(ended, core.ChannelDestroyed)
    assert ended.cause == 17
    assert dials(world) == [("", "101"), ("BUSY", "")]


async def test_hanging_up_gives_the_attempt_up(world: World) -> None:
    phone = await world.phone("101")
    channel = await created(world)
    dialing.dial_held(channel)
    received = await phone.rings()
    phone.do("ring", received.call)
    await world.events.until(core.ChannelStateChange)
    channel.hangup()
    assert (await phone.wait(CallEnded)).call == received.call


# --- elsewhere


async def test_a_ringing_caller_is_sent_to_another_phone(world: World) -> None:
    one, other = await world.phone("100"), await world.phone("101")
    caller, _ = await caller_in_stasis(world, one)
    caller.ring()
    assert isinstance(caller.leg, Redirects)
    caller.leg.redirect("101")
    caller.hangup()
    rejected = await one.wait(CallRejected)
    assert rejected.status == 302
    (sent,) = world.switch.sent("SIP/2.0 302")
    host, port = other.address
    assert f"Contact: <sip:101@{host}:{port}>" in sent


@pytest.mark.parametrize("resource", ["sip:bob@192.0.2.77:5070", "trunk/sip:bob@192.0.2.77:5070"])
async def test_a_caller_is_sent_to_an_address(world: World, resource: str) -> None:
    one = await world.phone("100")
    caller, _ = await caller_in_stasis(world, one)
    assert isinstance(caller.leg, Redirects)
    caller.leg.redirect(resource)
    caller.hangup()
    await one.wait(CallRejected)
    (sent,) = world.switch.sent("SIP/2.0 302")
    assert "Contact: <sip:bob@192.0.2.77:5070>" in sent


@pytest.mark.parametrize("resource", ["nobody", "101", "sip:", "sip:@", "sip:a b", "sip:x\r\ny: z"])
async def test_where_nobody_is_a_caller_is_not_sent(world: World, resource: str) -> None:
    one = await world.phone("100")
    caller, call = await caller_in_stasis(world, one)
    assert isinstance(caller.leg, Redirects)
    with pytest.raises(CannotRedirect):
        caller.leg.redirect(resource)
    await trio.testing.wait_all_tasks_blocked()
    assert not world.switch.sent("SIP/2.0 302")
    one.hang_up(call)


async def test_a_moved_call_stays_up(world: World) -> None:
    one = await world.phone("100")
    caller, call = await caller_in_stasis(world, one)
    caller.answer()
    await one.answered()
    world.tenant.serve_application("second").connect(world.events.mailbox, everything=False)
    stasis.move(caller, "second", ())
    assert caller.application_name == "second"
    one.hang_up(call)
    ended = await world.events.until(core.StasisEnd)
    assert isinstance(ended, core.StasisEnd)
