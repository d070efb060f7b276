"""Whatever strangers send, calls go on, nothing is kept, and the log stays readable."""

import random

import pytest
import structlog.testing
import trio

from stasisd.core import events as core
from stasisd.technologies.sip import complaints
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import FRAME, request, sdp
from tests.technologies.sip.world import World

pytestmark = jumping_clock

MANY = 500


async def test_wrong_passwords(world: World) -> None:
    good, bad = await world.phone("100"), await world.plug("101", password="wrong")
    call = await good.call("600")
    with structlog.testing.capture_logs() as logs:
        for _ in range(50):
            await bad.register()
        await trio.sleep(2)
    lines = [line for line in logs if line["event"].startswith("authentication failed")]
    assert len(lines) == complaints.LINES + 1
    assert lines[0]["user"] == "101"
    assert lines[0]["source"] == "192.0.2.2:5060"
    assert lines[-1]["left_out"] == 50 - complaints.LINES
    await good.talk(0.5)
    assert good.rtp.heard().count(FRAME) > 15
    good.hang_up(call)


async def test_a_second_later_there_are_lines_again(world: World) -> None:
    bad = await world.plug("101", password="wrong")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await bad.register()
            await trio.sleep(2)
    assert [line["event"] for line in logs] == ["authentication failed"] * 3


async def test_no_sip_at_all(world: World) -> None:
    draw, raw = random.Random(7), world.raw()
    with structlog.testing.capture_logs() as logs:
        for _ in range(MANY):
            raw.send(draw.randbytes(draw.randrange(1, 200)))
        await trio.sleep(2)
    lines = [line for line in logs if line["event"].startswith("malformed SIP")]
    assert len(lines) == complaints.LINES + 1
    assert not [line for line in logs if line.get("exc_info")]


async def test_broken_messages(world: World) -> None:
    draw, raw = random.Random(8), world.raw()
    whole = [request("INVITE", body=sdp()), request("REGISTER"), request("BYE", to_tag="x")]
    with structlog.testing.capture_logs() as logs:
        for number in range(MANY):
            message = bytearray(draw.choice(whole).replace(b"z9hG4bK", b"z9hG4bK%d" % number))
            for _ in range(draw.randrange(1, 6)):
                message[draw.randrange(len(message))] = draw.randrange(256)
            raw.send(bytes(message[: draw.randrange(1, len(message) + 1)]))
        await trio.sleep(2)
    assert not [line for line in logs if line.get("exc_info")]
    for channel in list(world.tenant.channels.values()):
        channel.hangup()


async def test_broken_descriptions(world: World) -> None:
    draw, raw = random.Random(9), world.raw()
    for number in range(MANY // 5):
        body = bytearray(sdp("a=sendrecv", "a=ptime:20"))
        for _ in range(draw.randrange(1, 8)):
            body[draw.randrange(len(body))] = draw.randrange(256)
        invite = request("INVITE", body=bytes(body))
        for old in (b"z9hG4bKINVITE1", b"far-call", b"tag=far"):
            invite = invite.replace(old, old + b"%d" % number)
        raw.send(invite)
    await world.events.settle(2)
    for channel in list(world.tenant.channels.values()):
        channel.hangup()
    await world.events.settle(2)
    finals = {r.split(" ", 2)[1] for r in world.switch.sent("SIP/2.0")} - {"100"}
    assert finals <= {"200", "400", "488"}
    assert {"400", "488"} <= finals


async def test_broken_rtp(world: World) -> None:
    phone, draw = await world.phone("100"), random.Random(10)
    stranger = world.network.far("203.0.113.9")
    call = await phone.call("600")
    await phone.talk(0.1)
    host, port = phone.target
    for _ in range(MANY // 10):
        for _ in range(10):
            stranger.send(draw.randbytes(draw.randrange(200)), (host, port))
            phone.rtp.send(draw.randbytes(draw.randrange(200)), (host, port + 1))
        phone.rtp.send(bytes([draw.randrange(0x80)]) + draw.randbytes(50), (host, port))
        await phone.talk(0.02)
    assert phone.rtp.heard().count(FRAME) > 40
    assert stranger.packets == []
    phone.hang_up(call)


async def test_many_calls_at_once(world: World) -> None:
    raw = world.raw()
    for number in range(MANY // 5):
        invite = request("INVITE", exten="bye", body=sdp(port=8000 + 2 * number))
        for old in (b"z9hG4bKINVITE1", b"far-call", b"tag=far"):
            invite = invite.replace(old, old + b"%d" % number)
        raw.send(invite)
    await world.events.settle(0.5)
    assert len(world.tenant.channels) == MANY // 5
    await world.events.settle(100)
    ended = [e for e in world.events.heard if isinstance(e, core.ChannelDestroyed)]
    assert len(ended) == MANY // 5
    assert {e.cause for e in ended} <= {17, 102}


async def test_a_bug_in_the_user_agent_costs_one_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, agent = world.raw(), world.sip.line.agent
    with structlog.testing.capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(agent, "receive", None)
            raw.send(request("REGISTER"))
            await trio.sleep(1)
        raw.send(request("REGISTER", cseq=2))
        assert (await raw.final()).status == 200
    assert [line["event"] for line in logs] == ["a bug: SIP could not be taken in"]
