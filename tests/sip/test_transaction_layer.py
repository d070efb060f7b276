"""Matching: which transaction a message belongs to (RFC 3261 sections 17.1.3, 17.2.3, 8.2.2.2)."""

from stasisd.sip.events import CallAnswered, CallReceived, CallRejected
from tests.sip.agents import ANSWER, OFFER, PHONE, SERVER, Agent, Far, endpoint, request
from tests.sip.test_calls import copied, nothing_is_left
from tests.sip.torture import VALID
from tests.support.network import VirtualNetwork


def far_and_server(**settings: object) -> tuple[VirtualNetwork, Far, Agent]:
    network = VirtualNetwork()
    return network, Far(network, PHONE), Agent(network, SERVER, endpoint(**settings))  # type: ignore[arg-type] # settings of the user agent only


def test_a_repeated_invite_is_one_call() -> None:
    network, far, server = far_and_server()
    for _ in range(3):
        far.send(SERVER, request("INVITE", body=OFFER))
    received = server.wait(CallReceived).call
    server.sip.ring(received, server.now)
    network.run_for(1.0)
    far.send(SERVER, request("INVITE", body=OFFER))
    network.run_for(1.0)
    assert len(server.all(CallReceived)) == 1
    # Each repetition gets the latest provisional response.
    assert far.statuses == [100, 100, 100, 180, 180]
    server.sip.answer(received, ANSWER, server.now)
    network.run_for(0.1)
    far.send(SERVER, request("INVITE", body=OFFER))
    network.run_for(0.1)
    assert far.statuses.count(200) == 1


def test_a_repeated_request_gets_the_same_response() -> None:
    network, far, server = far_and_server()
    for _ in range(3):
        far.send(SERVER, request("OPTIONS"))
    network.run_for(1.0)
    assert len(far.responses) == 3
    assert len(set(far.responses)) == 1
    nothing_is_left(server)


def test_a_refusal_is_repeated_until_its_ack_and_absorbs_it() -> None:
    network, far, server = far_and_server()
    far.send(SERVER, request("INVITE", body=OFFER))
    server.sip.hangup(server.wait(CallReceived).call, 17, server.now)
    network.run_for(1.6)
    assert far.statuses == [100, 486, 486, 486]
    far.send(SERVER, request("ACK", to=str(far.responses[-1].to)))
    network.run_for(4.0)
    assert far.statuses.count(486) == 3
    nothing_is_left(server)


def test_a_refusal_that_is_never_acknowledged_is_given_up() -> None:
    _network, far, server = far_and_server()
    far.send(SERVER, request("INVITE", body=OFFER))
    server.sip.hangup(server.wait(CallReceived).call, 17, server.now)
    nothing_is_left(server)
    assert far.statuses.count(486) == 11


def test_the_same_branch_of_another_sender_is_another_request() -> None:
    network, far, _server = far_and_server()
    other = Far(network, ("192.0.2.3", 5060))
    far.send(SERVER, request("OPTIONS"))
    other.send(SERVER, request("OPTIONS", source=other.address, call_id="other"))
    far.wait_status(200)
    other.wait_status(200)


def test_one_request_on_two_ways_is_merged() -> None:
    _network, far, server = far_and_server()
    far.send(SERVER, request("INVITE", body=OFFER))
    far.send(SERVER, request("INVITE", body=OFFER, branch="z9hG4bKother"))
    far.wait_status(482)
    assert len(server.all(CallReceived)) == 1


def test_a_request_sent_again_with_a_new_number_is_not_merged() -> None:
    _network, far, server = far_and_server()
    far.send(SERVER, request("INVITE", body=OFFER))
    far.send(SERVER, request("INVITE", body=OFFER, branch="z9hG4bKother", cseq="2 INVITE"))
    server.wait(CallReceived, 2)


def test_a_peer_of_rfc_2543_is_understood() -> None:
    network, far, server = far_and_server(people=None)
    invite = VALID["inv2543"].replace(b"+13035551111@", b"100@")
    for _ in range(2):
        far.send(SERVER, invite)
    received = server.wait(CallReceived)
    assert received.from_.tag is None
    server.sip.hangup(received.call, 17, server.now)
    refused = far.wait_status(486)
    ack = invite.replace(b"INVITE", b"ACK").replace(
        b";user=phone\r\nCall", f";tag={refused.to.tag}\r\nCall".encode()
    )
    far.send(SERVER, ack)
    network.run_for(10.0)
    assert far.statuses.count(486) == 1
    assert len(server.all(CallReceived)) == 1


def test_a_branch_of_the_cookie_alone_is_no_branch() -> None:
    network, far, _server = far_and_server()
    for number in range(2):
        far.send(SERVER, request("OPTIONS", branch="z9hG4bK", call_id=f"c{number}"))
    network.run_for(1.0)
    assert [response.call_id for response in far.responses] == ["c0", "c1"]


def test_too_many_transactions_are_refused() -> None:
    network, far, _server = far_and_server(max_transactions=5)
    for number in range(8):
        far.send(
            SERVER,
            request("REGISTER", to="<sip:100@h>", branch=f"z9hG4bK{number}", call_id=f"c{number}"),
        )
    network.run_for(1.0)
    assert far.statuses == [200] * 5 + [503] * 3
    network.run_for(60.0)
    far.send(SERVER, request("REGISTER", to="<sip:100@h>", branch="z9hG4bKlater", call_id="later"))
    far.wait_status(200, 6)


def test_a_response_to_nothing_is_counted() -> None:
    network, far, server = far_and_server()
    far.send(SERVER, VALID["unreason"])
    network.run_for(1.0)
    assert server.sip.statistics()["stray responses"] == 1


def test_a_response_must_be_to_our_method() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    phone.call(SERVER)
    invite = far.wait_request("INVITE")
    far.send(PHONE, b"SIP/2.0 200 OK\r\n" + copied(invite, tag="t").replace(b"1 INVITE", b"1 BYE"))
    network.run_for(0.2)
    assert phone.all(CallAnswered) == []
    assert phone.sip.statistics()["stray responses"] == 1


def test_each_repeated_refusal_is_acknowledged() -> None:
    network = VirtualNetwork()
    far, phone = Far(network, SERVER), Agent(network, PHONE, endpoint(PHONE))
    phone.call(SERVER)
    invite = far.wait_request("INVITE")
    for _ in range(3):
        far.send(PHONE, b"SIP/2.0 486 Busy\r\n" + copied(invite, tag="t"))
    network.run_for(1.0)
    acks = [each for each in far.requests if each.method == "ACK"]
    assert len(acks) == 3
    assert {ack.via.branch for ack in acks} == {invite.via.branch}
    assert acks[0].to.tag == "t"
    assert len(phone.all(CallRejected)) == 1
