"""A phone asks to be transferred (REFER)."""

import pytest

from stasisd.core import events as core
from stasisd.sip.events import CallEnded
from stasisd.sip.message import Response
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import request
from tests.technologies.sip.referring import (
    all_of,
    answers,
    connected,
    entered,
    in_application,
    refer,
    replaces,
    told,
)
from tests.technologies.sip.world import World

pytestmark = jumping_clock


async def test_the_called_phone_sends_the_caller_on(world: World) -> None:
    first, second = await world.phone("100"), await world.phone("101")
    call, answered = await connected(world, first, second)
    world.events.heard.clear()
    refer(second, answered, "<sip:1001@192.0.2.100>")
    await second.wait(CallEnded)
    start = await world.events.until(core.StasisStart)
    assert isinstance(start, core.StasisStart)
    assert start.channel.name.startswith("PJSIP/100-")
    (transfer,) = [e for e in world.events.heard if isinstance(e, core.BridgeBlindTransfer)]
    assert (transfer.exten, transfer.context, transfer.result) == ("1001", "phones", "Success")
    assert transfer.transferee is not None
    assert transfer.transferee.id == start.channel.id
    assert answers(world) == [202]
    assert told(world) == ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]
    assert not world.tenant.bridges
    first.hang_up(call)


async def test_the_caller_sends_the_called_phone_on(world: World) -> None:
    first, second = await world.phone("100"), await world.phone("101")
    call, answered = await connected(world, first, second)
    refer(first, call, "<sip:1001@192.0.2.100>", ("Refer-Sub", "false"))
    await first.wait(CallEnded)
    start = await world.events.until(core.StasisStart)
    assert isinstance(start, core.StasisStart)
    assert start.channel.name.startswith("PJSIP/101-")
    assert (answers(world), told(world)) == ([202], [])
    second.hang_up(answered)


async def test_two_calls_are_put_together(world: World) -> None:
    phones = [await world.phone(name) for name in ("100", "101", "102")]
    caller, middle, target = phones
    first, held = await connected(world, caller, middle)
    second, reached = await connected(world, middle, target)
    world.events.heard.clear()
    refer(middle, held, replaces(middle, second))
    await middle.wait(CallEnded)
    await world.events.settle(1)
    (transfer,) = [e for e in world.events.heard if isinstance(e, core.BridgeAttendedTransfer)]
    assert (transfer.destination_type, transfer.result) == ("bridge", "Success")
    (bridge,) = world.tenant.bridges.values()
    assert bridge.id == transfer.destination_bridge
    assert [channel.name.split("-")[0] for channel in bridge.channels] == ["PJSIP/102", "PJSIP/100"]
    assert not any(isinstance(e, core.BridgeMerged) for e in world.events.heard)
    caller.hang_up(first)
    await target.wait(CallEnded)
    assert not world.tenant.bridges
    assert target.agent._parts.calls.get(reached) is None


async def test_what_cannot_be_done_says_why_and_the_call_goes_on(world: World) -> None:
    first, second = await world.phone("100"), await world.phone("101")
    call, answered = await connected(world, first, second)
    unknown = "<sip:a@b?Replaces=x%3Bto-tag%3Dy%3Bfrom-tag%3Dz>"
    for target in ("<sip:nobody@192.0.2.100>", "<mailto:a@b>", unknown, "<sip:"):
        refer(first, call, target)
        await world.events.settle(0.2)
    assert answers(world) == [404, 416, 404, 400]
    assert len(world.tenant.channels) == 2
    second.hang_up(answered)


async def test_a_phone_does_not_dispose_of_the_calls_of_another(world: World) -> None:
    phones = [await world.phone(name) for name in ("100", "101", "102")]
    call, answered = await connected(world, phones[0], phones[1])
    other = await phones[2].call("600")
    refer(phones[0], call, replaces(phones[2], other))
    await world.events.settle(0.2)
    assert answers(world) == [404]
    phones[1].hang_up(answered)
    phones[2].hang_up(other)


async def test_who_talks_to_nobody_cannot_transfer(world: World) -> None:
    raw = world.raw()
    tag = await raw.call("600")
    raw.send(request("REFER", cseq=2, to_tag=tag, fields=("Refer-To: <sip:1001@x>",)))
    refused: Response = await raw.final()
    assert refused.status == 603
    raw.send(request("BYE", cseq=3, to_tag=tag))
    await raw.final()


# --- more than one thing at a time


async def test_a_party_is_transferred_twice(world: World) -> None:
    """The called phone is sent to a third, and by that to the application."""
    first, second, third = [await world.phone(name) for name in ("100", "101", "102")]
    call, answered = await connected(world, first, second)
    refer(first, call, "<sip:102@192.0.2.100>", ("Referred-By", "<sip:boss@x>"))
    await first.wait(CallEnded)
    received = await third.rings()
    assert received.from_.uri.user == "101"
    assert received.headers.get("Referred-By") == "<sip:boss@x>"
    third.answer(received)
    await world.events.settle(1)
    world.events.heard.clear()
    refer(third, received.call, "<sip:1001@192.0.2.100>")
    await third.wait(CallEnded)
    channel = await entered(world)
    assert channel.name.startswith("PJSIP/101-")
    assert len(all_of(world, core.BridgeBlindTransfer)) == 1
    assert channel.variables["BLINDTRANSFER"].startswith("PJSIP/102-")
    assert channel.variables["SIPREFERTOHDR"] == "sip:1001@192.0.2.100"
    assert "SIPREFERREDBYHDR" not in channel.variables, "the second phone did not say"
    assert answers(world) == [202, 202]
    second.hang_up(answered)


async def test_what_cannot_be_a_header_is_not_passed_on(world: World) -> None:
    first, second = await world.phone("100"), await world.phone("101")
    first.dial("1001")
    channel = await entered(world)
    channel.set_variable("SIPREFERREDBYHDR", "<sip:boss@x>\r\nX-Evil: yes")
    assert channel.visit is not None
    channel.visit.leave(("phones", "101", 1))
    received = await second.rings()
    assert received.headers.get("Referred-By") is received.headers.get("X-Evil") is None
    second.do("reject", received.call, 486, 17)
    await world.events.settle(1)


async def test_a_phone_that_does_not_wait_for_the_answer(world: World) -> None:
    """BYE comes with the REFER: the transfer is done all the same."""
    first, second = await world.phone("100"), await world.phone("101")
    call, answered = await connected(world, first, second)
    refer(second, answered, "<sip:1001@192.0.2.100>")
    second.hang_up(answered)
    channel = await entered(world)
    assert channel.name.startswith("PJSIP/100-")
    assert told(world) == []
    first.hang_up(call)


async def test_a_phone_that_left_before_it_asked(world: World) -> None:
    first, second = await world.phone("100"), await world.phone("101")
    call, answered = await connected(world, first, second)
    dialog = second.agent._parts.calls.get(answered).dialog
    second.hang_up(answered)
    late = second.agent._parts.stack.transactions.with_via(
        dialog.request("REFER", (("Refer-To", "<sip:1001@192.0.2.100>"),)),
        second.flow,
        second.agent._parts.stack.transactions.new_branch(),
    )
    second.agent._parts.stack.transport.send(bytes(late), second.flow)
    second.line.flush()
    await first.wait(CallEnded)
    assert answers(world) == [481]
    assert all_of(world, core.StasisStart) == []
    del call


@pytest.mark.parametrize("asks_first", [True, False])
async def test_the_other_side_hangs_up_meanwhile(world: World, asks_first: bool) -> None:
    """Whatever comes first: the one who asked is not left in a call with nobody."""
    first, second = await world.phone("100"), await world.phone("101")
    call, answered = await connected(world, first, second)
    if asks_first:
        refer(second, answered, "<sip:1001@192.0.2.100>")
        first.hang_up(call)
    else:
        first.hang_up(call)
        refer(second, answered, "<sip:1001@192.0.2.100>")
    await second.wait(CallEnded)
    await world.events.settle(1)
    assert answers(world) in ([202], [603], [480], [487])
    assert not world.tenant.channels
    assert not world.tenant.bridges


# --- to an application of the dialplan


@pytest.mark.parametrize("first_is_alone", [True, False])
async def test_a_party_takes_over_the_call_to_an_application(
    world: World, first_is_alone: bool
) -> None:
    """The phone has a call held, calls the echo, and transfers the one to the other."""
    caller, middle = await world.phone("100"), await world.phone("101")
    call, held = await connected(world, caller, middle)
    reached = await middle.call("600")
    await world.events.settle(1)
    world.events.heard.clear()
    if first_is_alone:
        refer(middle, reached, replaces(middle, held))
    else:
        refer(middle, held, replaces(middle, reached))
    for _ in range(2):
        await middle.wait(CallEnded)
    await world.events.settle(1)
    (transfer,) = all_of(world, core.BridgeAttendedTransfer)
    assert (transfer.destination_type, transfer.destination_application) == ("application", "Echo")
    (echo,) = world.tenant.channels.values()
    assert echo.name.startswith("PJSIP/100-")
    assert echo.snapshot.dialplan.app_name == "Echo"
    assert echo.variables["ATTENDEDTRANSFER"].startswith("PJSIP/101-")
    caller.hang_up(call)


async def test_a_party_takes_over_the_call_to_a_stasis_application(world: World) -> None:
    """The application sees who comes instead, and the party stays in its call."""
    caller, middle = await world.phone("100"), await world.phone("101")
    call, held = await connected(world, caller, middle)
    reached, replaced = await in_application(world, middle)
    world.events.heard.clear()
    refer(middle, held, replaces(middle, reached))
    for _ in range(2):
        await middle.wait(CallEnded)
    await world.events.settle(1)
    (transfer,) = all_of(world, core.BridgeAttendedTransfer)
    assert (transfer.destination_type, transfer.destination_application) == (
        "application", "Stasis",
    )  # fmt: skip
    (start,) = all_of(world, core.StasisStart)
    assert start.replace_channel is not None
    assert start.replace_channel.id == replaced.id
    assert start.channel.name.endswith(";2")
    assert transfer.replace_channel is not None
    assert transfer.replace_channel.name == start.channel.name[:-1] + "1"
    (bridge,) = world.tenant.bridges.values()
    assert [c.name.split("-")[0] for c in bridge.channels] == [
        "PJSIP/100", "Local/_attended@transfer",
    ]  # fmt: skip
    caller.hang_up(call)
    await world.events.settle(1)
    assert not world.tenant.channels


async def test_two_calls_with_nobody_are_not_put_together(world: World) -> None:
    phone = await world.phone("100")
    first, second = await phone.call("600"), await phone.call("600")
    refer(phone, first, replaces(phone, second))
    await world.events.settle(0.2)
    assert answers(world) == [603]
    (transfer,) = all_of(world, core.BridgeAttendedTransfer)
    assert (transfer.result, transfer.destination_type) == ("Invalid", "fail")
    for call in (first, second):
        phone.hang_up(call)
