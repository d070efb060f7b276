"""Phones call us."""

import pytest
import trio

from stasisd.core import events as core
from stasisd.media.control import Port
from stasisd.sip.causes import parse_reason
from stasisd.sip.events import CallEnded, CallProgressed
from stasisd.sip.message import Response
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import FRAME, info, ok, request, sdp
from tests.technologies.sip.world import SERVER, World

pytestmark = jumping_clock


async def in_application(world: World) -> core.StasisStart:
    event = await world.events.until(core.StasisStart)
    assert isinstance(event, core.StasisStart)
    return event


async def destroyed(world: World, channel_id: str) -> core.ChannelDestroyed:
    event = await world.events.until(core.ChannelDestroyed, id=channel_id)
    assert isinstance(event, core.ChannelDestroyed)
    return event


async def test_a_call_to_an_application(world: World) -> None:
    phone = await world.phone("100")
    call = phone.dial("1000")
    start = await in_application(world)
    shown = start.channel
    assert shown.name.startswith("PJSIP/100-")
    assert (shown.state, shown.caller.number, shown.caller.name) == ("Ring", "100", "Phone")
    assert shown.protocol_id == phone.agent.sip_call_id(call)
    assert (shown.dialplan.context, shown.dialplan.exten) == ("phones", "1000")
    assert world.tenant.endpoints["PJSIP", "100"].snapshot.channel_ids == (shown.id,)

    channel = world.tenant.channels[shown.id]
    channel.ring()
    assert (await phone.wait(CallProgressed)).status == 180
    channel.answer()
    await phone.answered()
    await world.events.until(core.ChannelStateChange)
    phone.hang_up(call)
    assert (await destroyed(world, shown.id)).cause == 16
    names = world.events.names(shown.id)
    assert names[:4] == ["ChannelCreated", "ChannelDialplan", "ChannelVarset", "StasisStart"]
    assert names[4:11] == [
        "ChannelStateChange", *["ChannelVarset"] * 5, "ChannelHangupRequest"
    ]  # fmt: skip
    assert names[-1] == "ChannelDestroyed"
    variables = [e.variable for e in world.events.heard if isinstance(e, core.ChannelVarset)]
    quality = [name for name in variables if name.startswith("RTPAUDIOQOS")]
    assert quality == [f"RTPAUDIOQOS{which}" for which in ("", "JITTER", "LOSS", "RTT", "MES")]


async def test_the_quality_counts_packets(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    await phone.talk(1.0)
    phone.hang_up(call)
    await world.events.until(core.ChannelDestroyed)
    (line,) = (
        e.value
        for e in world.events.heard
        if isinstance(e, core.ChannelVarset) and e.variable == "RTPAUDIOQOS"
    )
    values = dict(pair.split("=") for pair in line.split(";"))
    assert int(values["rxcount"]) == 50
    assert int(values["txcount"]) >= 45
    assert values["themssrc"] == str(0x1234)
    assert values["lp"] == "0"


async def test_echo(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    await phone.talk(1.0)
    assert phone.rtp.heard().count(FRAME) > 40
    phone.hang_up(call)


@pytest.mark.parametrize(
    ("exten", "status", "cause"), [("nowhere", 404, 1), ("busy", 486, 17), ("decline", 403, 21)]
)
async def test_a_call_that_the_dialplan_does_not_take(
    world: World, exten: str, status: int, cause: int
) -> None:
    phone = await world.phone("100")
    phone.dial(exten)
    rejected = await phone.rejected()
    assert (rejected.status, rejected.cause) == (status, cause)
    (text,) = set(world.switch.sent(f"SIP/2.0 {status}"))
    assert f"Reason: Q.850;cause={cause}" in text


async def test_no_common_codec(world: World) -> None:
    phone = await world.phone("102", codecs=("ulaw",))
    phone.dial("600")
    assert (await phone.rejected()).status == 488


@pytest.mark.parametrize("body", [b"v=0\r\n", b"nonsense", b"\x00" * 40])
async def test_a_bad_description(world: World, body: bytes) -> None:
    phone = await world.phone("100")
    phone.dial("600", body)
    assert (await phone.rejected()).status == 400


async def test_no_calls_while_draining(world: World) -> None:
    phone = await world.phone("100")
    world.tenant.draining = True
    phone.dial("600")
    assert (await phone.rejected()).status == 503


async def test_all_is_quiet_as_soon_as_the_last_bye_is_answered(world: World) -> None:
    phone = await world.phone("100")
    await phone.call("600")
    world.switch.drops = lambda data: data.startswith(b"BYE")
    world.tenant.drain(16)
    await world.tenant.wait_empty()
    await world.events.settle(1)
    world.switch.drops = lambda _: False
    with trio.fail_after(4):  # it is sent again within so many seconds, and for 32
        await world.sip.wait_quiet()


class SlowMedia:
    """Media whose ports open, and are handed out when a test says so."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = trio.Event()
        self.handed_out = trio.Event()
        self._open = world.media.open_rtp
        monkeypatch.setattr(world.media, "open_rtp", self.open)

    async def open(self) -> Port:
        port = await self._open()
        self.opened.set()
        await self.handed_out.wait()
        return port


async def test_draining_while_media_opens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, media = await world.phone("100"), SlowMedia(world, monkeypatch)
    phone.dial("600")
    await media.opened.wait()
    world.tenant.draining = True
    media.handed_out.set()
    assert (await phone.rejected()).status == 503


async def test_no_media(world: World) -> None:
    phone = await world.phone("100")
    world.network.refused = {(SERVER[0], port) for port in range(10000, 20001)}
    phone.dial("600")
    assert (await phone.rejected()).status == 503


async def test_the_caller_gives_up_while_media_opens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, media = await world.phone("100"), SlowMedia(world, monkeypatch)
    call = phone.dial("600")
    await media.opened.wait()
    phone.hang_up(call)
    await world.events.settle()
    media.handed_out.set()
    await world.check_nothing_left()
    assert "ChannelCreated" not in world.events.names()


async def test_invite_and_cancel_in_one_read(world: World) -> None:
    raw = world.raw()
    raw.send(request("INVITE", body=sdp()))
    raw.send(request("CANCEL").replace(b"z9hG4bKCANCEL", b"z9hG4bKINVITE"))
    statuses = [m.status for _ in range(3) if isinstance(m := await raw.message(), Response)]
    assert statuses == [100, 200, 487]
    assert "ChannelCreated" not in world.events.names()


async def test_the_caller_cancels(world: World) -> None:
    phone = await world.phone("100")
    call = phone.dial("ring")
    assert (await phone.wait(CallProgressed)).status == 180
    phone.hang_up(call)
    assert (await destroyed(world, (await channel_id(world)))).cause == 16
    assert len(world.switch.sent("CANCEL")) == 1
    assert world.switch.sent("SIP/2.0 487")


async def channel_id(world: World) -> str:
    while True:
        for event in world.events.heard:
            if isinstance(event, core.ChannelCreated):
                return event.channel.id
        await world.events.next()


async def test_an_invite_without_offer_gets_ours(world: World) -> None:
    phone = await world.phone("100")
    call = phone.dial("1000", b"")
    channel = world.tenant.channels[(await in_application(world)).channel.id]
    channel.progress()
    progressed = await phone.wait(CallProgressed)
    assert (progressed.status, progressed.body) == (183, b"")
    phone.hang_up(call)


async def test_a_late_answer(world: World) -> None:
    raw = world.raw()
    raw.send(request("INVITE"))
    answered = await raw.final()
    assert b"m=audio" in answered.body
    raw.send(request("ACK", to_tag=answered.to.tag or "", body=sdp()))
    far = world.network.far("192.0.2.50")
    remote = "192.0.2.100", int(answered.body.split(b"m=audio ")[1].split()[0])
    for _ in range(50):
        far.send_audio(FRAME, remote)
        await trio.sleep(0.02)
    assert far.heard().count(FRAME) > 40
    raw.send(request("BYE", cseq=2, to_tag=answered.to.tag or ""))
    assert (await raw.final()).status == 200


@pytest.mark.parametrize("body", [b"", b"nonsense", sdp(payload_types="18")])
async def test_no_usable_late_answer(world: World, body: bytes) -> None:
    raw = world.raw()
    raw.send(request("INVITE"))
    answered = await raw.final()
    raw.send(request("ACK", to_tag=answered.to.tag or "", body=body))
    bye = await raw.request()
    assert (bye.method, bye.headers.get("Reason")) == ("BYE", "Q.850;cause=88")
    raw.send(ok(bye))


async def test_we_hang_up(world: World) -> None:
    phone = await world.phone("100")
    await phone.call("bye")
    ended = await phone.wait(CallEnded)
    assert ended.cause == 17
    (bye,) = world.switch.sent("BYE")
    assert "Reason: Q.850;cause=17" in bye


async def test_the_phones_reason_is_the_cause(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("600")
    phone.hang_up(call, 21)
    assert (await destroyed(world, await channel_id(world))).cause == 21
    assert parse_reason("Q.850;cause=21").cause == 21


async def test_hangup_before_the_answer(world: World) -> None:
    phone = await world.phone("100")
    phone.dial("1000")
    shown = (await in_application(world)).channel
    world.tenant.channels[shown.id].hangup(16)
    assert (await phone.rejected()).status == 603


async def test_no_ack(world: World) -> None:
    phone = await world.phone("100")
    world.switch.drops = lambda data: data.startswith(b"ACK")
    await phone.call("600")
    assert (await destroyed(world, await channel_id(world))).cause == 102
    assert world.switch.sent("BYE")


async def test_without_password(world: World) -> None:
    raw = world.raw()
    raw.send(request("INVITE", exten="nowhere", body=sdp()))
    assert (await raw.final()).status == 404


async def test_a_stranger_is_challenged(world: World) -> None:
    raw = world.raw()
    raw.send(request("INVITE", user="stranger", body=sdp()))
    assert (await raw.final()).status == 401


async def test_the_media_process_dies(world: World) -> None:
    phone = await world.phone("100")
    await phone.call("600")
    world.links[0].kill()
    ended = await phone.wait(CallEnded)
    assert ended.cause == 38
    assert (await destroyed(world, await channel_id(world))).cause == 38
    await world.events.settle(1)
    phone.hang_up(await phone.call("600"))  # the next one is up


async def test_a_bug_in_one_call_ends_that_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, phone = world.raw(), await world.phone("100")
    tag = await raw.call("600")
    identity = await channel_id(world)
    call = await phone.call("600")
    monkeypatch.setattr(world.tenant.channels[identity], "pressed", None)
    raw.send(info(tag, "Signal=5\r\nDuration=200\r\n"))
    assert (await raw.final()).status == 200
    assert (await raw.request()).method == "BYE"
    assert (await destroyed(world, identity)).cause == 41
    await phone.talk(0.5)
    assert phone.rtp.heard().count(FRAME) > 15
    phone.hang_up(call)


async def test_a_bug_on_arrival_ends_that_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await world.phone("100")
    with monkeypatch.context() as patch:
        patch.setattr(world.tenant, "new_channel_id", None)
        phone.dial("600")
        assert (await phone.rejected()).status == 500
    phone.hang_up(await phone.call("600"))
