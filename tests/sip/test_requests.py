"""Texts and referrals: single requests from end to end, over a network that loses some."""

import pytest

from stasisd.credentials.digest import Credentials
from stasisd.sip.events import (
    MessageReceived,
    ReferralProgressed,
    RequestAnswered,
    RequestId,
)
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.message import Request, respond
from stasisd.sip.uri import NameAddr, SipUri
from tests.sip.agents import PHONE, SERVER, Agent, Far, People, endpoint, pair
from tests.support.network import VirtualNetwork


def text(agent: Agent, said: str = "hello ☎", user: str = "100", **options: object) -> RequestId:
    return agent.sip.message(
        SipUri(SERVER[0], "200", SERVER[1]),
        NameAddr(SipUri(SERVER[0], "200")),
        NameAddr(SipUri(PHONE[0], user), "Ada"),
        agent.flow_to(SERVER),
        said,
        agent.now,
        **options,  # type: ignore[arg-type] # as the verb takes them
    )


def referral(agent: Agent, to: tuple[str, int]) -> RequestId:
    return agent.sip.refer(
        SipUri(to[0], "100", to[1]),
        NameAddr(SipUri(to[0], "100")),
        NameAddr(SipUri(SERVER[0], "stasisd")),
        agent.flow_to(to),
        NameAddr(SipUri("192.0.2.9", "300")),
        agent.now,
    )


def nothing_is_left(agent: Agent) -> None:
    agent.network.run_for(300.0)
    counts = agent.sip.statistics()
    assert (counts["transactions"], counts["deadlines"]) == (0, 0)
    assert not agent.sip._parts.requests._sent
    assert not agent.sip._parts.requests._referrals


def test_a_text() -> None:
    phone, server = pair()
    name = text(phone)
    assert phone.wait(RequestAnswered) == RequestAnswered(name, 202, "Accepted")
    (received,) = server.all(MessageReceived)
    assert (received.endpoint, received.text) == ("100", "hello ☎")
    assert received.from_.display == "Ada"
    assert str(received.to.uri) == "sip:200@192.0.2.1"
    nothing_is_left(phone)
    nothing_is_left(server)


def test_a_text_that_is_lost_is_sent_again_and_told_once() -> None:
    phone, server = pair(network=VirtualNetwork(7, loss=0.4))
    text(phone)
    phone.wait(RequestAnswered)
    assert len(server.all(MessageReceived)) == 1


def test_a_text_to_nobody() -> None:
    network = VirtualNetwork()
    phone = Agent(network, PHONE, endpoint(PHONE))
    text(phone)
    assert phone.wait(RequestAnswered).status == 408
    nothing_is_left(phone)


def test_who_sends_a_text_proves_who_it_is() -> None:
    network = VirtualNetwork()
    server = Agent(network, SERVER, endpoint(people=People()))
    phone = Agent(network, PHONE, endpoint(PHONE, prefix="p"))
    text(phone)
    assert phone.wait(RequestAnswered).status == 401
    text(phone, credentials=Credentials("100", "secret"))
    assert phone.wait(RequestAnswered, 2).status == 202
    assert len(server.all(MessageReceived)) == 1
    text(phone, user="101", credentials=Credentials("100", "secret"))
    assert phone.wait(RequestAnswered, 3).status == 403
    assert len(server.all(MessageReceived)) == 1


def test_what_is_no_text_is_refused() -> None:
    network = VirtualNetwork()
    server = Agent(network, SERVER, endpoint())
    far = Far(network, PHONE)
    far.send(SERVER, single("MESSAGE", "Content-Type: image/png", body="x"))
    assert far.wait_status(415).headers.get("Accept") == "text/plain"
    assert server.all(MessageReceived) == []


def single(method: str, *fields: str, body: str = "", call_id: str = "c", tag: str = "") -> str:
    to_tag = f";tag={tag}" if tag else ""
    lines = [
        f"{method} sip:200@192.0.2.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{method}{len(body)}",
        "Max-Forwards: 70",
        "From: <sip:100@192.0.2.2>;tag=f",
        f"To: <sip:200@192.0.2.1>{to_tag}",
        f"Call-ID: {call_id}",
        f"CSeq: 1 {method}",
        *fields,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def notify(refer: Request, status: str, state: str) -> str:
    fields = ("Event: refer", f"Subscription-State: {state}", "Content-Type: message/sipfrag")
    tag = refer.from_.tag or ""
    return single("NOTIFY", *fields, body=f"SIP/2.0 {status}\r\n", call_id=refer.call_id, tag=tag)


def test_a_referral_and_how_it_went() -> None:
    network = VirtualNetwork()
    server = Agent(network, SERVER, endpoint())
    far = Far(network, PHONE)
    name = referral(server, PHONE)
    refer = far.wait_request("REFER")
    assert refer.headers.get("Refer-To") == "<sip:300@192.0.2.9>"
    assert refer.headers.get("Referred-By") == "<sip:stasisd@192.0.2.1>"
    assert refer.contacts
    far.send(SERVER, respond(refer, 202, to_tag="t"))
    assert server.wait(RequestAnswered) == RequestAnswered(name, 202, "Accepted")
    far.send(SERVER, notify(refer, "180 Ringing", "active;expires=60"))
    far.send(SERVER, notify(refer, "200 OK", "terminated;reason=noresource"))
    far.wait_status(200, 2)
    assert server.all(ReferralProgressed) == [
        ReferralProgressed(name, 180),
        ReferralProgressed(name, 200),
    ]
    far.send(SERVER, notify(refer, "486 Busy Here", "terminated"))
    far.wait_status(481)
    nothing_is_left(server)


# Provisional responses (RFC 3261 section 17.1.2): they say that somebody is at it, and no more.


def asked(verb: str) -> tuple[Agent, Far, RequestId, Request]:
    """A request of ours that a far end has, and has not answered."""
    network = VirtualNetwork()
    if verb == "MESSAGE":
        far, agent = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
        name = text(agent)
    else:
        far, agent = Far(network, PHONE), Agent(network, SERVER, endpoint())
        name = referral(agent, PHONE)
    return agent, far, name, far.wait_request(verb)


@pytest.mark.parametrize("verb", ["MESSAGE", "REFER"])
@pytest.mark.parametrize("status", [100, 183])
def test_a_provisional_response_is_no_answer(verb: str, status: int) -> None:
    agent, far, name, request = asked(verb)
    for _ in range(2):
        far.send(agent.address, respond(request, status, to_tag="t"))
        agent.network.run_for(3.0)
    assert agent.all(RequestAnswered) == []
    far.send(agent.address, respond(request, 202, to_tag="t"))
    assert agent.wait(RequestAnswered) == RequestAnswered(name, 202, "Accepted")
    far.send(agent.address, respond(request, status, to_tag="t"))  # late
    agent.network.run_for(1.0)
    assert len(agent.all(RequestAnswered)) == 1
    nothing_is_left(agent)


@pytest.mark.parametrize("verb", ["MESSAGE", "REFER"])
def test_after_one_the_request_is_repeated_seldom_and_given_up_in_time(verb: str) -> None:
    agent, far, name, request = asked(verb)
    start = agent.now
    far.send(agent.address, respond(request, 100))
    agent.network.run_for(0.1)
    before = len(far.requests)
    agent.network.run_for(20.0)
    assert len(far.requests) - before <= 5  # each 4 s
    assert agent.wait(RequestAnswered) == RequestAnswered(name, 408, "Request Timeout")
    assert agent.now - start == pytest.approx(32.0, abs=0.5)
    nothing_is_left(agent)


def test_what_is_told_of_a_referral_before_its_answer_counts() -> None:
    agent, far, name, refer = asked("REFER")
    far.send(SERVER, respond(refer, 100))
    far.send(SERVER, notify(refer, "180 Ringing", "active;expires=60"))
    assert agent.wait(ReferralProgressed) == ReferralProgressed(name, 180)
    assert agent.all(RequestAnswered) == []
    far.send(SERVER, respond(refer, 603, to_tag="t"))
    assert agent.wait(RequestAnswered).status == 603
    nothing_is_left(agent)


def test_a_challenge_after_one_is_answered() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    name = text(phone, credentials=Credentials("100", "secret"))
    request = far.wait_request("MESSAGE")
    far.send(PHONE, respond(request, 100))
    challenge = (("WWW-Authenticate", 'Digest realm="r", nonce="n"'),)
    far.send(PHONE, respond(request, 401, to_tag="t", fields=challenge))
    network.run_until(lambda: any(r.headers.get("Authorization") for r in far.requests))
    again = far.requests[-1]
    assert again.cseq.number == request.cseq.number + 1
    far.send(PHONE, respond(again, 100))
    network.run_for(1.0)
    assert phone.all(RequestAnswered) == []
    stale = (("WWW-Authenticate", 'Digest realm="r", nonce="m", stale=true'),)
    far.send(PHONE, respond(again, 401, to_tag="t", fields=stale))
    network.run_until(lambda: far.requests[-1].cseq.number == request.cseq.number + 2)
    far.send(PHONE, respond(far.requests[-1], 200, to_tag="t"))
    assert phone.wait(RequestAnswered) == RequestAnswered(name, 200, "OK")


@pytest.mark.parametrize("answer", [None, 202, 603])
def test_a_referral_that_nobody_tells_more_of_is_forgotten(answer: int | None) -> None:
    network = VirtualNetwork()
    server = Agent(network, SERVER, endpoint())
    far = Far(network, PHONE)
    referral(server, PHONE)
    if answer is not None:
        far.send(SERVER, respond(far.wait_request("REFER"), answer, to_tag="t"))
    assert server.wait(RequestAnswered).status == (answer or 408)
    assert bool(server.sip._parts.requests._referrals) == (answer == 202)
    nothing_is_left(server)


@pytest.mark.parametrize("body", ["", "SIP/2.0", "SIP/2.0 x", "nonsense", "SIP/2.0 99999999"])
def test_a_notify_that_says_nothing_is_answered(body: str) -> None:
    network = VirtualNetwork()
    server = Agent(network, SERVER, endpoint())
    far = Far(network, PHONE)
    referral(server, PHONE)
    refer = far.wait_request("REFER")
    far.send(SERVER, respond(refer, 202, to_tag="t"))
    server.wait(RequestAnswered)
    head = ("Event: refer", "Content-Type: message/sipfrag")
    tag = refer.from_.tag or ""
    far.send(SERVER, single("NOTIFY", *head, body=body, call_id=refer.call_id, tag=tag))
    far.wait_status(200)
    assert server.wait(ReferralProgressed).status in {100, 999}


def test_headers_of_the_users() -> None:
    phone, _ = pair()
    text(phone, fields=[("X-Priority", "high"), ("cseq", "9 INVITE"), ("To", "<sip:x@y>")])
    phone.wait(RequestAnswered)
    (data, *_) = [d for *_, d in phone.network.log]
    assert b"X-Priority: high" in data
    assert b"9 INVITE" not in data
    assert b"sip:x@y" not in data
    with pytest.raises(MalformedSip, match="not a header"):
        text(phone, fields=[("X", "a\r\nVia: b")])
