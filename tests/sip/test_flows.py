"""Connections, NAT, routes: the way a message takes."""

import msgspec
import pytest

from stasisd.sip.endpoint import Endpoint
from stasisd.sip.events import (
    BindingChanged,
    CallAnswered,
    CallId,
    CallReceived,
    CallRejected,
    CloseWanted,
    ConnectionWanted,
    Event,
    MalformedReceived,
)
from stasisd.sip.flow import Flow
from stasisd.sip.message import Message, Request, Response
from stasisd.sip.parser import parse
from stasisd.sip.settings import Settings, Transport
from stasisd.sip.uri import NameAddr, SipUri
from tests.sip.agents import (
    ANSWER,
    EVERYBODY,
    OFFER,
    PHONE,
    SERVER,
    People,
    endpoint,
    request,
    tokens,
)
from tests.sip.test_calls import copied

NEAR = Flow("udp", SERVER, PHONE)
STREAM = Flow("tcp", SERVER, ("192.0.2.2", 40001), 7)
WISH = Flow("tcp", SERVER, ("192.0.2.9", 5060))


def sent(agent: Endpoint, now: float = 0.0) -> list[tuple[Flow, Message]]:
    return [(flow, parse(data)) for flow, data in agent.datagrams_to_send(now)]


def heard(agent: Endpoint, kind: type[Event]) -> list[Event]:
    return [event for event in agent.events() if isinstance(event, kind)]


def over_tcp(data: bytes) -> bytes:
    return data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")


def received(agent: Endpoint, data: bytes, flow: Flow = NEAR, now: float = 0.0) -> CallId:
    """Let a call arrive; the id it gets."""
    agent.receive(data, flow, now)
    calls = [event for event in agent.events() if isinstance(event, CallReceived)]
    return calls[0].call


def answered(agent: Endpoint, data: bytes, flow: Flow = NEAR) -> tuple[CallId, Response]:
    """Let a call arrive, be answered and acknowledged."""
    call = received(agent, data, flow)
    agent.answer(call, ANSWER, 0.0)
    ok = sent(agent)[-1][1]
    assert isinstance(ok, Response)
    ack = request("ACK", to=str(ok.to), branch="z9hG4bKack")
    agent.receive(over_tcp(ack) if flow.is_reliable else ack, flow, 0.0)
    return call, ok


# Responses (sections 18.2.1 and 18.2.2, RFC 3581).


def test_a_response_goes_to_where_the_request_came_from() -> None:
    agent = endpoint()
    behind_nat = Flow("udp", SERVER, ("198.51.100.7", 34567))
    agent.receive(request("OPTIONS"), behind_nat, 0.0)
    ((flow, response),) = sent(agent)
    assert flow == behind_nat
    assert response.headers.get("Via") == (
        "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKfar1;rport=34567;received=198.51.100.7"
    )


def test_without_rport_a_response_goes_to_the_port_of_the_via() -> None:
    agent = endpoint(force_rport=False)
    source = Flow("udp", SERVER, ("198.51.100.7", 34567))
    agent.receive(request("OPTIONS"), source, 0.0)
    ((flow, response),) = sent(agent)
    assert flow.remote == ("198.51.100.7", 5060)
    assert "rport" not in str(response.headers.get("Via"))
    asking = request("OPTIONS", branch="z9hG4bK2;rport", call_id="2")
    agent.receive(asking, source, 0.0)
    ((flow, _),) = sent(agent)
    assert flow == source


def test_keep_alives_are_no_messages() -> None:
    agent = endpoint()
    for data in (b"\r\n\r\n", b"\0", b"\r\n", b""):
        agent.receive(data, NEAR, 0.0)
    assert agent.datagrams_to_send(0.0) == []
    assert agent.events() == []
    agent.receive(b"\r\n\r\n", STREAM, 0.0)
    assert agent.datagrams_to_send(0.0) == [(STREAM, b"\r\n")]


# What we tell others about ourselves.


def test_the_advertised_address_stands_in_via_and_contact() -> None:
    transports = (
        Transport("udp", ("0.0.0.0", 5060), ("203.0.113.5", 5066)),
        Transport("tcp", ("::", 5060), ("2001:db8::5", 5067)),
    )
    agent = Endpoint(
        Settings(transports=transports), People(EVERYBODY), token=tokens("s"), secret=b""
    )
    call(agent, Flow("udp", ("0.0.0.0", 5060), PHONE))
    ((_, invite),) = sent(agent)
    assert invite.via.sent_by == ("203.0.113.5", 5066)
    assert str(invite.contacts[0].uri) == "sip:100@203.0.113.5:5066"
    agent.receive(over_tcp(request("INVITE", body=OFFER)), Flow("tcp", ("::", 5060), PHONE, 1), 0.0)
    agent.ring(next(e.call for e in agent.events() if isinstance(e, CallReceived)), 0.0)
    ringing = sent(agent)[-1][1]
    assert str(ringing.contacts[0].uri) == "sip:[2001:db8::5]:5067;transport=tcp"


def call(agent: Endpoint, flow: Flow, target: str = "192.0.2.2") -> CallId:
    return agent.invite(
        SipUri(target, "200"),
        NameAddr(SipUri("h", "200")),
        NameAddr(SipUri("h", "100")),
        flow,
        OFFER,
        0.0,
    )


# Connections.


def test_a_call_over_a_connection() -> None:
    agent = endpoint(transport="tcp")
    data = over_tcp(request("INVITE", body=OFFER))
    agent.receive(data[:100], STREAM, 0.0)
    assert agent.events() == []
    name, _ok = answered(agent, data[100:], STREAM)
    assert agent.datagrams_to_send(10.0) == []
    agent.hangup(name, 16, 10.0)
    ((flow, bye),) = sent(agent, 10.0)
    assert flow == STREAM
    assert isinstance(bye, Request)
    assert bye.method == "BYE"


def test_a_connection_is_asked_for_and_the_message_waits() -> None:
    agent = endpoint(transport="tcp")
    name = call(agent, WISH)
    assert agent.datagrams_to_send(0.0) == []
    assert agent.events() == [ConnectionWanted(WISH)]
    agent.hangup(name, 16, 1.0)
    call(agent, WISH)
    assert [type(event) for event in agent.events()] != []
    flow = agent.flow_opened(WISH, 5)
    assert flow == msgspec.structs.replace(WISH, connection=5)
    out = sent(agent, 2.0)
    assert [(way, type(message)) for way, message in out] == [(flow, Request)] * 2
    # Who names only the addresses gets the connection that is there.
    call(agent, WISH)
    assert sent(agent, 2.0)[0][0] == flow
    assert heard(agent, ConnectionWanted) == []


def test_a_connection_that_cannot_be_had_rejects_the_call() -> None:
    agent = endpoint(transport="tcp")
    name = call(agent, WISH)
    agent.events()
    agent.flow_closed(WISH, 1.0)
    assert agent.events() == [CallRejected(name, 503, "Service Unavailable", 34)]
    assert agent.statistics()["transactions"] == 0
    agent.flow_opened(WISH, 5)
    assert agent.datagrams_to_send(1.0) == []


def test_a_connection_that_is_lost_rejects_its_calls() -> None:
    agent = endpoint(transport="tcp")
    name = call(agent, WISH)
    flow = agent.flow_opened(WISH, 5)
    agent.events()
    agent.flow_closed(flow, 1.0)
    assert agent.events() == [CallRejected(name, 503, "Service Unavailable", 34)]


def test_a_bye_without_connection_asks_for_one_to_the_contact() -> None:
    agent = endpoint(transport="tcp")
    name, _ = answered(agent, over_tcp(request("INVITE", body=OFFER)), STREAM)
    agent.flow_closed(STREAM, 1.0)
    agent.events()
    agent.hangup(name, 16, 2.0)
    (wanted,) = heard(agent, ConnectionWanted)
    assert wanted == ConnectionWanted(Flow("tcp", SERVER, PHONE))
    agent.flow_closed(Flow("tcp", SERVER, PHONE), 3.0)
    assert agent.statistics()["calls"] == 0


def test_a_response_without_connection_asks_for_one_to_the_via() -> None:
    agent = endpoint(transport="tcp")
    name = received(agent, over_tcp(request("INVITE", body=OFFER)), STREAM)
    agent.flow_closed(STREAM, 1.0)
    agent.hangup(name, 17, 2.0)
    (wanted,) = heard(agent, ConnectionWanted)
    assert wanted == ConnectionWanted(Flow("tcp", SERVER, ("192.0.2.2", 5060)))


def test_bindings_end_with_their_connection() -> None:
    agent = endpoint(transport="tcp")
    agent.receive(over_tcp(request("REGISTER", to="<sip:100@h>")), STREAM, 0.0)
    agent.receive(request("REGISTER", to="<sip:101@h>", branch="z9hG4bK2", call_id="2"), NEAR, 0.0)
    agent.events()
    agent.flow_closed(STREAM, 1.0)
    (gone,) = agent.events()
    assert isinstance(gone, BindingChanged)
    assert (gone.binding.aor, gone.removed, gone.reason) == ("100", True, "connection closed")
    assert agent.bindings("100", 1.0) == ()
    assert len(agent.bindings("101", 1.0)) == 1


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"x" * 20_000])
def test_a_stream_that_is_no_sip_is_closed(data: bytes) -> None:
    agent = endpoint(transport="tcp")
    agent.receive(data, STREAM, 0.0)
    events = agent.events()
    assert [type(event) for event in events] == [MalformedReceived, CloseWanted]
    assert events[1].flow == STREAM  # type: ignore[union-attr] # the line above says what it is


def test_a_request_without_length_is_answered_before_its_connection_is_closed() -> None:
    agent = endpoint(transport="tcp")
    agent.receive(over_tcp(request("OPTIONS")).replace(b"Content-Length: 0\r\n", b""), STREAM, 0.0)
    (way, response) = sent(agent)[0]
    assert (way, response.start_line[:11]) == (STREAM, "SIP/2.0 400")


def test_a_message_must_end_in_time() -> None:
    agent = endpoint(transport="tcp")
    data = over_tcp(request("OPTIONS"))
    agent.receive(data[:50], STREAM, 0.0)
    agent.handle_timeout(31.0)
    assert agent.events() == []
    agent.handle_timeout(32.0)
    assert agent.events() == [CloseWanted(STREAM, "a message did not end in time")]
    agent.receive(data[:50], STREAM, 40.0)
    agent.receive(data[50:], STREAM, 41.0)
    agent.handle_timeout(100.0)
    assert heard(agent, CloseWanted) == []


def test_what_waits_for_a_connection_is_bounded() -> None:
    agent = endpoint(transport="tcp")
    for _ in range(300):
        call(agent, WISH)
    agent.flow_opened(WISH, 1)
    assert len(agent.datagrams_to_send(0.0)) == 256


# Requests in dialogs (section 12.2.1.1).


def test_in_a_dialog_requests_follow_the_flow() -> None:
    agent = endpoint()
    behind_nat = Flow("udp", SERVER, ("198.51.100.7", 34567))
    name, _ = answered(agent, request("INVITE", body=OFFER), behind_nat)
    agent.hangup(name, 16, 1.0)
    ((flow, bye),) = sent(agent, 1.0)
    assert flow == behind_nat
    assert isinstance(bye, Request)
    assert bye.target == "sip:100@192.0.2.2:5060"


def test_the_flow_moves_with_the_peer() -> None:
    agent = endpoint()
    name, ok = answered(agent, request("INVITE", body=OFFER))
    moved = Flow("udp", SERVER, ("198.51.100.7", 999))
    info = request("INFO", to=str(ok.to), cseq="2 INFO", branch="z9hG4bKi")
    agent.receive(info, moved, 1.0)
    agent.hangup(name, 16, 2.0)
    assert sent(agent, 2.0)[-1][0] == moved


@pytest.mark.parametrize(
    ("contact", "remote"),
    [
        ("sip:100@192.0.2.44:5070", ("192.0.2.44", 5070)),
        ("sip:100@[2001:db8::1]", ("2001:db8::1", 5060)),
        ("sip:100@phone.example", ("198.51.100.7", 34567)),
        ("tel:+1", ("198.51.100.7", 34567)),
    ],
)
def test_without_rewriting_requests_follow_the_contact(
    contact: str, remote: tuple[str, int]
) -> None:
    agent = endpoint(rewrite_contact=False)
    data = request("INVITE", body=OFFER).replace(
        b"<sip:100@192.0.2.2:5060>", f"<{contact}>".encode()
    )
    name, _ = answered(agent, data, Flow("udp", SERVER, ("198.51.100.7", 34567)))
    agent.hangup(name, 16, 1.0)
    assert sent(agent, 1.0)[-1][0].remote == remote


ROUTES = ("Record-Route: <sip:p2.example;lr>", "Record-Route: <sip:192.0.2.50;lr>")


def test_a_callee_keeps_the_route_set_and_copies_it() -> None:
    agent = endpoint()
    name, ok = answered(agent, request("INVITE", body=OFFER, fields=ROUTES))
    assert ok.headers.values("Record-Route") == ["<sip:p2.example;lr>", "<sip:192.0.2.50;lr>"]
    agent.hangup(name, 16, 1.0)
    bye = sent(agent, 1.0)[-1][1]
    assert bye.headers.values("Route") == ["<sip:p2.example;lr>", "<sip:192.0.2.50;lr>"]


def test_a_caller_takes_the_route_set_in_reverse() -> None:
    agent = endpoint(PHONE, rewrite_contact=False)
    way = Flow("udp", PHONE, SERVER)
    name = call(agent, way)
    invite = sent(agent)[0][1]
    assert isinstance(invite, Request)
    routed = b"\r\n".join([b"SIP/2.0 200 OK", *(route.encode() for route in ROUTES), b""])
    agent.receive(routed + copied(invite, tag="t"), way, 0.1)
    assert heard(agent, CallAnswered) != []
    flow, ack = sent(agent, 0.1)[-1]
    assert ack.headers.values("Route") == ["<sip:192.0.2.50;lr>", "<sip:p2.example;lr>"]
    assert flow.remote == ("192.0.2.50", 5060)
    assert isinstance(ack, Request)
    assert ack.target == "sip:t@192.0.2.1:5060"
    agent.hangup(name, 16, 1.0)
    assert sent(agent, 1.0)[-1][1].headers.values("Route") == ack.headers.values("Route")


def test_a_strict_router_finds_itself_in_the_request_uri() -> None:
    agent = endpoint()
    strict = ("Record-Route: <sip:192.0.2.50>, <sip:p2.example;lr>",)
    name, _ = answered(agent, request("INVITE", body=OFFER, fields=strict))
    agent.hangup(name, 16, 1.0)
    bye = sent(agent, 1.0)[-1][1]
    assert isinstance(bye, Request)
    assert bye.target == "sip:192.0.2.50"
    assert bye.headers.values("Route") == ["<sip:p2.example;lr>", "<sip:100@192.0.2.2:5060>"]
