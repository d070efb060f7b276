"""Phones transfer calls that are in bridges of an application: the bridges stay as they are."""

import numpy as np
import trio

from stasisd.core import events as core
from stasisd.core.bridge import Bridge
from stasisd.core.bus import Mailbox
from stasisd.core.channel import Channel
from stasisd.sip.events import CallEnded, CallId
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.referring import (
    all_of,
    answers,
    connected,
    in_application,
    refer,
    replaces,
    told,
)
from tests.technologies.sip.world import APP, World

pytestmark = jumping_clock

TRYING, DONE = "SIP/2.0 100 Trying", "SIP/2.0 200 OK"


class Party:
    """A phone, its call to the application, and the channel of that."""

    def __init__(self, phone: Phone, call: CallId, channel: Channel) -> None:
        self.phone, self.call, self.channel = phone, call, channel

    def hang_up(self) -> None:
        self.phone.hang_up(self.call)


async def talking(world: World, *phones: Phone) -> tuple[Bridge, list[Party]]:
    """Calls of phones that an application has put into a bridge."""
    bridge = world.tenant.create_bridge()
    parties = [Party(phone, *await in_application(world, phone)) for phone in phones]
    for party in parties:
        bridge.join(party.channel)
    await world.events.settle(0.1)
    world.events.heard.clear()
    return bridge, parties


def names(bridge: Bridge) -> list[str]:
    return [channel.name.split("-")[0] for channel in bridge.channels]


# --- blind


async def test_a_channel_to_the_target_takes_the_place_of_who_transfers(world: World) -> None:
    phones = [await world.phone(name) for name in ("100", "101", "102")]
    bridge, (first, second) = await talking(world, *phones[:2])
    target = phones[2]
    boss = ("Referred-By", "<sip:boss@x>")
    refer(first.phone, first.call, "<sip:102@192.0.2.100>", boss)
    received = await target.rings()
    assert received.from_.uri.user == "101"
    assert received.headers.get("Referred-By") == "<sip:boss@x>"
    target.answer(received)
    await first.phone.wait(CallEnded)
    await world.events.settle(1)

    (transfer,) = all_of(world, core.BridgeBlindTransfer)
    assert (transfer.channel.id, transfer.exten, transfer.result) == (
        first.channel.id, "102", "Success",
    )  # fmt: skip
    assert transfer.transferee is not None
    assert transfer.transferee.id == second.channel.id
    assert transfer.bridge is not None
    assert transfer.bridge.channels == (first.channel.id, second.channel.id)
    (start,) = all_of(world, core.StasisStart)
    assert transfer.replace_channel is not None
    assert start.channel.id == transfer.replace_channel.id
    assert start.channel.name.startswith("Local/102@phones-")
    assert start.replace_channel is not None
    assert start.replace_channel.id == first.channel.id
    of_new = world.events.names(start.channel.id)
    assert of_new.index("StasisStart") < of_new.index("ChannelEnteredBridge")
    assert of_new[-1] == "Dial"
    assert names(bridge) == ["PJSIP/101", "Local/102@phones"]
    assert bridge.channels[1].is_up
    assert bridge.channels[1].variables["BLINDTRANSFER"] == first.channel.name
    assert (answers(world), told(world)) == ([202], [TRYING, DONE])
    target.hang_up(received.call)
    await world.events.settle(1)
    assert names(bridge) == ["PJSIP/101"]
    second.hang_up()
    bridge.destroy()


async def test_who_is_in_a_conference_brings_somebody_in(world: World) -> None:
    phones = [await world.phone(name) for name in ("100", "101", "102")]
    bridge, (first, second, third) = await talking(world, *phones)
    refer(first.phone, first.call, "<sip:600@192.0.2.100>")
    await first.phone.wait(CallEnded)
    await world.events.settle(1)
    (transfer,) = all_of(world, core.BridgeBlindTransfer)
    assert (transfer.transferee, transfer.result) == (None, "Success")
    assert names(bridge) == ["PJSIP/101", "PJSIP/102", "Local/600@phones"]
    for party in (second, third):
        party.hang_up()
    await world.events.settle(1)
    assert names(bridge) == ["Local/600@phones"]
    bridge.channels[0].hangup()
    bridge.destroy()


async def test_the_others_stay_where_the_target_is_busy(world: World) -> None:
    phones = [await world.phone(name) for name in ("100", "101")]
    bridge, (first, second) = await talking(world, *phones)
    refer(first.phone, first.call, "<sip:busy@192.0.2.100>")
    await first.phone.wait(CallEnded)
    await world.events.settle(5)
    assert names(bridge) == ["PJSIP/101"]
    assert second.channel.visit is not None
    second.hang_up()
    bridge.destroy()


async def test_an_extension_that_is_not_there_changes_nothing(world: World) -> None:
    phones = [await world.phone(name) for name in ("100", "101")]
    bridge, (first, second) = await talking(world, *phones)
    refer(first.phone, first.call, "<sip:nobody@192.0.2.100>")
    await world.events.settle(1)
    assert answers(world) == [404]
    assert names(bridge) == ["PJSIP/100", "PJSIP/101"]
    assert all_of(world, core.BridgeBlindTransfer) == []
    first.hang_up()
    second.hang_up()
    bridge.destroy()


async def test_a_bridge_that_ends_meanwhile(world: World) -> None:
    phones = [await world.phone(name) for name in ("100", "101")]
    bridge, (first, second) = await talking(world, *phones)
    refer(first.phone, first.call, "<sip:600@192.0.2.100>")
    # The phone hears how it went before the new channel's task has run.
    while not world.switch.sent("SIP/2.0 202"):
        await trio.lowlevel.checkpoint()
    bridge.destroy()
    await world.events.settle(5)
    assert [channel.name.split("-")[0] for channel in world.tenant.channels.values()] == [
        "PJSIP/101"
    ]
    second.hang_up()


async def test_where_nobody_serves_the_application_any_more(world: World) -> None:
    """The way to the target gets no further than that, and the others stay."""
    phones = [await world.phone(name) for name in ("100", "101")]
    bridge, (first, second) = await talking(world, *phones)
    everything = Listener(world.tenant)
    application = world.tenant.applications[APP]
    application.disconnect(application.connect(Mailbox(), everything=False))
    refer(first.phone, first.call, "<sip:600@192.0.2.100>")
    await first.phone.wait(CallEnded)
    await everything.settle(5)
    assert names(bridge) == ["PJSIP/101"]
    assert "ChannelEnteredBridge" not in everything.names()
    assert len(world.tenant.channels) == 1
    second.hang_up()
    bridge.destroy()


async def test_who_is_alone_in_a_bridge_transfers_nobody(world: World) -> None:
    phone = await world.phone("100")
    bridge, (alone,) = await talking(world, phone)
    refer(phone, alone.call, "<sip:600@192.0.2.100>")
    await world.events.settle(0.2)
    assert answers(world) == [603]
    (transfer,) = all_of(world, core.BridgeBlindTransfer)
    assert (transfer.result, transfer.bridge is not None) == ("Invalid", True)
    alone.hang_up()
    bridge.destroy()


# --- attended


# Digital silence, of both laws.
SILENCE = np.array([0xFF, 0x7F, 0xD5, 0x55], np.uint8)


async def hears(speaker: Phone, hearer: Phone) -> bool:
    """Whether the one hears what the other says."""
    await trio.sleep(0.5)
    before = len(hearer.rtp.rtp)
    await speaker.talk(0.5)
    await trio.sleep(0.2)
    heard = b"".join(sent.payload for sent in hearer.rtp.rtp[before:])
    return bool((~np.isin(np.frombuffer(heard, np.uint8), SILENCE)).sum() > 1000)


async def test_two_bridges_of_an_application_are_linked(world: World) -> None:
    middle, one, other = [await world.phone(name) for name in ("100", "101", "102")]
    here, (held, caller) = await talking(world, middle, one)
    there, (reached, target) = await talking(world, middle, other)
    refer(middle, held.call, replaces(middle, reached.call))
    for _ in range(2):
        await middle.wait(CallEnded)
    await world.events.settle(1)
    (transfer,) = all_of(world, core.BridgeAttendedTransfer)
    assert (transfer.destination_type, transfer.result) == ("link", "Success")
    links = (transfer.destination_link_first_leg, transfer.destination_link_second_leg)
    replaced = {
        start.channel.id: start.replace_channel and start.replace_channel.id
        for start in all_of(world, core.StasisStart)
    }
    assert [replaced[link.id] for link in links if link] == [held.channel.id, reached.channel.id]
    assert all_of(world, core.BridgeMerged) == []
    assert names(here) == ["PJSIP/101", "Local/_attended@transfer"]
    assert names(there) == ["PJSIP/102", "Local/_attended@transfer"]
    assert [bridge.channels[1].name[-2:] for bridge in (here, there)] == [";1", ";2"]
    assert await hears(one, other)
    assert await hears(other, one)
    assert answers(world) == [202]
    here.channels[1].hangup()
    await world.events.settle(1)
    assert names(here) + names(there) == ["PJSIP/101", "PJSIP/102"]
    for party in (caller, target):
        party.hang_up()
    for bridge in (here, there):
        bridge.destroy()


async def test_a_call_of_the_dialplan_is_linked_to_a_conference(world: World) -> None:
    middle, one, other = [await world.phone(name) for name in ("100", "101", "102")]
    there, (reached, target) = await talking(world, middle, other)
    held, answered = await connected(world, middle, one)
    world.events.heard.clear()
    refer(middle, held, replaces(middle, reached.call))
    for _ in range(2):
        await middle.wait(CallEnded)
    await world.events.settle(1)
    (here,) = [bridge for bridge in world.tenant.bridges.values() if bridge is not there]
    assert names(here) == ["PJSIP/101", "Local/_attended@transfer"]
    assert names(there) == ["PJSIP/102", "Local/_attended@transfer"]
    assert len(all_of(world, core.StasisStart)) == 1
    one.hang_up(answered)
    await world.events.settle(1)
    assert here.destroyed
    assert names(there) == ["PJSIP/102"]
    target.hang_up()
    there.destroy()


async def test_a_conference_gets_the_application_of_the_dialplan(world: World) -> None:
    """The phone has called the echo, and brings those of its conference there."""
    middle, one = await world.phone("100"), await world.phone("101")
    here, (held, caller) = await talking(world, middle, one)
    reached = await middle.call("600")
    await world.events.settle(1)
    refer(middle, held.call, replaces(middle, reached))
    for _ in range(2):
        await middle.wait(CallEnded)
    await world.events.settle(1)
    (transfer,) = all_of(world, core.BridgeAttendedTransfer)
    assert (transfer.destination_type, transfer.destination_application) == ("application", "Echo")
    assert names(here) == ["PJSIP/101", "Local/600@phones"]
    started = [e for e in all_of(world, core.ChannelDialplan) if "Local" in e.channel.name]
    assert "Answer" not in [e.dialplan_app for e in started], "it goes on where the phone was"
    assert await hears(one, one)
    here.channels[1].hangup()
    caller.hang_up()
    here.destroy()
