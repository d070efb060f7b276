"""Re-negotiation: hold and resume from both sides, late offers, and glare."""

import pytest

from stasisd.credentials.digest import Credentials
from stasisd.sip.call import WrongState
from stasisd.sip.events import (
    By,
    CallAnswered,
    CallEnded,
    CallReceived,
    OfferAnswered,
    OfferReceived,
    OfferRejected,
)
from stasisd.sip.uri import parse_uri
from tests.sip.agents import (
    ANSWER,
    HOLD,
    OFFER,
    PHONE,
    SERVER,
    Agent,
    Far,
    answered,
    endpoint,
    pair,
    request,
    ringing,
)
from tests.sip.test_calls import copied, far_call, nothing_is_left, sent
from tests.support.network import VirtualNetwork


@pytest.mark.parametrize("by_caller", [True, False])
def test_hold_and_resume(by_caller: bool) -> None:
    phone, server = pair()
    call, received = answered(phone, server)
    (me, mine), (you, yours) = ((phone, call), (server, received)) if by_caller else (
        (server, received), (phone, call),
    )  # fmt: skip
    for number, body in enumerate((HOLD, OFFER), 1):
        me.sip.reinvite(mine, body, me.now)
        assert you.wait(OfferReceived, number) == OfferReceived(yours, body)
        you.sip.accept_offer(yours, ANSWER, you.now)
        assert me.wait(OfferAnswered, number) == OfferAnswered(mine, ANSWER)
        me.network.run_for(1.0)
    me.sip.hangup(mine, 16, me.now)
    you.wait(CallEnded)
    nothing_is_left(phone, server)
    numbers = [invite.cseq.number for invite in sent(me.network, "INVITE")]
    assert numbers == ([1, 2, 3] if by_caller else [1, 1, 2])


def test_a_rejected_offer_changes_nothing() -> None:
    phone, server = pair()
    call, received = answered(phone, server)
    phone.sip.reinvite(call, HOLD, phone.now)
    server.wait(OfferReceived)
    server.sip.reject_offer(received, server.now)
    assert phone.wait(OfferRejected) == OfferRejected(call, 488, "Not Acceptable Here")
    phone.network.run_for(40.0)
    assert phone.all(CallEnded) == server.all(CallEnded) == []
    phone.sip.reinvite(call, HOLD, phone.now)
    server.wait(OfferReceived, 2)


def test_an_invite_without_offer_gets_ours_and_the_ack_answers() -> None:
    network = VirtualNetwork()
    far, server = Far(network, PHONE), Agent(network, SERVER, endpoint())
    far.send(SERVER, request("INVITE"))
    received = server.wait(CallReceived)
    assert received.body == b""
    server.sip.answer(received.call, OFFER, server.now)
    response = far.wait_status(200)
    assert response.body == OFFER
    ack = request("ACK", to=str(response.to), branch="z9hG4bKack", body=ANSWER)
    far.send(SERVER, ack)
    assert server.wait(OfferAnswered) == OfferAnswered(received.call, ANSWER)
    far.send(SERVER, ack)
    network.run_for(1.0)
    assert len(server.all(OfferAnswered)) == 1


def test_a_reinvite_without_offer_gets_ours_and_the_ack_answers() -> None:
    _network, far, server, received, to = far_call()
    far.send(SERVER, request("INVITE", to=to, cseq="2 INVITE", branch="z9hG4bKre"))
    assert server.wait(OfferReceived) == OfferReceived(received, b"")
    server.sip.accept_offer(received, OFFER, server.now)
    assert far.wait_status(200, 2).body == OFFER
    far.send(SERVER, request("ACK", to=to, cseq="2 ACK", branch="z9hG4bKack2", body=ANSWER))
    assert server.wait(OfferAnswered) == OfferAnswered(received, ANSWER)


def test_an_ack_of_another_invite_does_not_count() -> None:
    _network, far, server, received, to = far_call()
    far.send(SERVER, request("INVITE", to=to, cseq="2 INVITE", branch="z9hG4bKre", body=HOLD))
    server.wait(OfferReceived)
    server.sip.accept_offer(received, ANSWER, server.now)
    far.wait_status(200, 2)
    far.send(SERVER, request("ACK", to=to, cseq="1 ACK", branch="z9hG4bKold"))
    assert server.wait(CallEnded) == CallEnded(received, 102, By.TIMEOUT)


# Glare (section 14.1).


def test_offers_that_cross_are_tried_again_by_one_and_the_other() -> None:
    phone, server = pair()
    call, received = answered(phone, server)
    phone.sip.reinvite(call, HOLD, phone.now)
    server.sip.reinvite(received, OFFER, server.now)
    start = phone.now
    # Who did not choose the Call-ID tries again first, within two seconds.
    assert phone.wait(OfferReceived).body == OFFER
    assert phone.now - start <= 2.1
    phone.sip.accept_offer(call, ANSWER, phone.now)
    assert server.wait(OfferAnswered).call == received
    # The phone's own offer would be out of date now.
    assert phone.all(OfferRejected) == [OfferRejected(call, 491, "Request Pending")]
    phone.network.run_for(10.0)
    assert len(server.all(OfferReceived)) == 0
    phone.sip.reinvite(call, HOLD, phone.now)
    assert server.wait(OfferReceived).body == HOLD


def test_a_refused_glare_is_tried_again_after_its_time() -> None:
    _, far, server, received, _to = far_call()
    server.sip.reinvite(received, HOLD, server.now)
    first = far.wait_request("INVITE")
    far.send(SERVER, b"SIP/2.0 491 Request Pending\r\n" + copied(first))
    server.network.run_for(0.1)
    with pytest.raises(WrongState):
        server.sip.reinvite(received, OFFER, server.now)
    again = far.wait_request("INVITE", 2)
    assert (again.cseq.number, again.body) == (2, HOLD)
    far.send(SERVER, b"SIP/2.0 200 OK\r\n" + copied(again))
    assert server.wait(OfferAnswered).call == received


def test_the_owner_of_the_call_id_waits_longer() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    call = phone.call(SERVER)
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(far.wait_request("INVITE"), tag="t"))
    phone.wait(CallAnswered)
    network.run_for(0.1)
    phone.sip.reinvite(call, HOLD, phone.now)
    far.send(PHONE, b"SIP/2.0 491 Request Pending\r\n" + copied(far.wait_request("INVITE", 2)))
    network.run_for(0.1)
    start = phone.now
    far.wait_request("INVITE", 3)
    assert 2.0 <= phone.now - start <= 4.1


def test_an_offer_while_ours_is_out_is_refused_with_491() -> None:
    _, far, server, received, to = far_call()
    server.sip.reinvite(received, HOLD, server.now)
    far.wait_request("INVITE")
    far.send(SERVER, request("INVITE", to=to, cseq="2 INVITE", branch="z9hG4bKg", body=OFFER))
    far.wait_status(491)
    assert server.all(OfferReceived) == []


def test_a_second_offer_before_the_first_is_answered_is_refused_with_500() -> None:
    _, far, server, _received, to = far_call()
    for number in (2, 3):
        far.send(
            SERVER,
            request("INVITE", to=to, cseq=f"{number} INVITE", branch=f"z9hG4bK{number}", body=HOLD),
        )
    assert far.wait_status(500).headers.get("Retry-After") == "1"
    assert len(server.all(OfferReceived)) == 1


def test_one_offer_at_a_time() -> None:
    phone, server = pair()
    call, received = ringing(phone, server)
    with pytest.raises(WrongState):
        server.sip.reinvite(received, OFFER, server.now)
    server.sip.answer(received, ANSWER, server.now)
    with pytest.raises(WrongState):
        server.sip.reinvite(received, OFFER, server.now)
    phone.network.run_for(1.0)
    phone.sip.reinvite(call, HOLD, phone.now)
    with pytest.raises(WrongState):
        phone.sip.reinvite(call, HOLD, phone.now)
    server.wait(OfferReceived)
    with pytest.raises(WrongState):
        server.sip.reinvite(received, HOLD, server.now)


# Ends.


def test_a_dialog_that_the_peer_has_forgotten_ends() -> None:
    _, far, server, received, _ = far_call()
    server.sip.reinvite(received, HOLD, server.now)
    far.send(SERVER, b"SIP/2.0 481 Gone\r\n" + copied(far.wait_request("INVITE")))
    assert server.wait(CallEnded) == CallEnded(received, 127, By.REMOTE)
    far.wait_request("BYE")


def test_a_reinvite_that_nobody_answers_ends_the_call() -> None:
    _, far, server, received, _ = far_call()
    server.sip.reinvite(received, HOLD, server.now)
    assert server.wait(CallEnded) == CallEnded(received, 18, By.TIMEOUT)
    far.wait_request("BYE")
    nothing_is_left(server)


@pytest.mark.parametrize("hangs_up", ["offerer", "offered"])
def test_hanging_up_with_an_offer_under_way_leaves_nothing(hangs_up: str) -> None:
    phone, server = pair()
    call, received = answered(phone, server)
    phone.sip.reinvite(call, HOLD, phone.now)
    server.wait(OfferReceived)
    if hangs_up == "offerer":
        phone.sip.hangup(call, 16, phone.now)
    else:
        server.sip.hangup(received, 16, server.now)
    nothing_is_left(phone, server)
    assert len(phone.all(CallEnded)) == len(server.all(CallEnded)) == 1


def test_an_offer_that_is_never_answered_does_not_outlive_its_call() -> None:
    network, far, server, received, _ = far_call()
    server.sip.reinvite(received, HOLD, server.now)
    far.send(SERVER, b"SIP/2.0 100 Trying\r\n" + copied(far.wait_request("INVITE")))
    network.run_for(0.1)
    server.sip.hangup(received, 16, server.now)
    far.send(SERVER, b"SIP/2.0 200 OK\r\n" + copied(far.wait_request("BYE")))
    nothing_is_left(server)


def test_an_answer_that_comes_after_the_hangup_is_acknowledged() -> None:
    phone, server = pair()
    call, received = answered(phone, server)
    phone.sip.reinvite(call, HOLD, phone.now)
    server.wait(OfferReceived)
    server.sip.accept_offer(received, ANSWER, server.now)
    phone.sip.hangup(call, 16, phone.now)
    nothing_is_left(phone, server)
    assert phone.all(OfferAnswered) == []


def test_a_challenged_reinvite_and_bye_are_sent_again() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    call = phone.call(SERVER, credentials=Credentials("100", "secret"))
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(far.wait_request("INVITE"), tag="t"))
    phone.wait(CallAnswered)
    network.run_for(0.1)
    challenge = b'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'
    phone.sip.reinvite(call, HOLD, phone.now)
    far.send(PHONE, b"SIP/2.0 407 Proxy\r\n" + challenge + copied(far.wait_request("INVITE", 2)))
    again = far.wait_request("INVITE", 3)
    assert (again.cseq.number, again.body) == (3, HOLD)
    assert "Digest username" in (again.headers.get("Proxy-Authorization") or "")
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(again))
    phone.wait(OfferAnswered)
    phone.sip.hangup(call, 16, phone.now)
    far.send(PHONE, b"SIP/2.0 407 Proxy\r\n" + challenge + copied(far.wait_request("BYE")))
    last = far.wait_request("BYE", 2)
    assert last.cseq.number == 5
    far.send(PHONE, b"SIP/2.0 407 Proxy\r\n" + challenge + copied(last))
    nothing_is_left(phone)
    assert len([each for each in far.requests if each.method == "BYE"]) == 2


def test_targets_follow_the_peers_contact() -> None:
    _, far, server, received, to = far_call()
    moved = request("INVITE", to=to, cseq="2 INVITE", branch="z9hG4bKm", body=HOLD)
    moved = moved.replace(b"Contact: <sip:100@192.0.2.2:5060>", b"Contact: <sip:moved@192.0.2.77>")
    far.send(SERVER, moved)
    server.wait(OfferReceived)
    server.sip.accept_offer(received, ANSWER, server.now)
    far.wait_status(200, 2)
    far.send(SERVER, request("ACK", to=to, cseq="2 ACK", branch="z9hG4bKa2"))
    server.network.run_for(0.1)
    server.sip.hangup(received, 16, server.now)
    assert far.wait_request("BYE").uri == parse_uri("sip:moved@192.0.2.77")


@pytest.mark.parametrize("seed", range(10))
def test_offers_survive_loss_and_reordering(seed: int) -> None:
    network = VirtualNetwork(seed, loss=0.2, repeat=0.1, delay=0.02, jitter=0.3)
    phone, server = pair(network=network)
    call, received = ringing(phone, server)
    server.sip.answer(received, ANSWER, server.now)
    phone.wait(CallAnswered)
    network.run_for(10.0)
    phone.sip.reinvite(call, HOLD, phone.now)
    server.wait(OfferReceived)
    server.sip.accept_offer(received, ANSWER, server.now)
    phone.wait(OfferAnswered)
    network.run_for(10.0)
    assert len(phone.all(OfferAnswered)) == len(server.all(OfferReceived)) == 1
    assert server.sip.statistics()["calls"] == 1
