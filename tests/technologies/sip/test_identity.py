"""Whom phones are told that they talk to, and when that changes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from stasisd.core import dialing, variables
from stasisd.core import events as core
from stasisd.core.bridge import Joining
from stasisd.core.channel import Channel
from stasisd.core.snapshots import Party
from stasisd.core.technology import NewChannel
from stasisd.sip.message import Request, Response
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import Raw, ok, request, sdp
from tests.technologies.sip.world import APP, World, account, running

pytestmark = jumping_clock

PAI, RPID = "P-Asserted-Identity", "Remote-Party-ID"
BOTH = ("Allow: INVITE, ACK, BYE, CANCEL, UPDATE",)
NO_UPDATE = ("Allow: INVITE, ACK, BYE, CANCEL",)
ACCOUNTS = (
    account("open", password=None, send_pai=True, send_rpid=True),
    account("quiet", password=None, send_pai=True, send_connected_line=False),
    account("plain", password=None),
    account("100"),
    account("101", send_pai=True, send_rpid=True),
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path, accounts=ACCOUNTS) as made:
        yield made


class Caller:
    """A far end in a call with the application, and what it is told."""

    def __init__(self, raw: Raw, channel: Channel, world: World) -> None:
        self.raw = raw
        self.channel = channel
        self._world = world

    async def told(self) -> Request | None:
        """The next request, but BYE and ACK; None where there is none within a minute."""
        with trio.move_on_after(30):
            while (asked := await self.raw.request()).method in {"ACK", "BYE"}:
                pass
            return asked
        return None

    def connect(self, text: str, options: str = "") -> None:
        variables.write(self.channel, f"CONNECTEDLINE(all{options})", text)

    def reply(self, asked: Request, status: str = "200 OK", body: bytes = b"") -> None:
        text = ok(asked).replace("200 OK", status)
        if body:
            head = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
            text = text.removesuffix("\r\n") + head
        self.raw.send(text.encode() + body)

    async def leave(self) -> None:
        """Be hung up."""
        self.channel.hangup()
        while (asked := await self.raw.request()).method != "BYE":
            pass
        self.raw.send(ok(asked))


async def caller(
    world: World, allow: tuple[str, ...] = BOTH, user: str = "open", exten: str = "1001"
) -> Caller:
    raw = world.raw()
    raw.send(request("INVITE", user=user, exten=exten, fields=allow, body=sdp()))
    started = await world.events.until(core.StasisStart)
    assert isinstance(started, core.StasisStart)
    made = Caller(raw, world.tenant.channels[started.channel.id], world)
    if exten == "1001":
        await acknowledge(made, await raw.final(), user, exten)
    return made


async def acknowledge(made: Caller, answered: Response, user: str, exten: str) -> None:
    assert answered.status == 200
    tag = answered.to.tag or ""
    made.raw.send(request("ACK", user=user, exten=exten, to_tag=tag))
    await trio.testing.wait_all_tasks_blocked()


async def test_a_phone_that_takes_updates_gets_one_for_each_change(world: World) -> None:
    phone = await caller(world)
    phone.connect('"Ada" <7>')
    asked = await phone.told()
    assert asked is not None
    assert (asked.method, asked.body) == ("UPDATE", b"")
    phone.reply(asked)
    phone.connect('"Ada" <7>')
    assert await phone.told() is None
    await phone.leave()


async def test_both_headers_say_it(world: World) -> None:
    phone = await caller(world)
    phone.connect('"Ada" <7>')
    asked = await phone.told()
    assert asked is not None
    address = '"Ada" <sip:7@192.0.2.100>'
    assert asked.headers.get(PAI) == address
    assert asked.headers.get(RPID) == f"{address};party=called;privacy=off;screen=no"
    phone.reply(asked)
    await phone.leave()


async def test_one_that_does_not_is_offered_the_same_session_again(world: World) -> None:
    phone = await caller(world, NO_UPDATE)
    phone.connect('"Ada" <7>')
    asked = await phone.told()
    assert asked is not None
    assert asked.method == "INVITE"
    assert b"m=audio" in asked.body
    assert b"a=sendonly" not in asked.body
    assert asked.headers.get(PAI) == '"Ada" <sip:7@192.0.2.100>'
    phone.reply(asked, body=sdp())
    assert await phone.told() is None
    await phone.leave()


@pytest.mark.parametrize("allow", [BOTH, NO_UPDATE])
async def test_what_changes_meanwhile_is_told_afterwards_and_once(
    world: World, allow: tuple[str, ...]
) -> None:
    phone = await caller(world, allow)
    phone.connect("7")
    first = await phone.told()
    assert first is not None
    phone.connect("8")
    phone.connect("9")
    await world.events.settle(0.1)
    phone.reply(first, body=sdp() if first.method == "INVITE" else b"")
    second = await phone.told()
    assert second is not None
    assert second.headers.get(PAI) == "<sip:9@192.0.2.100>"
    phone.reply(second, body=sdp() if second.method == "INVITE" else b"")
    assert await phone.told() is None
    await phone.leave()


async def test_a_glare_is_tried_again(world: World) -> None:
    phone = await caller(world)
    phone.connect("7")
    first = await phone.told()
    assert first is not None
    phone.reply(first, "491 Request Pending")
    second = await phone.told()
    assert second is not None
    assert second.headers.get(PAI) == first.headers.get(PAI)
    phone.reply(second)
    await phone.leave()


async def test_who_only_says_that_it_takes_updates_is_offered_a_session(world: World) -> None:
    phone = await caller(world)
    phone.connect("7")
    first = await phone.told()
    assert first is not None
    phone.reply(first, "405 Method Not Allowed")
    second = await phone.told()
    assert second is not None
    assert (second.method, second.headers.get(PAI)) == ("INVITE", "<sip:7@192.0.2.100>")
    phone.reply(second, body=sdp())
    await phone.leave()


async def test_a_refusal_is_taken_and_changes_no_hold(world: World) -> None:
    phone = await caller(world, NO_UPDATE)
    phone.connect("7")
    first = await phone.told()
    assert first is not None
    phone.channel.leg.hold()  # waits
    phone.reply(first, "488 Not Acceptable Here")
    second = await phone.told()
    assert second is not None
    assert b"a=sendonly" in second.body
    phone.reply(second, body=sdp("a=recvonly"))
    assert await phone.told() is None
    await phone.leave()


@pytest.mark.parametrize("user", ["plain", "quiet"])
async def test_nobody_is_told_who_is_not_to_be(world: World, user: str) -> None:
    phone = await caller(world, user=user)
    phone.connect("7")
    assert phone.channel.snapshot.connected == Party(number="7")
    assert await phone.told() is None
    await phone.leave()


async def test_nor_of_what_is_to_stay_here_or_of_nobody(world: World) -> None:
    phone = await caller(world)
    phone.connect("7", ",i")
    variables.write(phone.channel, "CONNECTEDLINE(num,i)", "")
    variables.write(phone.channel, "CONNECTEDLINE(name)", "Ada")
    assert await phone.told() is None
    await phone.leave()


async def test_the_answer_says_it_where_it_is_known(world: World) -> None:
    phone = await caller(world, exten="1000")
    phone.connect('"Ada" <7>')
    phone.channel.ring()
    phone.channel.answer()
    while not (isinstance(said := await phone.raw.message(), Response) and said.status == 180):
        pass
    assert said.headers.get(PAI) == '"Ada" <sip:7@192.0.2.100>'
    answered = await phone.raw.final()
    assert answered.headers.get(PAI) == '"Ada" <sip:7@192.0.2.100>'
    await acknowledge(phone, answered, "open", "1000")
    assert await phone.told() is None
    phone.connect("8")
    asked = await phone.told()
    assert asked is not None
    phone.reply(asked)
    await phone.leave()


async def test_before_the_answer_it_waits_for_that(world: World) -> None:
    phone = await caller(world, exten="1000")
    phone.channel.answer()
    answered = await phone.raw.final()
    phone.connect("7")  # the ACK has not come
    await acknowledge(phone, answered, "open", "1000")
    asked = await phone.told()
    assert asked is not None
    assert asked.headers.get(PAI) == "<sip:7@192.0.2.100>"
    phone.reply(asked)
    await phone.leave()


async def test_a_called_phone_is_told_who_calls(world: World) -> None:
    phone = await world.phone("101")
    channel = dialing.request(world.tenant, "PJSIP/101", NewChannel(connected=Party("Ada", "7")))
    dialing.originate(channel, dialing.into_application(APP, ()), follower=APP)
    received = await phone.rings()
    address = '"Ada" <sip:7@192.0.2.100>'
    assert received.headers.get(PAI) == address
    assert received.headers.get(RPID) == f"{address};party=calling;privacy=off;screen=no"
    channel.hangup()


@pytest.mark.parametrize("inhibited", [False, True])
async def test_a_bridge_of_two_tells_each_who_the_other_is(world: World, inhibited: bool) -> None:
    other = await world.phone("100")
    phone = await caller(world)
    call = await other.call("1001")
    (second,) = (c for c in world.tenant.channels.values() if c is not phone.channel)
    bridge = world.tenant.create_bridge("b")
    bridge.join(second)
    bridge.join(phone.channel, Joining(quiet=inhibited))
    asked = await phone.told()
    if inhibited:
        assert asked is None
    else:
        assert asked is not None
        assert asked.headers.get(PAI) == '"Phone" <sip:100@192.0.2.100>'
        phone.reply(asked)
    other.hang_up(call)
    await phone.leave()
    bridge.destroy()
