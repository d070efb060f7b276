"""Calls from end to end: two user agents on a virtual network."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from stasisd.credentials.digest import Credentials, answer, choose
from stasisd.sip.call import WrongState
from stasisd.sip.events import (
    AuthenticationFailed,
    By,
    CallAnswered,
    CallEnded,
    CallId,
    CallProgressed,
    CallReceived,
    CallRejected,
    DtmfInfo,
)
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.message import Request
from stasisd.sip.parser import parse
from stasisd.sip.uri import OtherUri, SipUri, parse_uri
from tests.sip.agents import (
    ANSWER,
    OFFER,
    PHONE,
    SERVER,
    Agent,
    Far,
    People,
    answered,
    endpoint,
    pair,
    request,
    ringing,
)
from tests.support.network import VirtualNetwork


def nothing_is_left(*agents: Agent) -> None:
    """Two minutes later, nobody remembers anything."""
    agents[0].network.run_for(120.0)
    for agent in agents:
        counts = agent.sip.statistics()
        assert (counts["calls"], counts["transactions"], counts["deadlines"]) == (0, 0, 0)


def sent(network: VirtualNetwork, method: str) -> list[Request]:
    found = [parse(data) for *_, data in network.log]
    return [each for each in found if isinstance(each, Request) and each.method == method]


def test_a_call_is_received_rung_answered_and_hung_up() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    event = server.all(CallReceived)[0]
    assert (event.endpoint, event.target, event.body) == (
        "100",
        parse_uri("sip:200@192.0.2.1:5060"),
        OFFER,
    )
    assert event.from_.uri.user == "100"
    assert event.flow.remote == PHONE
    assert event.sip_call_id == phone.sip.sip_call_id(call) == server.sip.sip_call_id(received)
    server.sip.ring(received, server.now)
    assert phone.wait(CallProgressed) == CallProgressed(call, 180, "Ringing", b"")
    server.sip.progress(received, ANSWER, server.now)
    assert phone.wait(CallProgressed, 2) == CallProgressed(call, 183, "Session Progress", ANSWER)
    server.sip.answer(received, ANSWER, server.now)
    assert phone.wait(CallAnswered) == CallAnswered(call, ANSWER)
    phone.network.run_for(1.0)
    phone.sip.hangup(call, 16, phone.now)
    assert server.wait(CallEnded) == CallEnded(received, 16, By.REMOTE)
    assert phone.all(CallEnded) == [CallEnded(call, 16, By.LOCAL)]
    nothing_is_left(phone, server)
    assert len(sent(phone.network, "INVITE")) == len(sent(phone.network, "ACK")) == 1


def test_the_callee_hangs_up_with_a_cause() -> None:
    phone, server = pair()
    call, received = answered(phone, server)
    server.sip.hangup(received, 34, server.now)
    assert phone.wait(CallEnded) == CallEnded(call, 34, By.REMOTE)
    assert sent(phone.network, "BYE")[0].headers.get("Reason") == "Q.850;cause=34"
    nothing_is_left(phone, server)


def test_a_trying_goes_out_at_once() -> None:
    phone, server = pair()
    ringing(phone, server)
    assert server.network.log[1][3].startswith(b"SIP/2.0 100 Trying")
    phone.network.run_for(40.0)
    assert len(sent(phone.network, "INVITE")) == 1


def test_a_call_is_rejected_with_the_status_of_its_cause() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    server.sip.hangup(received, 17, server.now)
    assert phone.wait(CallRejected) == CallRejected(call, 486, "Busy Here", 17)
    assert server.all(CallEnded) == [CallEnded(received, 17, By.LOCAL)]
    nothing_is_left(phone, server)


def test_a_call_is_rejected_with_a_status_a_cause_and_words() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    server.sip.reject(received, 480, 20, server.now, "Nobody home")
    assert phone.wait(CallRejected) == CallRejected(call, 480, "Nobody home", 20)


def test_a_call_is_redirected() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    server.sip.redirect(received, SipUri("elsewhere.example", "300"), server.now)
    rejected = phone.wait(CallRejected)
    assert (rejected.status, rejected.contacts) == (302, (SipUri("elsewhere.example", "300"),))
    assert rejected.call == call
    other = ringing(phone, server)[1]
    server.sip.redirect(other, OtherUri("tel:+1"), server.now, 301)
    assert phone.wait(CallRejected, 2).contacts == ()


# Giving up before the answer.


def test_a_ringing_call_is_cancelled() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    server.sip.ring(received, server.now)
    phone.wait(CallProgressed)
    phone.sip.hangup(call, 26, phone.now)
    assert server.wait(CallEnded) == CallEnded(received, 26, By.REMOTE)
    assert phone.all(CallEnded) == [CallEnded(call, 26, By.LOCAL)]
    cancel, invite = sent(phone.network, "CANCEL")[0], sent(phone.network, "INVITE")[0]
    assert cancel.via == invite.via
    assert (cancel.target, cancel.to, cancel.from_) == (invite.target, invite.to, invite.from_)
    assert cancel.cseq.number == invite.cseq.number
    nothing_is_left(phone, server)
    assert phone.all(CallRejected) == []


def test_a_cancel_waits_for_a_provisional_response() -> None:
    phone, server = pair()
    call = phone.call(SERVER)
    phone.sip.hangup(call, 16, phone.now)
    server.wait(CallEnded)
    phone.network.run_for(1.0)
    methods = [data.split()[0] for _, source, _, data in phone.network.log if source == PHONE]
    assert methods == [b"INVITE", b"CANCEL", b"ACK"]
    nothing_is_left(phone, server)


def test_a_cancel_that_crosses_the_answer_becomes_a_bye() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    server.sip.ring(received, server.now)
    phone.wait(CallProgressed)
    server.sip.answer(received, ANSWER, server.now)
    phone.sip.hangup(call, 16, phone.now)
    assert server.wait(CallEnded) == CallEnded(received, 16, By.REMOTE)
    assert phone.all(CallAnswered) == []
    assert phone.all(CallEnded) == [CallEnded(call, 16, By.LOCAL)]
    assert len(sent(phone.network, "BYE")) == 1
    nothing_is_left(phone, server)


def test_a_cancel_without_final_response_ends_after_64_t1() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    call = phone.call(SERVER)
    invite = far.wait_request("INVITE")
    far.send(PHONE, b"SIP/2.0 100 Trying\r\n" + copied(invite))
    network.run_for(1.0)
    phone.sip.hangup(call, 16, phone.now)
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(far.wait_request("CANCEL")))
    network.run_for(31.0)
    assert phone.sip.statistics()["calls"] == 1
    nothing_is_left(phone)


def test_a_call_is_cancelled_once() -> None:
    network, far, phone, call, invite = forked_call()
    phone.sip.hangup(call, 16, phone.now)
    for status in (b"180 Ringing", b"183 Progress"):
        far.send(PHONE, b"SIP/2.0 " + status + b"\r\n" + copied(invite, tag="t"))
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(far.wait_request("CANCEL")))
    network.run_for(1.0)
    assert len(sent(network, "CANCEL")) == 1


def test_hanging_up_an_unheard_call_ends_it() -> None:
    network = VirtualNetwork()
    phone = Agent(network, PHONE, endpoint(PHONE))
    call = phone.call(SERVER)
    phone.sip.hangup(call, 16, phone.now)
    nothing_is_left(phone)
    assert phone.all(CallEnded) == [CallEnded(call, 16, By.LOCAL)]
    assert phone.all(CallRejected) == []


def test_an_early_bye_ends_an_incoming_call() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("INVITE", body=OFFER))
    received = server.wait(CallReceived).call
    server.sip.ring(received, server.now)
    to = str(far.wait_status(180).to)
    far.send(SERVER, request("BYE", to=to, cseq="2 BYE", branch="z9hG4bKbye"))
    assert server.wait(CallEnded) == CallEnded(received, 16, By.REMOTE)
    assert far.wait_status(487).cseq.method == "INVITE"
    assert far.wait_status(200).cseq.method == "BYE"


def test_cancelling_what_is_not_there() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("CANCEL"))
    assert far.wait_status(481).cseq.method == "CANCEL"
    nothing_is_left(server)


def test_cancelling_an_answered_call_changes_nothing() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("INVITE", body=OFFER))
    server.sip.answer(server.wait(CallReceived).call, ANSWER, server.now)
    answer = far.wait_status(200)
    far.send(SERVER, request("CANCEL"))
    assert far.wait_status(200, 2).to.tag == answer.to.tag
    assert server.all(CallEnded) == []


# Answers and their ACKs.


def test_an_answer_is_repeated_until_its_ack() -> None:
    phone, server = pair()
    lost: list[bytes] = []

    def lose_acks(source: object, destination: object, data: bytes) -> bool:
        if data.startswith(b"ACK") and len(lost) < 3:
            lost.append(data)
            return True
        return False

    phone.network.drop = lose_acks
    _, received = answered(phone, server)
    phone.network.run_for(60.0)
    oks = [when for when, source, _, data in phone.network.log if data.startswith(b"SIP/2.0 200")]
    assert [round(later - earlier, 2) for earlier, later in itertools.pairwise(oks)] == [
        0.5,
        1.0,
        2.0,
    ]
    assert len(sent(phone.network, "ACK")) == 4
    assert phone.all(CallAnswered) != []
    assert len(phone.all(CallAnswered)) == 1
    assert server.sip.statistics()["calls"] == 1
    server.sip.hangup(received, 16, server.now)
    nothing_is_left(phone, server)


def test_without_an_ack_a_call_ends_with_a_bye() -> None:
    phone, server = pair()
    phone.network.drop = lambda source, destination, data: data.startswith(b"ACK")
    call, received = answered(phone, server)
    assert server.wait(CallEnded) == CallEnded(received, 102, By.TIMEOUT)
    assert phone.wait(CallEnded) == CallEnded(call, 102, By.REMOTE)
    nothing_is_left(phone, server)


def test_hanging_up_waits_for_the_ack() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    server.sip.answer(received, ANSWER, server.now)
    server.sip.hangup(received, 17, server.now)
    assert server.wait(CallEnded) == CallEnded(received, 17, By.LOCAL)
    assert phone.wait(CallEnded) == CallEnded(call, 17, By.REMOTE)
    order = [data.split()[0] for *_, data in phone.network.log if not data.startswith(b"SIP")]
    assert order == [b"INVITE", b"ACK", b"BYE"]
    assert phone.all(CallAnswered) != []
    nothing_is_left(phone, server)


def test_hanging_up_without_an_ack_ends_all_the_same() -> None:
    phone, server = pair()
    phone.network.drop = lambda source, destination, data: data.startswith(b"ACK")
    _, received = ringing(phone, server)
    server.sip.answer(received, ANSWER, server.now)
    server.sip.hangup(received, 17, server.now)
    nothing_is_left(phone, server)
    assert len(server.all(CallEnded)) == 1


def test_both_hang_up_at_once() -> None:
    phone, server = pair()
    call, received = answered(phone, server)
    phone.sip.hangup(call, 16, phone.now)
    server.sip.hangup(received, 17, server.now)
    nothing_is_left(phone, server)
    assert phone.all(CallEnded) == [CallEnded(call, 16, By.LOCAL)]
    assert server.all(CallEnded) == [CallEnded(received, 17, By.LOCAL)]


def test_a_bye_to_nobody_is_given_up() -> None:
    phone, server = pair()
    call, _ = answered(phone, server)
    phone.network.drop = lambda source, destination, data: source == PHONE
    phone.sip.hangup(call, 16, phone.now)
    nothing_is_left(phone)


def test_nobody_there_is_a_time_out() -> None:
    network = VirtualNetwork()
    phone = Agent(network, PHONE, endpoint(PHONE))
    call = phone.call(SERVER)
    assert phone.wait(CallRejected) == CallRejected(call, 408, "Request Timeout", 18)
    assert phone.now == 1032.0
    times = [when - 1000.0 for when, *_ in network.log]
    assert times == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    nothing_is_left(phone)


def test_a_long_ringing_is_repeated_each_minute() -> None:
    phone, server = pair()
    _, received = ringing(phone, server)
    server.sip.ring(received, server.now)
    phone.network.run_for(130.0)
    assert [event.status for event in phone.all(CallProgressed)] == [180, 180, 180]


# Authentication.


def test_a_call_is_authenticated_once() -> None:
    phone, server = pair(people=People())
    call = phone.call(SERVER, credentials=Credentials("100", "secret"))
    received = server.wait(CallReceived)
    assert received.endpoint == "100"
    server.sip.answer(received.call, ANSWER, server.now)
    assert phone.wait(CallAnswered).call == call
    phone.network.run_for(1.0)
    phone.sip.hangup(call, 16, phone.now)
    server.wait(CallEnded)
    nothing_is_left(phone, server)


@pytest.mark.parametrize(
    ("name", "credentials", "status"),
    [
        ("100", None, 401),
        ("100", Credentials("100", "wrong"), 401),
        ("999", None, 401),
        ("999", Credentials("999", "secret"), 401),
        ("100", Credentials("999", "secret"), 401),
        ("101", Credentials("100", "secret"), 403),
        ("999", Credentials("100", "secret"), 403),
    ],
)
def test_who_is_not_let_in(name: str, credentials: Credentials | None, status: int) -> None:
    phone, server = pair(people=People())
    call = phone.call(SERVER, from_user=name, credentials=credentials)
    rejected = phone.wait(CallRejected)
    assert (rejected.call, rejected.status, rejected.cause) == (call, status, 21)
    assert server.all(CallReceived) == []
    nothing_is_left(phone, server)
    assert len(server.all(AuthenticationFailed)) == (1 if credentials and status == 401 else 0)


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("sip:200@192.0.2.1", 100),
        ("sip:200@server.example.com:5070;transport=tcp", 100),
        ("sip:%32%30%30@192.0.2.1", 100),
        ("sip:192.0.2.1:5060", 100),
        ("server", 100),
        ("sip:201@192.0.2.1", 400),
    ],
)
def test_credentials_for_one_call_are_not_good_for_another(uri: str, status: int) -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint(people=People()))
    far.send(SERVER, request("INVITE", body=OFFER))
    challenge = choose(far.wait_status(401).headers.values("WWW-Authenticate"))
    assert challenge is not None
    own = answer(challenge, Credentials("100", "secret"), "INVITE", uri, "c")
    again = request(
        "INVITE", cseq="2 INVITE", branch="z9hG4bKauth", body=OFFER,
        fields=(f"Authorization: {own}",),
    )  # fmt: skip
    far.send(SERVER, again)
    far.wait_status(status)
    assert len(server.all(CallReceived)) == (status == 100)


@pytest.mark.parametrize(
    ("method", "options", "status"),
    [
        ("INVITE", {}, 401),
        ("INVITE", {"fields": ("Require: 100rel",)}, 420),
        ("INVITE", {"target": "mailto:a@b"}, 416),
        ("INVITE", {"to": "<sip:200@192.0.2.1>;tag=gone"}, 481),
        ("REGISTER", {}, 401),
        ("OPTIONS", {}, 200),
        ("BYE", {}, 481),
        ("BYE", {"to": "<sip:200@192.0.2.1>;tag=gone"}, 481),
        ("CANCEL", {}, 481),
        ("UNHEARD-OF", {}, 501),
    ],
)
def test_strangers_cost_no_memory(method: str, options: dict[str, Any], status: int) -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint(people=People()))
    for number in range(50):
        far.send(SERVER, request(method, branch=f"z9hG4bK{number}", call_id=f"{number}", **options))
    network.run_for(30.0)
    # One datagram for one: who forged a sender's address could else have it flooded.
    assert far.statuses == [status] * 50
    assert server.sip.statistics()["transactions"] == 0


# Verbs out of their time.


def test_verbs_on_a_call_that_is_over_do_nothing() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    server.sip.ring(received, server.now)
    phone.wait(CallProgressed)
    phone.sip.hangup(call, 16, phone.now)
    server.wait(CallEnded)
    before = len(phone.network.log)
    sip, now = server.sip, server.now
    sip.ring(received, now)
    sip.progress(received, ANSWER, now)
    sip.answer(received, ANSWER, now)
    sip.reject(received, 486, 17, now)
    sip.redirect(received, SipUri("h"), now)
    sip.reinvite(received, OFFER, now)
    sip.accept_offer(received, ANSWER, now)
    sip.reject_offer(received, now)
    sip.hangup(received, 16, now)
    phone.sip.hangup(call, 16, now)
    assert sip.datagrams_to_send(now) == []
    assert len(phone.network.log) == before
    assert len(server.all(CallEnded)) == 1
    assert sip.sip_call_id(CallId("nobody")) is None


def test_verbs_that_do_not_fit_are_an_error() -> None:
    phone, server = pair()
    call, received = answered(phone, server)
    verbs: list[Callable[[], None]] = [
        lambda: server.sip.ring(received, server.now),
        lambda: server.sip.progress(received, ANSWER, server.now),
        lambda: server.sip.answer(received, ANSWER, server.now),
        lambda: server.sip.reject(received, 486, 17, server.now),
        lambda: server.sip.redirect(received, SipUri("h"), server.now),
        lambda: server.sip.accept_offer(received, ANSWER, server.now),
        lambda: server.sip.reject_offer(received, server.now),
        lambda: phone.sip.answer(call, ANSWER, phone.now),
    ]
    for verb in verbs:
        with pytest.raises(WrongState):
            verb()
    assert server.sip.statistics()["calls"] == 1


def test_headers_of_the_user_are_sent_and_checked() -> None:
    phone, server = pair()
    phone.call(SERVER, fields=[("X-Ticket", "42"), ("s", "hello")])
    received = server.wait(CallReceived)
    assert received.headers.get("X-Ticket") == "42"
    assert received.headers.get("Subject") == "hello"
    for field in (("X-Bad", "a\r\nVia: x"), ("Bad Name", "x"), ("", "x")):
        with pytest.raises(MalformedSip):
            phone.call(SERVER, fields=[field])
    assert phone.sip.statistics()["calls"] == 1


# INFO and OPTIONS.


@pytest.mark.parametrize(
    ("content_type", "body", "digit", "duration"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5", 160),
        ("application/dtmf-relay", b"Signal= *\nDuration= 90000", "*", 60000),
        ("application/dtmf-relay", b"Signal=11", "#", 100),
        ("application/dtmf", b"d", "D", 100),
    ],
)
def test_a_key_by_info(content_type: str, body: bytes, digit: str, duration: int) -> None:
    _network, far, server, received, to = far_call()
    info = request(
        "INFO", to=to, cseq="2 INFO", branch="z9hG4bKi", fields=(f"c: {content_type}",), body=body
    )
    far.send(SERVER, info)
    assert server.wait(DtmfInfo) == DtmfInfo(received, digit, duration)
    assert far.wait_status(200, 2).cseq.method == "INFO"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/dtmf-relay", b"Signal=55", 400),
        ("application/dtmf-relay", b"\xff", 400),
        ("text/plain", b"hello", 415),
        ("application/dtmf-relay", b"", 200),
    ],
)
def test_other_infos(content_type: str, body: bytes, status: int) -> None:
    network, far, server, _, to = far_call()
    info = request(
        "INFO", to=to, cseq="2 INFO", branch="z9hG4bKi", fields=(f"c: {content_type}",), body=body
    )
    far.send(SERVER, info)
    network.run_for(1.0)
    assert far.statuses[-1] == status
    assert server.all(DtmfInfo) == []


def far_call() -> tuple[VirtualNetwork, Far, Agent, CallId, str]:
    """A call from a plain far end that has been answered and acknowledged; and its To."""
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("INVITE", body=OFFER))
    received = server.wait(CallReceived).call
    server.sip.answer(received, ANSWER, server.now)
    to = str(far.wait_status(200).to)
    far.send(SERVER, request("ACK", to=to, branch="z9hG4bKack"))
    network.run_for(0.1)
    return network, far, server, received, to


def test_options_tell_what_we_can() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("OPTIONS"))
    answer = far.wait_status(200)
    assert answer.headers.tokens("Allow") == {
        "invite",
        "ack",
        "cancel",
        "bye",
        "options",
        "message",
        "notify",
        "register",
        "info",
        "refer",
    }
    assert "application/sdp" in answer.headers.tokens("Accept")
    assert answer.headers.get("Supported") == ""
    assert answer.to.tag
    nothing_is_left(server)


def test_options_in_a_call() -> None:
    _, far, _, _received, to = far_call()
    far.send(SERVER, request("OPTIONS", to=to, cseq="2 OPTIONS", branch="z9hG4bKo"))
    assert far.wait_status(200, 2).cseq.method == "OPTIONS"


# Dialogs.


@pytest.mark.parametrize("method", ["BYE", "INFO", "INVITE", "OPTIONS"])
@pytest.mark.parametrize("to", ["<sip:200@h>;tag=nobody", None])
def test_requests_of_no_dialog(method: str, to: str | None) -> None:
    _, far, _, _, ours = far_call()
    # The second is of another caller: our tag alone is not enough.
    from_ = "<sip:x@y>;tag=stranger" if to is None else "<sip:100@192.0.2.2>;tag=far"
    far.send(
        SERVER, request(method, to=to or ours, cseq=f"9 {method}", branch="z9hG4bKn", from_=from_)
    )
    assert far.wait_status(481).cseq.method == method


def test_a_bye_without_tag_is_of_no_dialog() -> None:
    network = VirtualNetwork()
    far, _ = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("BYE"))
    far.wait_status(481)


def test_an_old_request_is_refused() -> None:
    _, far, _, _, to = far_call()
    far.send(SERVER, request("INFO", to=to, cseq="5 INFO", branch="z9hG4bK5"))
    far.send(SERVER, request("INFO", to=to, cseq="4 INFO", branch="z9hG4bK4"))
    assert far.wait_status(500).cseq.number == 4
    far.send(SERVER, request("INFO", to=to, cseq="5 INFO", branch="z9hG4bK55"))
    assert far.wait_status(500, 2).cseq.number == 5


def test_a_stray_ack_is_ignored() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("ACK", to="<sip:200@h>;tag=x"))
    network.run_for(1.0)
    assert far.messages == []
    assert server.sip.statistics()["transactions"] == 0


# Forks.


def copied(invite: Request, *, tag: str | None = None, contact: str = "192.0.2.1:5060") -> bytes:
    """The headers of a response to a request, from a fork with this tag."""
    to = str(invite.to.with_tag(tag)) if tag else str(invite.to)
    lines = [
        f"Via: {invite.headers.get('Via')}", f"From: {invite.from_}", f"To: {to}",
        f"Call-ID: {invite.call_id}", f"CSeq: {invite.cseq}", f"Contact: <sip:{tag}@{contact}>",
        "Content-Length: 0", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def forked_call() -> tuple[VirtualNetwork, Far, Agent, CallId, Request]:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    call = phone.call(SERVER)
    return network, far, phone, call, far.wait_request("INVITE")


def test_the_first_fork_to_answer_wins_and_others_are_left() -> None:
    _network, far, phone, call, invite = forked_call()
    for tag in ("a", "b"):
        far.send(PHONE, b"SIP/2.0 180 Ringing\r\n" + copied(invite, tag=tag))
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="b"))
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="a"))
    bye = far.wait_request("BYE")
    assert bye.to.tag == "a"
    assert bye.target == "sip:a@192.0.2.1:5060"
    assert [ack.to.tag for ack in far.requests if ack.method == "ACK"] == ["b", "a"]
    assert len(phone.all(CallAnswered)) == 1
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(bye))
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="b"))
    assert far.wait_request("ACK", 3).to.tag == "b"
    assert phone.all(CallEnded) == []
    phone.sip.hangup(call, 16, phone.now)
    assert far.wait_request("BYE", 2).to.tag == "b"


def test_a_refusal_after_an_answer_is_ignored() -> None:
    network, far, phone, _, invite = forked_call()
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="a"))
    far.send(PHONE, b"SIP/2.0 486 Busy\r\n" + copied(invite, tag="b"))
    network.run_for(1.0)
    assert phone.all(CallRejected) == []


def test_an_answer_after_the_end_is_acknowledged_and_left() -> None:
    network, far, phone, call, invite = forked_call()
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="a"))
    phone.wait(CallAnswered)
    phone.sip.hangup(call, 16, phone.now)
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(far.wait_request("BYE")))
    network.run_for(1.0)
    assert phone.sip.statistics()["calls"] == 0
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="late"))
    assert far.wait_request("BYE", 2).to.tag == "late"


def test_a_callee_that_leaves_before_its_answer_came() -> None:
    network, far, phone, call, invite = forked_call()
    far.send(PHONE, b"SIP/2.0 180 Ringing\r\n" + copied(invite, tag="a"))
    network.run_for(0.1)
    bye = request("BYE", source=SERVER, from_=str(invite.to.with_tag("a")), to=str(invite.from_),
                  call_id=invite.call_id)  # fmt: skip
    far.send(PHONE, bye)
    assert phone.wait(CallEnded) == CallEnded(call, 16, By.REMOTE)
    far.wait_request("CANCEL")
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="a"))
    assert far.wait_request("BYE").to.tag == "a"


def test_a_fork_that_leaves_does_not_end_the_others() -> None:
    network, far, phone, call, invite = forked_call()
    for tag in ("a", "b"):
        far.send(PHONE, b"SIP/2.0 180 Ringing\r\n" + copied(invite, tag=tag))
    network.run_for(0.1)
    bye = request("BYE", source=SERVER, from_=str(invite.to.with_tag("a")), to=str(invite.from_),
                  call_id=invite.call_id)  # fmt: skip
    far.send(PHONE, bye)
    network.run_for(1.0)
    assert phone.all(CallEnded) == []
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="b"))
    assert phone.wait(CallAnswered).call == call


# The network at its worst.


@pytest.mark.parametrize("seed", range(25))
def test_calls_survive_loss_repetition_and_reordering(seed: int) -> None:
    network = VirtualNetwork(seed, loss=0.25, repeat=0.1, delay=0.02, jitter=0.3)
    phone, server = pair(network=network)
    call = phone.call(SERVER)
    received = server.wait(CallReceived).call
    network.run_for(2.0)
    server.sip.ring(received, server.now)
    network.run_for(2.0)
    server.sip.answer(received, ANSWER, server.now)
    phone.wait(CallAnswered)
    network.run_for(35.0)
    if not server.all(CallEnded):
        phone.sip.hangup(call, 16, phone.now)
    network.run_for(200.0)
    nothing_is_left(phone, server)
    assert len(phone.all(CallAnswered)) == 1
    assert len(phone.all(CallEnded)) == 1
    # All BYEs of 64*T1 may be lost: then the peer learns it otherwise, and not from us.
    assert len(server.all(CallEnded)) <= 1
