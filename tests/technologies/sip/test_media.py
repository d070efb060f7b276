"""Hold, re-INVITE and keys, in both directions."""

import numpy as np
import trio

from stasisd.core import events as core
from stasisd.core.channel import Channel
from stasisd.media import codecs
from stasisd.sip.events import OfferAnswered, OfferReceived
from tests.media.audio import octets
from tests.media.test_detect import digits_of, pressed
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import FRAME, Phone, info, ok, request, sdp
from tests.technologies.sip.world import World

pytestmark = jumping_clock

HOLDING = {"ChannelHold", "ChannelUnhold"}


def only_channel(world: World) -> Channel:
    (channel,) = world.tenant.channels.values()
    return channel


def held(world: World) -> list[str]:
    return [name for name in world.events.names() if name in HOLDING]


def keys(world: World) -> str:
    return "".join(e.digit for e in world.events.heard if isinstance(e, core.ChannelDtmfReceived))


async def offer(phone: Phone, call: str, *, holding: bool = False) -> bytes:
    """Re-negotiate from the phone's side; returns the answer."""
    phone.description.holding = holding
    phone.do("reinvite", call, phone.description.offer())
    answer = (await phone.wait(OfferAnswered)).body
    phone.settle(answer)
    return answer


# --- hold


async def test_the_phone_holds_and_resumes(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    assert b"a=recvonly" in await offer(phone, call, holding=True)
    await offer(phone, call, holding=True)  # once more is nothing new
    await world.events.settle()
    assert held(world) == ["ChannelHold"]
    phone.rtp.packets.clear()
    await phone.talk(0.5)
    assert phone.rtp.packets == []
    assert b"a=sendrecv" in await offer(phone, call)
    await world.events.settle()
    assert held(world) == ["ChannelHold", "ChannelUnhold"]
    await phone.talk(0.5)
    assert phone.rtp.heard().count(FRAME) > 15
    phone.hang_up(call)


async def test_we_hold_and_resume(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    channel = only_channel(world)
    for verb, direction in ((channel.leg.hold, b"a=sendonly"), (channel.leg.unhold, b"a=sendrecv")):
        verb()
        verb()  # once more says nothing new
        received = await phone.wait(OfferReceived)
        assert direction in received.body
        body, _ = phone.description.answer(received.body)
        phone.do("accept_offer", call, body)
        await world.events.settle()
    assert held(world) == []
    assert len([d for _, d in world.switch.log if d.startswith(b"INVITE")]) == 4  # 2 of the call
    phone.hang_up(call)


async def test_a_hold_waits_for_its_turn(world: World) -> None:
    phone = await world.phone("100")
    call = phone.dial("1000")
    await world.events.until(core.StasisStart)
    leg, channel = only_channel(world).leg, only_channel(world)
    leg.hold()
    channel.answer()
    leg.unhold()
    leg.hold()  # the ACK to our 200 has not come yet
    await phone.answered()
    received = await phone.wait(OfferReceived)
    assert b"a=sendonly" in received.body
    leg.unhold()  # the answer to our offer has not come yet
    body, _ = phone.description.answer(received.body)
    phone.do("accept_offer", call, body)
    received = await phone.wait(OfferReceived)
    assert b"a=sendrecv" in received.body
    body, _ = phone.description.answer(received.body)
    phone.do("accept_offer", call, body)
    await world.events.settle()
    assert not [event for event in phone.heard if isinstance(event, OfferReceived)]
    phone.hang_up(call)


async def test_a_refused_hold_can_be_asked_for_again(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    for _ in range(2):
        only_channel(world).leg.hold()
        await phone.wait(OfferReceived)
        phone.do("reject_offer", call)
        await world.events.settle()
    phone.hang_up(call)


async def test_holds_that_meet(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    only_channel(world).leg.hold()
    phone.description.holding = True
    phone.do("reinvite", call, phone.description.offer())
    # Both are refused, and whoever tries again first settles it for both.
    received = await phone.wait(OfferReceived)
    body, _ = phone.description.answer(received.body)
    phone.do("accept_offer", call, body)
    await world.events.settle(10)
    assert phone.description.held
    assert held(world) == ["ChannelHold"]
    phone.hang_up(call)


async def test_nobody_is_held_before_the_answer(world: World) -> None:
    phone = await world.phone("100")
    call = phone.dial("ring")
    await world.events.until(core.ChannelCreated)
    only_channel(world).leg.hold()
    await world.events.settle()
    assert len(world.switch.sent("INVITE")) == 2
    phone.hang_up(call)


# --- re-INVITE


async def test_media_moves_to_another_address(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    await phone.talk(0.2)
    old, phone.rtp = phone.rtp, world.network.far("192.0.2.77", 6000)
    phone.move("192.0.2.77", 6000)
    await offer(phone, call)
    old.packets.clear()
    await phone.talk(0.5)
    assert phone.rtp.heard().count(FRAME) > 15
    assert old.packets == []
    phone.hang_up(call)


async def test_a_reinvite_without_offer_gets_ours(world: World) -> None:
    raw = world.raw()
    tag = await raw.call("600")
    raw.send(request("INVITE", cseq=2, to_tag=tag))
    answered = await raw.final()
    remote = "192.0.2.100", int(answered.body.split(b"m=audio ")[1].split()[0])
    raw.send(request("ACK", cseq=2, to_tag=tag, body=sdp(port=7000)))
    far = world.network.far("192.0.2.50", 7000)
    for _ in range(30):
        far.send_audio(FRAME, remote)
        await trio.sleep(0.02)
    assert far.heard().count(FRAME) > 20
    raw.send(request("BYE", cseq=3, to_tag=tag))
    assert (await raw.final()).status == 200


async def test_a_bad_reinvite_changes_nothing(world: World) -> None:
    raw = world.raw()
    tag = await raw.call("600")
    for cseq, (body, status) in enumerate(
        [(b"nonsense", 400), (sdp(payload_types="18"), 488)], start=2
    ):
        raw.send(request("INVITE", cseq=cseq, to_tag=tag, body=body))
        assert (await raw.final()).status == status
        raw.send(request("ACK", cseq=cseq, to_tag=tag).replace(b"z9hG4bKACK", b"z9hG4bKINVITE"))
    assert only_channel(world).is_up
    raw.send(request("BYE", cseq=9, to_tag=tag))
    assert (await raw.final()).status == 200


async def test_an_unusable_answer_to_our_hold_changes_nothing(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    only_channel(world).leg.hold()
    await phone.wait(OfferReceived)
    phone.do("accept_offer", call, b"nonsense")
    await world.events.settle()
    assert only_channel(world).is_up
    phone.hang_up(call)


# --- keys


async def test_keys_as_events(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("1001")
    await phone.press("15*")
    await world.events.settle()
    assert keys(world) == "15*"
    only_channel(world).sound.send_dtmf("42#")
    await world.events.settle()
    assert phone.keys_heard() == "42#"
    phone.hang_up(call)


async def test_keys_by_info(world: World) -> None:
    raw = world.raw()
    tag = await raw.call("1001")
    raw.send(info(tag, "Signal=5\r\nDuration=160\r\n"))
    assert (await raw.final()).status == 200
    pressed_key = await world.events.until(core.ChannelDtmfReceived)
    assert isinstance(pressed_key, core.ChannelDtmfReceived)
    assert (pressed_key.digit, pressed_key.duration_ms) == ("5", 160)
    raw.send(info(tag, "Signal=nonsense\r\n", 3))
    assert (await raw.final()).status == 400
    raw.send(request("BYE", cseq=4, to_tag=tag))
    assert (await raw.final()).status == 200


async def test_keys_as_sounds(world: World) -> None:
    raw = world.raw()
    raw.send(request("INVITE", exten="1001", body=sdp(payload_types="0")))
    answered = await raw.final()
    tag = answered.to.tag or ""
    raw.send(request("ACK", exten="1001", to_tag=tag))
    assert b"telephone-event" not in answered.body
    remote = "192.0.2.100", int(answered.body.split(b"m=audio ")[1].split()[0])
    far = world.network.far("192.0.2.50")
    said = octets(pressed("15*", on_ms=80, off_ms=80))
    for start in range(0, len(said), 160):
        far.send_audio(said[start : start + 160], remote)
        await trio.sleep(0.02)
    await world.events.settle()
    assert keys(world) == "15*"
    far.packets.clear()
    only_channel(world).sound.send_silence(on=True)
    only_channel(world).sound.send_dtmf("42#")
    await world.events.settle(2)
    heard = codecs.decode(np.frombuffer(far.heard(), np.uint8), codecs.PCMU)
    assert "".join(digit for digit, _ in digits_of(heard)) == "42#"
    raw.send(request("BYE", cseq=2, to_tag=tag))
    assert (await raw.final()).status == 200


async def test_we_leave_a_phone_that_does_not_answer_a_hold(world: World) -> None:
    raw = world.raw()
    await raw.call("1001")
    await world.events.settle()
    only_channel(world).leg.hold()
    destroyed = await world.events.until(core.ChannelDestroyed)
    assert isinstance(destroyed, core.ChannelDestroyed)
    assert destroyed.cause == 18
    request_ = await raw.request()
    while request_.method != "BYE":
        request_ = await raw.request()
    raw.send(ok(request_))
