"""Transfers that are left to an application, and phones that an application sends elsewhere."""

import pytest

from stasisd.core import dialing, variables
from stasisd.core import events as core
from stasisd.core.assignment import Assignment
from stasisd.core.channel import Channel
from stasisd.core.technology import (
    CannotRedirect,
    NewChannel,
    NoTransfer,
    Redirects,
    ReportsTransfer,
)
from stasisd.core.variables import UnknownFunction
from stasisd.sip.events import CallEnded, CallId, ReferReceived
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.referring import (
    all_of,
    answers,
    entered,
    in_application,
    refer,
    replaces,
    told,
)
from tests.technologies.sip.world import APP, World

pytestmark = jumping_clock

HANDLING = "PJSIP_TRANSFER_HANDLING()"
DONE = "SIP/2.0 200 OK"
TRYING = "SIP/2.0 100 Trying"


async def one_in_application(world: World) -> tuple[Phone, CallId, Channel]:
    phone = await world.phone("100")
    return (phone, *await in_application(world, phone))


def report(channel: Channel, state: str) -> None:
    leg: object = channel.leg
    assert isinstance(leg, ReportsTransfer)
    leg.transfer_progress(state)


def redirect(channel: Channel, resource: str) -> None:
    assert isinstance(channel.leg, Redirects)
    channel.leg.redirect(resource)


# --- the application does what the phone asks for


async def test_an_application_does_the_transfer(world: World) -> None:
    phone, call, channel = await one_in_application(world)
    variables.write(channel, HANDLING, "ari-only")
    refer(phone, call, "<sip:nobody@192.0.2.100>", ("Referred-By", "<sip:boss@x>"))
    await world.events.settle(0.2)
    (wanted,) = all_of(world, core.ChannelTransfer)
    assert (wanted.state, wanted.destination, wanted.referred_by) == (
        None,
        "nobody",
        "<sip:boss@x>",
    )
    assert wanted.source_channel.id == channel.id
    assert (wanted.destination_channel, wanted.source_bridge, wanted.protocol_id) == (None,) * 3
    for state in ("channel_progress", "channel_answered"):
        report(channel, state)
    await world.events.settle(0.2)
    assert answers(world) == [202]
    assert told(world) == [TRYING, TRYING, DONE]
    states = [event.state for event in all_of(world, core.ChannelTransfer)]
    assert states == [None, "channel_progress", "channel_answered"]
    assert channel.visit is not None, "the application has it still"
    with pytest.raises(NoTransfer):
        report(channel, "channel_answered")
    phone.hang_up(call)


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("channel_unavailable", "SIP/2.0 503 Service Unavailable"),
        ("channel_declined", "SIP/2.0 603 Decline"),
    ],
)
async def test_a_transfer_that_fails_may_be_tried_again(
    world: World, state: str, line: str
) -> None:
    phone, call, channel = await one_in_application(world)
    variables.write(channel, HANDLING, "ari-only")
    for _ in range(2):
        refer(phone, call, "<sip:1001@192.0.2.100>")
        await world.events.settle(0.2)
        report(channel, state)
        await world.events.settle(0.2)
    assert answers(world) == [202, 202]
    assert told(world) == [TRYING, line] * 2
    phone.hang_up(call)


async def test_where_a_phone_does_not_listen_the_application_still_hears(world: World) -> None:
    phone, call, channel = await one_in_application(world)
    variables.write(channel, HANDLING, "ari-only")
    refer(phone, call, "<sip:1001@192.0.2.100>", ("Refer-Sub", "false"))
    await world.events.settle(0.2)
    report(channel, "channel_answered")
    await world.events.settle(0.2)
    assert told(world) == []
    assert len(all_of(world, core.ChannelTransfer)) == 2
    phone.hang_up(call)


async def test_one_transfer_at_a_time(world: World) -> None:
    phone, call, channel = await one_in_application(world)
    variables.write(channel, HANDLING, "ari-only")
    for _ in range(2):
        refer(phone, call, "<sip:1001@192.0.2.100>")
        await world.events.settle(0.2)
    assert answers(world) == [202, 491]
    phone.hang_up(call)


async def test_who_is_in_the_calls_is_told(world: World) -> None:
    """The phone wants its two calls, each with somebody, to be put together."""
    phone, other = await world.phone("100"), await world.phone("101")
    call, first = await in_application(world, phone)
    other_call, peer = await in_application(world, other)
    second_call, second = await in_application(world, phone)
    bridge = world.tenant.create_bridge()
    bridge.join(first)
    bridge.join(peer)
    variables.write(first, HANDLING, "ari-only")
    refer(phone, call, replaces(phone, second_call))
    await world.events.settle(0.2)
    (wanted,) = all_of(world, core.ChannelTransfer)
    assert wanted.source_channel.id == first.id
    assert wanted.source_connected is not None
    assert wanted.source_connected.id == peer.id
    assert wanted.source_bridge is not None
    assert wanted.source_bridge.id == bridge.id
    assert wanted.destination_channel is not None
    assert wanted.destination_channel.id == second.id
    assert (wanted.destination_connected, wanted.destination_bridge) == (None, None)
    dialog = phone.agent._parts.calls.get(second_call).dialog
    assert wanted.protocol_id == dialog.call_id == second.snapshot.protocol_id
    tags = {"from": dialog.local.tag, "to": dialog.remote.tag}
    assert dict(wanted.parameters) == tags
    for caller, name in ((phone, call), (phone, second_call), (other, other_call)):
        caller.hang_up(name)
    bridge.destroy()


@pytest.mark.parametrize(("address", "destination"), [("bob@far", "bob"), ("192.0.2.9", "")])
async def test_a_call_that_is_not_here_is_named(
    world: World, address: str, destination: str
) -> None:
    phone, call, channel = await one_in_application(world)
    variables.write(channel, HANDLING, "ari-only")
    refer(phone, call, f"<sip:{address}?Replaces=x%40y%3Bto-tag%3Dt%3Bfrom-tag%3Df>")
    await world.events.settle(0.2)
    (wanted,) = all_of(world, core.ChannelTransfer)
    assert (wanted.destination, wanted.protocol_id) == (destination, "x@y")
    assert wanted.parameters == (("from", "f"), ("to", "t"))
    assert wanted.destination_channel is None
    phone.hang_up(call)


async def test_a_channel_that_ends_before_the_report_tells_the_phone(world: World) -> None:
    phone, call, channel = await one_in_application(world)
    variables.write(channel, HANDLING, "ari-only")
    refer(phone, call, "<sip:1001@192.0.2.100>")
    await world.events.settle(0.2)
    channel.hangup()
    await phone.wait(CallEnded)
    assert told(world) == [TRYING, "SIP/2.0 503 Service Unavailable"]


async def test_a_phone_that_leaves_before_the_report(world: World) -> None:
    phone, call, channel = await one_in_application(world)
    variables.write(channel, HANDLING, "ari-only")
    refer(phone, call, "<sip:1001@192.0.2.100>")
    await world.events.settle(0.2)
    phone.hang_up(call)
    await world.events.until(core.ChannelHangupRequest)
    with pytest.raises(NoTransfer):
        report(channel, "channel_answered")
    await world.events.settle(0.2)
    assert told(world) == [TRYING]


async def test_a_phone_that_wants_to_hear_no_more(world: World) -> None:
    """It answers a NOTIFY with 481."""
    phone, call, channel = await one_in_application(world)
    variables.write(channel, HANDLING, "ari-only")
    refer(phone, call, "<sip:1001@192.0.2.100>")
    phone.agent._parts.calls.get(call).referring = False
    await world.events.settle(1)
    assert told(world) == [TRYING]
    with pytest.raises(NoTransfer):
        report(channel, "channel_answered")
    phone.hang_up(call)


async def test_the_server_does_it_again_where_told(world: World) -> None:
    phone, call, channel = await one_in_application(world)
    for value in ("ari-only", "core"):
        variables.write(channel, HANDLING, value)
    refer(phone, call, "<sip:1001@192.0.2.100>")
    await world.events.settle(0.2)
    assert answers(world) == [603]
    assert all_of(world, core.ChannelTransfer) == []
    for value in ("ari", "ARI-ONLY"):
        with pytest.raises(UnknownFunction):
            variables.write(channel, HANDLING, value)
    with pytest.raises(UnknownFunction):
        variables.read(channel, HANDLING)
    phone.hang_up(call)


async def test_a_channel_may_be_made_so(world: World) -> None:
    phone = await world.phone("100")
    asked = NewChannel(variables=(Assignment(HANDLING, "ari-only"),))
    channel = dialing.request(world.tenant, "PJSIP/100", asked)
    dialing.originate(channel, dialing.into_application(APP, ()), follower=APP)
    received = await phone.rings()
    phone.answer(received)
    assert await entered(world) is channel
    await world.events.settle(0.1)
    refer(phone, received.call, "<sip:nobody@192.0.2.100>")
    await world.events.settle(0.2)
    assert len(all_of(world, core.ChannelTransfer)) == 1
    phone.hang_up(received.call)


# --- the application sends a phone elsewhere


async def test_an_answered_phone_is_sent_elsewhere(world: World) -> None:
    target = await world.phone("101")
    phone, call, channel = await one_in_application(world)
    channel.set_variable("SIPREFERREDBYHDR", "<sip:boss@x>")
    redirect(channel, "101")
    asked = await phone.wait(ReferReceived)
    assert str(asked.refer_to.uri) == f"sip:101@{target.address[0]}:5060"
    assert asked.referred_by == "<sip:boss@x>"
    phone.do("accept_referral", call)
    phone.do("report_referral", call, 180)
    await world.events.settle(0.2)
    assert not channel.hungup
    phone.do("report_referral", call, 200)
    assert (await phone.wait(CallEnded)).call == call
    assert channel.variables["TRANSFERSTATUS"] == "SUCCESS"
    await target.unregister()


async def test_a_phone_that_does_not_get_there_stays(world: World) -> None:
    phone, call, channel = await one_in_application(world)
    redirect(channel, "sip:bob@192.0.2.77")
    with pytest.raises(CannotRedirect, match="under way"):
        redirect(channel, "sip:bob@192.0.2.77")
    await phone.wait(ReferReceived)
    phone.do("accept_referral", call)
    phone.do("report_referral", call, 486)
    await world.events.settle(0.2)
    assert (channel.hungup, channel.visit is not None) == (False, True)
    assert channel.variables["TRANSFERSTATUS"] == "FAILURE"
    assert channel.variables["TRANSFERSTATUSPROTOCOL"] == "486"
    phone.hang_up(call)


async def test_a_phone_that_leaves_while_it_is_sent(world: World) -> None:
    phone, call, channel = await one_in_application(world)
    redirect(channel, "sip:bob@192.0.2.77")
    phone.hang_up(call)
    await world.events.until(core.ChannelDestroyed, id=channel.id)
    with pytest.raises(CannotRedirect, match="not answered"):
        redirect(channel, "sip:bob@192.0.2.77")
