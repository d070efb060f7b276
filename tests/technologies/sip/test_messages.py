"""Texts to and from phones, and phones that are asked to call."""

import pytest

from stasisd.core.endpoint import Endpoint
from stasisd.core.events import TextMessageReceived
from stasisd.core.snapshots import TextMessage
from stasisd.core.technology import BadMessage, NotReachable
from stasisd.sip.events import MessageReceived, RequestAnswered
from stasisd.sip.message import respond
from stasisd.sip.uri import NameAddr, SipUri
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import Phone, Raw, request
from tests.technologies.sip.world import SERVER, World

pytestmark = jumping_clock


def endpoint(world: World, name: str = "100") -> Endpoint:
    return world.tenant.endpoints["PJSIP", name]


def text(phone: Phone, said: str) -> None:
    phone.do(
        "message",
        SipUri(SERVER[0], "anybody", SERVER[1]),
        NameAddr(SipUri(SERVER[0], "anybody")),
        NameAddr(SipUri(SERVER[0], phone.name)),
        phone.flow,
        said,
        credentials=phone._credentials,
    )


async def raw_phone(world: World) -> Raw:
    """A registered phone whose answers the test writes."""
    raw = world.raw()
    raw.send(request("REGISTER", fields=("Expires: 300",)))
    assert (await raw.final()).status == 200
    return raw


async def test_a_phone_is_sent_a_text(world: World) -> None:
    phone = await world.phone("100")
    world.sip.send_text(endpoint(world), "sip:boss@example.com", "hello ☎", {"X-Kind": "note"})
    received = await phone.wait(MessageReceived)
    assert (received.text, str(received.from_.uri)) == ("hello ☎", "sip:boss@example.com")
    await phone.unregister()


@pytest.mark.parametrize("sender", ["boss", "pjsip:boss", "PJSIP/boss"])
async def test_a_name_is_an_address_here(world: World, sender: str) -> None:
    raw = await raw_phone(world)
    world.sip.send_text(endpoint(world, "open"), sender, "hello", {})
    sent = await raw.request()
    assert str(sent.from_.uri) == "sip:boss@192.0.2.100:5060"
    assert sent.headers.get("Content-Type") == "text/plain;charset=UTF-8"
    raw.send(bytes(respond(sent, 200, to_tag="t")))
    await world.events.settle(1)


async def test_a_phone_sends_a_text(world: World) -> None:
    phone = await world.phone("100")
    text(phone, "can you hear me?")
    assert (await phone.wait(RequestAnswered)).status == 202
    told = await world.events.until(TextMessageReceived)
    assert isinstance(told, TextMessageReceived)
    assert told.message == TextMessage(
        "sip:100@192.0.2.100", "sip:anybody@192.0.2.100", "can you hear me?"
    )
    assert (told.endpoint.resource, told.endpoint.state) == ("100", "online")
    await phone.unregister()


async def test_what_can_not_be_sent(world: World) -> None:
    absent, raw = endpoint(world), await raw_phone(world)
    there = endpoint(world, "open")
    with pytest.raises(NotReachable, match="PJSIP/100 is not registered"):
        world.sip.send_text(absent, "sip:a@b", "hello", {})
    with pytest.raises(BadMessage, match="more than 1300 bytes"):
        world.sip.send_text(there, "sip:a@b", "☎" * 434, {})
    with pytest.raises(BadMessage, match="not a header"):
        world.sip.send_text(there, "sip:a@b", "hello", {"X": "a\r\nb"})
    with pytest.raises(BadMessage):
        world.sip.send_text(there, "sip:<", "hello", {})
    with pytest.raises(BadMessage):
        world.sip.refer(there, "sip:a@b", "not an address", {}, to_us=False)
    with pytest.raises(NotReachable, match="no endpoint 'PJSIP/nobody'"):
        world.sip.refer(there, "sip:a@b", "PJSIP/nobody", {}, to_us=False)
    with pytest.raises(NotReachable, match="PJSIP/100 is not registered"):
        world.sip.refer(there, "sip:a@b", "PJSIP/100", {}, to_us=False)
    assert raw.inbox.take() == []


@pytest.mark.parametrize(
    ("target", "to_us", "refer_to"),
    [
        ("sip:300@example.com", False, "<sip:300@example.com>"),
        ("PJSIP/100", True, "<sip:100@192.0.2.100:5060>"),
        ("pjsip:100", False, "<sip:100@192.0.2.1:5060>"),
    ],
)
async def test_a_phone_is_asked_to_call(
    world: World, target: str, to_us: bool, refer_to: str
) -> None:
    phone = await world.phone("100")
    raw = await raw_phone(world)
    world.sip.refer(endpoint(world, "open"), "boss", target, {"X-Why": "test"}, to_us=to_us)
    sent = await raw.request()
    assert (sent.method, sent.headers.get("Refer-To")) == ("REFER", refer_to)
    assert sent.headers.get("X-Why") == "test"
    raw.send(bytes(respond(sent, 603, to_tag="t")))
    await world.events.settle(1)
    await phone.unregister()
