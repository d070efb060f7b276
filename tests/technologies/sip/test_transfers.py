"""A phone asks to be transferred (REFER)."""

from stasisd.core import events as core
from stasisd.sip.events import CallEnded
from stasisd.sip.message import Response
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import request
from tests.technologies.sip.referring import (
    answers,
    connected,
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
    assert target.agent._calls.get(reached) is None


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


async def test_who_talks_to_nobody_cannot_transfer(world: World) -> None:
    raw = world.raw()
    tag = await raw.call("600")
    raw.send(request("REFER", cseq=2, to_tag=tag, fields=("Refer-To: <sip:1001@x>",)))
    refused: Response = await raw.final()
    assert refused.status == 603
    raw.send(request("BYE", cseq=3, to_tag=tag))
    await raw.final()
