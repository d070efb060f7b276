"""What a peer is told within a call: by UPDATE, one at a time, and by re-INVITE."""

import pytest

from stasisd.credentials.digest import Credentials
from stasisd.sip.call import WrongState
from stasisd.sip.events import (
    By,
    CallAnswered,
    CallEnded,
    CallId,
    CallReceived,
    OfferAnswered,
    Updated,
)
from tests.sip.agents import (
    ANSWER,
    HOLD,
    OFFER,
    PHONE,
    SERVER,
    Agent,
    Far,
    endpoint,
    request,
)
from tests.sip.test_calls import copied
from tests.support.network import VirtualNetwork

ADA = ("P-Asserted-Identity", '"Ada" <sip:7@192.0.2.1>')
BOB = ("P-Asserted-Identity", '"Bob" <sip:8@192.0.2.1>')


def far_call(allow: str | None = "Allow: INVITE, ACK, BYE, UPDATE") -> tuple[Far, Agent, CallId]:
    """A far end's call that has been answered and acknowledged."""
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    fields = () if allow is None else (allow,)
    far.send(SERVER, request("INVITE", body=OFFER, fields=fields))
    received = server.wait(CallReceived).call
    server.sip.answer(received, ANSWER, server.now)
    to = str(far.wait_status(200).to)
    far.send(SERVER, request("ACK", to=to, branch="z9hG4bKack"))
    network.run_for(0.1)
    return far, server, received


def answer(far: Far, status: str, number: int = 1, *, method: str = "UPDATE") -> None:
    """Let the far end answer a request of this method."""
    asked = far.wait_request(method, number)
    far.send(SERVER, f"SIP/2.0 {status}\r\n".encode() + copied(asked))
    far.network.run_for(0.1)


def test_an_update_says_what_it_is_given_and_offers_nothing() -> None:
    far, server, call = far_call()
    assert server.sip.takes_updates(call)
    server.sip.update(call, (ADA,), server.now)
    sent = far.wait_request("UPDATE")
    assert (sent.headers.get(ADA[0]), sent.body) == (ADA[1], b"")
    assert sent.headers.get("Contact") is not None
    answer(far, "200 OK")
    assert server.all(Updated) == [Updated(call, 200)]
    server.sip.update(call, (BOB,), server.now)
    assert far.wait_request("UPDATE", 2).cseq.number == sent.cseq.number + 1


@pytest.mark.parametrize("allow", [None, "Allow: INVITE, ACK, BYE", "Allow: UPDATED"])
def test_who_does_not_say_so_takes_none(allow: str | None) -> None:
    _far, server, call = far_call(allow)
    assert not server.sip.takes_updates(call)
    assert not server.sip.takes_updates(CallId("nothing"))


def test_a_callee_says_in_its_answer_whether_it_takes_them() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    call = phone.call(SERVER)
    invite = far.wait_request("INVITE")
    far.send(PHONE, b"SIP/2.0 180 Ringing\r\nAllow: UPDATE\r\n" + copied(invite, tag="t"))
    network.run_for(0.1)
    assert phone.sip.takes_updates(call)
    with pytest.raises(WrongState):
        phone.sip.update(call, (ADA,), phone.now)
    far.send(PHONE, b"SIP/2.0 200 OK\r\nAllow: INVITE\r\n" + copied(invite, tag="t"))
    phone.wait(CallAnswered)
    assert not phone.sip.takes_updates(call)


def test_there_is_one_at_a_time_and_none_beside_an_offer() -> None:
    far, server, call = far_call()
    server.sip.update(call, (ADA,), server.now)
    with pytest.raises(WrongState):
        server.sip.update(call, (BOB,), server.now)
    with pytest.raises(WrongState):
        server.sip.reinvite(call, HOLD, server.now)
    answer(far, "200 OK")
    server.sip.reinvite(call, HOLD, server.now, fields=(BOB,))
    offered = far.wait_request("INVITE")
    assert (offered.headers.get(BOB[0]), offered.body) == (BOB[1], HOLD)
    with pytest.raises(WrongState):
        server.sip.update(call, (ADA,), server.now)
    answer(far, "200 OK", method="INVITE")
    assert server.all(OfferAnswered)
    server.sip.update(call, (ADA,), server.now)


def test_an_answer_that_waits_for_its_ack_comes_first() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("INVITE", body=OFFER, fields=("Allow: UPDATE",)))
    call = server.wait(CallReceived).call
    server.sip.answer(call, ANSWER, server.now, fields=(ADA,))
    assert far.wait_status(200).headers.get(ADA[0]) == ADA[1]
    with pytest.raises(WrongState):
        server.sip.update(call, (ADA,), server.now)


def test_a_glare_is_tried_again_in_its_time_with_the_same() -> None:
    far, server, call = far_call()
    server.sip.update(call, (ADA,), server.now)
    far.wait_request("UPDATE")
    start = server.now
    answer(far, "491 Request Pending")
    assert server.all(Updated) == []
    with pytest.raises(WrongState):
        server.sip.update(call, (BOB,), server.now)
    again = far.wait_request("UPDATE", 2)
    assert server.now - start <= 2.3  # the far end has chosen the Call-ID
    assert again.headers.get(ADA[0]) == ADA[1]
    answer(far, "200 OK", 2)
    assert server.all(Updated) == [Updated(call, 200)]


def test_a_glare_that_waits_ends_with_the_call() -> None:
    far, server, call = far_call()
    server.sip.update(call, (ADA,), server.now)
    answer(far, "491 Request Pending")
    server.sip.hangup(call, 16, server.now)
    answer(far, "200 OK", method="BYE")
    server.network.run_for(120)
    assert len([r for r in far.requests if r.method == "UPDATE"]) == 1
    counts = server.sip.statistics()
    assert (counts["calls"], counts["transactions"], counts["deadlines"]) == (0, 0, 0)


@pytest.mark.parametrize(("status", "takes"), [
    ("405 Method Not Allowed", False), ("501 Not Implemented", False), ("500 Error", True),
])  # fmt: skip
def test_a_refusal_is_told_and_remembered_where_the_method_is_unknown(
    status: str, takes: bool
) -> None:
    far, server, call = far_call()
    server.sip.update(call, (ADA,), server.now)
    answer(far, status)
    assert server.all(Updated) == [Updated(call, int(status[:3]))]
    assert server.sip.takes_updates(call) is takes
    server.network.run_for(5)
    assert server.all(CallEnded) == []


def test_a_peer_that_knows_nothing_of_the_call_ends_it() -> None:
    far, server, call = far_call()
    server.sip.update(call, (ADA,), server.now)
    answer(far, "481 Call Does Not Exist")
    assert server.all(CallEnded) == [CallEnded(call, 127, By.REMOTE)]
    assert server.all(Updated) == []


def test_and_so_does_one_that_does_not_answer() -> None:
    _far, server, call = far_call()
    server.sip.update(call, (ADA,), server.now)
    ended = server.wait(CallEnded)
    assert (ended.call, ended.by) == (call, By.TIMEOUT)


def test_a_challenged_update_is_sent_again_with_credentials() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    call = phone.call(SERVER, credentials=Credentials("100", "secret"))
    invite = far.wait_request("INVITE")
    far.send(PHONE, b"SIP/2.0 200 OK\r\nAllow: UPDATE\r\n" + copied(invite, tag="t"))
    phone.wait(CallAnswered)
    phone.sip.update(call, (ADA,), phone.now)
    first = far.wait_request("UPDATE")
    challenge = b'WWW-Authenticate: Digest realm="r", nonce="n"\r\n'
    far.send(PHONE, b"SIP/2.0 401 Unauthorized\r\n" + challenge + copied(first))
    again = far.wait_request("UPDATE", 2)
    assert again.headers.get("Authorization") is not None
    assert again.headers.get(ADA[0]) == ADA[1]
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(again))
    assert phone.wait(Updated) == Updated(call, 200)


def test_an_update_is_not_repeated_when_the_call_is_over() -> None:
    far, server, call = far_call()
    server.sip.update(call, (ADA,), server.now)
    server.sip.hangup(call, 16, server.now)
    answer(far, "200 OK", method="BYE")
    before = len([r for r in far.requests if r.method == "UPDATE"])
    server.network.run_for(40)
    assert len([r for r in far.requests if r.method == "UPDATE"]) == before


def test_what_a_late_response_says_does_not_matter() -> None:
    far, server, call = far_call()
    server.sip.update(call, (ADA,), server.now)
    first = far.wait_request("UPDATE")
    far.send(SERVER, b"SIP/2.0 100 Trying\r\n" + copied(first))
    far.network.run_for(0.1)
    with pytest.raises(WrongState):
        server.sip.update(call, (BOB,), server.now)
    server.sip.hangup(call, 16, server.now)
    answer(far, "200 OK")
    assert server.all(Updated) == []
    server.sip.update(call, (BOB,), server.now)  # over: nothing happens
