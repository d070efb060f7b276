"""We call phones: by originate, and by Dial from another phone."""

import pytest
import trio

from stasisd.core import dialing
from stasisd.core import events as core
from stasisd.core.assignment import Assignment
from stasisd.core.channel import Channel
from stasisd.core.snapshots import Party
from stasisd.core.technology import AllocationFailed, NewChannel
from stasisd.core.tenant import Draining
from stasisd.sip.causes import NORMAL_CLEARING
from stasisd.sip.events import CallAnswered, CallEnded, CallId, CallProgressed
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import FRAME, Phone, sdp
from tests.technologies.sip.world import APP, SERVER, World

pytestmark = jumping_clock


def originate(world: World, name: str = "100", seconds: float = 30.0, **new: object) -> Channel:
    """Call a phone and send it to the application when it answers."""
    channel = dialing.request(world.tenant, f"PJSIP/{name}", NewChannel(**new))  # type: ignore[arg-type] # a test names the fields it wants
    dialing.originate(channel, dialing.into_application(APP, ()), seconds=seconds, follower=APP)
    return channel


def dials(world: World) -> list[str]:
    """The dial statuses that were told, in order."""
    return [event.dialstatus for event in world.events.heard if isinstance(event, core.Dial)]


async def the_end(world: World, channel: Channel) -> core.ChannelDestroyed:
    event = await world.events.until(core.ChannelDestroyed, id=channel.id)
    assert isinstance(event, core.ChannelDestroyed)
    return event


async def test_a_phone_answers(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    received = await phone.rings()
    assert channel.snapshot.protocol_id == received.sip_call_id
    phone.do("ring", received.call)
    await world.events.until(core.ChannelStateChange)
    assert channel.state == "Ringing"
    phone.answer(received)
    await world.events.until(core.StasisStart)
    assert dials(world) == ["", "RINGING", "ANSWER"]
    assert channel.state == "Up"
    assert channel.port is not None
    channel.port.echo(True)
    await phone.talk(0.5)
    assert phone.rtp.heard().count(FRAME) > 15
    channel.hangup(17)
    assert (await phone.wait(CallEnded)).cause == 17
    await world.events.until(core.ChannelDestroyed)
    assert world.events.names(channel.id) == [
        "ChannelCreated", "ChannelDialplan", "Dial", "ChannelStateChange", "Dial",
        "ChannelStateChange", "Dial", "ChannelVarset", "StasisStart", "ChannelHangupRequest",
        "StasisEnd", "ChannelVarset", "ChannelDestroyed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "dialstatus", "cause"),
    [
        (486, "BUSY", 17),
        (600, "BUSY", 17),
        (603, "BUSY", 21),
        (480, "NOANSWER", 19),
        (404, "CHANUNAVAIL", 1),
        (488, "CONGESTION", 58),
        (503, "CONGESTION", 34),
    ],
)
async def test_a_phone_refuses(world: World, status: int, dialstatus: str, cause: int) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    received = await phone.rings()
    phone.do("reject", received.call, status, cause)
    assert (await the_end(world, channel)).cause == cause
    assert dials(world) == ["", dialstatus]
    assert "StasisStart" not in world.events.names()


async def test_the_phones_reason_counts_more_than_its_status(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    phone.do("reject", (await phone.rings()).call, 480, 20)
    assert (await the_end(world, channel)).cause == 20


async def test_a_phone_sends_us_elsewhere(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    phone.do("redirect", (await phone.rings()).call, phone.uri("999"))
    assert (await the_end(world, channel)).cause == 127
    assert dials(world) == ["", "CONGESTION"]


async def test_nobody_answers_in_time(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world, seconds=10)
    phone.do("ring", (await phone.rings()).call)
    assert (await the_end(world, channel)).cause == 19
    assert dials(world) == ["", "RINGING", "NOANSWER"]
    (cancel,) = world.switch.sent("CANCEL")
    assert "Reason: Q.850;cause=19" in cancel
    assert (await phone.wait(CallEnded)).cause == 19


async def test_a_phone_that_is_gone(world: World) -> None:
    phone = await world.phone("100")
    del world.switch.udp[phone.address]
    channel = originate(world, seconds=-1)
    assert (await the_end(world, channel)).cause == 18
    assert dials(world) == ["", "NOANSWER"]
    assert len(world.switch.sent("INVITE")) == 7  # timer A: 0.5 s, 1 s, 2 s ... up to 32 s


async def test_a_ringing_call_is_cancelled(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    received = await phone.rings()
    phone.do("ring", received.call)
    await world.events.until(core.ChannelStateChange)
    channel.hangup(NORMAL_CLEARING)
    assert (await phone.wait(CallEnded)).call == received.call
    assert (await the_end(world, channel)).cause == NORMAL_CLEARING
    assert world.switch.sent("SIP/2.0 487")


async def test_cancel_crosses_the_answer(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    received = await phone.rings()
    phone.do("ring", received.call)
    await world.events.until(core.ChannelStateChange)
    world.switch.drops = lambda data: data.startswith(b"CANCEL")
    channel.hangup()
    phone.answer(received)
    assert (await phone.wait(CallEnded)).call == received.call
    assert world.switch.sent("BYE")


async def test_ringing_is_told_once(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    received = await phone.rings()
    for _ in range(3):
        phone.do("ring", received.call)
        await world.events.settle()
    phone.do("reject", received.call, 486, 17)
    await the_end(world, channel)
    assert dials(world) == ["", "RINGING", "BUSY"]


async def test_early_media_is_told_once(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    received = await phone.rings()
    body, phone.remote = phone.description.answer(received.body)
    for _ in range(3):
        phone.do("progress", received.call, body)
        await world.events.settle()
    # The answer came early, so the 200 needs none (RFC 3261 section 13.2.1).
    phone.do("answer", received.call, b"")
    await world.events.until(core.StasisStart)
    assert dials(world) == ["", "PROGRESS", "ANSWER"]
    channel.hangup()


async def test_unusable_early_media_is_passed_over(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    received = await phone.rings()
    phone.do("progress", received.call, b"nonsense")
    phone.answer(received)
    await world.events.until(core.StasisStart)
    assert dials(world) == ["", "ANSWER"]
    channel.hangup()


@pytest.mark.parametrize("body", [b"", b"nonsense", sdp(payload_types="18")])
async def test_an_answer_that_cannot_be_used(world: World, body: bytes) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    phone.do("answer", (await phone.rings()).call, body)
    assert (await phone.wait(CallEnded)).cause == 88
    assert (await the_end(world, channel)).cause == 88
    assert dials(world) == ["", "CONGESTION"]


async def test_no_media(world: World) -> None:
    await world.phone("100")
    world.network.refused = {(SERVER[0], port) for port in range(10000, 20001)}
    channel = originate(world)
    assert (await the_end(world, channel)).cause == 34
    assert not world.switch.sent("INVITE")


async def test_hangup_while_media_opens(world: World) -> None:
    await world.phone("100")
    channel = originate(world)
    channel.hangup()
    await the_end(world, channel)
    assert not world.switch.sent("INVITE")


async def test_the_media_process_dies_while_it_rings(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    phone.do("ring", (await phone.rings()).call)
    await world.events.until(core.ChannelStateChange)
    world.links[0].kill()
    assert (await phone.wait(CallEnded)).cause == 38
    assert (await the_end(world, channel)).cause == 38


async def test_the_connection_is_lost_while_it_rings(world: World) -> None:
    phone = await world.phone("100", transport="tcp")
    channel = originate(world)
    received = await phone.rings()
    phone.do("ring", received.call)
    await world.events.until(core.ChannelStateChange)
    world.switch.cut(phone.address[0])
    assert (await the_end(world, channel)).cause == 34
    assert dials(world) == ["", "RINGING", "CONGESTION"]
    phone.hang_up(received.call)


async def test_calls_go_over_the_connection_of_the_phone(world: World) -> None:
    phone = await world.phone("100", transport="tcp")
    channel = originate(world)
    received = await phone.rings()
    assert received.flow.transport == "tcp"
    phone.answer(received)
    await world.events.until(core.StasisStart)
    channel.hangup()


# --- what the phone is told


async def test_the_caller_is_shown(world: World) -> None:
    phone = await world.phone("100")
    shown = Party('Ada "the" Countess\r\nX: y', "+4912")
    channel = originate(world, caller=shown, connected=shown)
    received = await phone.rings()
    assert received.from_.display == 'Ada "the" CountessX: y'
    assert received.from_.uri.user == "+4912"
    channel.hangup()


@pytest.mark.parametrize("number", ["a b@c;d>", "\r\nVia: x", "%41", "ü"])
async def test_any_number_is_shown_as_it_is(world: World, number: str) -> None:
    phone = await world.phone("100")
    channel = originate(world, connected=Party("", number))
    assert (await phone.rings()).from_.uri.user == number
    channel.hangup()


async def test_nobody_is_shown_as_anonymous(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    assert (await phone.rings()).from_.uri.user == "anonymous"
    channel.hangup()


async def test_variables_and_formats(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(
        world, variables=(Assignment("CONFVAR", "x"),), formats=("alaw",), channel_id="mine"
    )
    assert (channel.id, channel.variables["CONFVAR"]) == ("mine", "x")
    received = await phone.rings()
    assert b"PCMA" in received.body
    assert b"PCMU" not in received.body
    channel.hangup()


async def test_a_call_for_another_is_offered_the_codec_of_that_one(world: World) -> None:
    phone = await world.phone("100")
    caller = await world.phone("102")  # speaks A-law only
    call = await caller.call("1001")
    (first,) = world.tenant.channels.values()
    new = dialing.on_behalf_of(first, NewChannel(), dialled=True)
    second = dialing.request(world.tenant, "PJSIP/100", new)
    assert (new.formats, second.linked_id) == (("alaw",), first.id)
    dialing.originate(second, dialing.into_application(APP, ()), follower=APP)
    received = await phone.rings()
    assert (b"PCMA" in received.body, b"PCMU" in received.body) == (True, False)
    second.hangup()
    caller.do("hangup", call, 16)


async def test_an_id_is_taken_once(world: World) -> None:
    await world.phone("100")
    channel = originate(world, channel_id="mine")
    with pytest.raises(AllocationFailed):
        originate(world, channel_id="mine")
    world.tenant.draining = True
    with pytest.raises(Draining):
        originate(world)
    world.tenant.draining = False
    channel.hangup()


async def test_a_late_verb_does_nothing(world: World) -> None:
    phone = await world.phone("100")
    channel = originate(world)
    phone.answer(await phone.rings())
    await world.events.until(core.StasisStart)
    channel.hangup()
    await world.events.settle()
    leg = channel.leg
    for verb in (leg.ring, leg.progress, leg.answer, leg.busy, leg.hold, leg.unhold):
        verb()
    leg.hangup(16)
    assert len(world.switch.sent("BYE")) == 1


# --- phone to phone


async def connected(world: World) -> tuple[Phone, Phone, CallId, CallId]:
    one, other = await world.phone("100"), await world.phone("101")
    call = one.dial("101")
    received = await other.rings()
    assert (received.from_.uri.user, received.from_.display) == ("100", "Phone")
    other.do("ring", received.call)
    assert (await one.wait(CallProgressed)).status == 180
    other.answer(received)
    await one.answered()
    return one, other, call, received.call


async def test_phones_hear_each_other(world: World) -> None:
    one, other, call, _ = await connected(world)
    said = {one: bytes([0x11]) * 160, other: bytes([0x55]) * 160}
    async with trio.open_nursery() as nursery:
        for phone, octets in said.items():
            nursery.start_soon(phone.talk, 1.0, octets)
    assert one.rtp.heard().count(said[other]) > 30
    assert other.rtp.heard().count(said[one]) > 30
    assert one.rtp.heard().count(said[one]) == 0
    one.hang_up(call)
    await other.wait(CallEnded)
    await world.events.settle()
    assert dials(world) == ["", "RINGING", "ANSWER"]
    (bridge,) = {e.bridge.id for e in world.events.heard if isinstance(e, core.BridgeCreated)}
    assert bridge not in world.tenant.bridges


async def test_the_called_phone_hangs_up(world: World) -> None:
    one, other, _, call = await connected(world)
    other.hang_up(call)
    await one.wait(CallEnded)


async def test_keys_go_through(world: World) -> None:
    one, other, call, _ = await connected(world)
    await one.talk(0.1)
    await other.talk(0.1)
    await one.press("7")
    await world.events.settle()
    assert other.keys_heard() == "7"
    one.hang_up(call)


async def test_the_caller_gives_up(world: World) -> None:
    one, other = await world.phone("100"), await world.phone("101")
    call = one.dial("101")
    received = await other.rings()
    other.do("ring", received.call)
    await one.wait(CallProgressed)
    one.hang_up(call)
    await other.wait(CallEnded)


async def test_the_called_phone_is_busy(world: World) -> None:
    one, other = await world.phone("100"), await world.phone("101")
    one.dial("101")
    other.do("reject", (await other.rings()).call, 486, 17)
    await one.rejected()
    await world.events.settle()
    assert dials(world) == ["", "BUSY"]


async def test_the_caller_hears_early_media(world: World) -> None:
    one, other = await world.phone("100"), await world.phone("101")
    call = one.dial("101")
    received = await other.rings()
    body, other.remote = other.description.answer(received.body)
    other.do("progress", received.call, body)
    progressed = await one.wait(CallProgressed)
    assert progressed.status == 183
    one.settle(progressed.body)
    await other.talk(0.5)
    assert one.rtp.heard().count(FRAME) > 10
    other.do("answer", received.call, b"")
    await one.wait(CallAnswered)
    one.hang_up(call)


async def test_phones_without_a_common_codec_hear_each_other(world: World) -> None:
    one = await world.phone("100", codecs=("ulaw",))
    other = await world.phone("102", codecs=("alaw",))
    call = one.dial("102")
    other.answer(await other.rings())
    await one.answered()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.talk, 0.5)
        nursery.start_soon(other.talk, 0.5)
    assert len(one.rtp.heard(0)) > 15 * 160
    assert len(other.rtp.heard(8)) > 15 * 160
    one.hang_up(call)
