"""REFER within a call, both ways: two of our user agents, or a plain far end at one side."""

import pytest

from stasisd.credentials.digest import Credentials
from stasisd.sip.call import WrongState
from stasisd.sip.events import CallEnded, CallId, CallReferred, ReferReceived
from stasisd.sip.message import Response, respond
from stasisd.sip.uri import NameAddr, SipUri
from tests.sip.agents import PHONE, SERVER, Agent, Far, answered, pair, request
from tests.sip.test_calls import far_call, nothing_is_left

TARGET = NameAddr(SipUri("192.0.2.9", "300"))


def referred(**options: object) -> tuple[Agent, Agent, CallId, CallId]:
    """A call in which the server has asked the phone to call somebody else."""
    phone, server = pair()
    call, received = answered(phone, server, **options)
    server.sip.refer_call(received, TARGET, None, server.now)
    return phone, server, call, received


def test_we_ask_and_hear_how_it_goes() -> None:
    phone, server, call, received = referred()
    asked = phone.wait(ReferReceived)
    assert asked == ReferReceived(
        call=call, refer_to=TARGET, referred_by="<sip:200@192.0.2.1>", replaces=None
    )
    phone.sip.accept_referral(call, phone.now)
    phone.sip.report_referral(call, 180, phone.now)
    phone.sip.report_referral(call, 200, phone.now)
    server.wait(CallReferred, 3)
    assert [event.status for event in server.all(CallReferred)] == [100, 180, 200]
    server.sip.hangup(received, 16, server.now)
    phone.wait(CallEnded)
    nothing_is_left(server, phone)


def test_who_wants_it_is_passed_on() -> None:
    phone, server = pair()
    _, received = answered(phone, server)
    server.sip.refer_call(received, TARGET, '"Boss" <sip:boss@x>', server.now)
    assert phone.wait(ReferReceived).referred_by == '"Boss" <sip:boss@x>'


@pytest.mark.parametrize("status", [603, 408, 500])
def test_a_peer_that_does_not_want(status: int) -> None:
    phone, server, call, received = referred()
    phone.wait(ReferReceived)
    phone.sip.reject_referral(call, status, phone.now)
    assert server.wait(CallReferred) == CallReferred(received, status)
    server.sip.refer_call(received, TARGET, None, server.now)  # the next may be asked
    phone.wait(ReferReceived, 2)


def test_one_at_a_time() -> None:
    _, server, _, received = referred()
    with pytest.raises(WrongState, match="under way"):
        server.sip.refer_call(received, TARGET, None, server.now)


def test_an_unanswered_call_is_not_referred() -> None:
    phone, server = pair()
    call = phone.call(SERVER)
    with pytest.raises(WrongState, match="CALLING"):
        phone.sip.refer_call(call, TARGET, None, phone.now)
    assert server.all(ReferReceived) == []


def test_a_call_that_is_over_tells_no_more() -> None:
    phone, server, call, _ = referred()
    phone.wait(ReferReceived)
    phone.sip.accept_referral(call, phone.now)
    phone.sip.hangup(call, 16, phone.now)
    server.wait(CallEnded)
    phone.network.run_for(300.0)
    assert [event.status for event in server.all(CallReferred)] in ([], [100])
    nothing_is_left(server, phone)


# --- a far end that a test writes


def far_referred() -> tuple[Far, Agent, CallId, str]:
    _, far, server, received, to = far_call()
    server.sip.refer_call(received, TARGET, None, server.now)
    return far, server, received, to


def notify(far: Far, to: str, cseq: int, state: str, *fields: str, body: str = "") -> None:
    head = (f"Subscription-State: {state}", "Event: refer", *fields)
    far.send(
        SERVER,
        request(
            "NOTIFY",
            to=to,
            cseq=f"{cseq} NOTIFY",
            branch=f"z9hG4bKn{cseq}",
            fields=head,
            body=body.encode(),
        ),
    )


@pytest.mark.parametrize(
    ("state", "body", "heard"),
    [
        ("active", "SIP/2.0 183 Progress", [183]),
        ("active", "SIP/2.0 486 Busy Here", [486]),
        ("terminated;reason=noresource", "", [500]),
        ("terminated", "SIP/2.0 100 Trying", [500]),
        ("terminated", "nonsense", [500]),
        ("terminated", "SIP/2.0 200 OK", [200]),
    ],
)
def test_what_a_notify_says(state: str, body: str, heard: list[int]) -> None:
    far, server, _, to = far_referred()
    far.send(SERVER, respond(far.wait_request("REFER"), 202))
    content = ("Content-Type: message/sipfrag;version=2.0",) if body else ()
    notify(far, to, 2, state, *content, body=body)
    far.wait_status(200, 2)
    assert [event.status for event in server.all(CallReferred)] == heard


def test_a_notify_before_the_202_counts() -> None:
    far, server, received, to = far_referred()
    refer = far.wait_request("REFER")
    notify(far, to, 2, "terminated", "Content-Type: message/sipfrag", body="SIP/2.0 200 OK")
    assert server.wait(CallReferred) == CallReferred(received, 200)
    far.send(SERVER, respond(refer, 202))
    notify(far, to, 3, "terminated", "Content-Type: message/sipfrag", body="SIP/2.0 200 OK")
    far.wait_status(481)
    far.network.run_for(200.0)
    assert len(server.all(CallReferred)) == 1


def test_without_a_subscription_to_accept_is_all() -> None:
    far, server, received, _ = far_referred()
    refer = far.wait_request("REFER")
    far.send(SERVER, respond(refer, 202, fields=(("Refer-Sub", "false"),)))
    assert server.wait(CallReferred) == CallReferred(received, 200)


def test_what_was_told_is_not_waited_for() -> None:
    far, server, received, to = far_referred()
    far.send(SERVER, respond(far.wait_request("REFER"), 202))
    notify(far, to, 2, "terminated", "Content-Type: message/sipfrag", body="SIP/2.0 200 OK")
    server.wait(CallReferred)
    far.network.run_for(300.0)
    assert server.all(CallReferred) == [CallReferred(received, 200)]


def test_once_we_left_nothing_is_told() -> None:
    far, server, received, to = far_referred()
    far.send(SERVER, respond(far.wait_request("REFER"), 202))
    server.sip.hangup(received, 16, server.now)
    far.wait_request("BYE")
    notify(far, to, 2, "active", "Content-Type: message/sipfrag", body="SIP/2.0 200 OK")
    far.wait_status(481)
    assert server.all(CallReferred) == []


@pytest.mark.parametrize("accepts", [True, False])
def test_a_peer_that_tells_nothing(accepts: bool) -> None:
    far, server, received, _ = far_referred()
    if accepts:
        far.send(SERVER, respond(far.wait_request("REFER"), 202))
    assert server.wait(CallReferred) == CallReferred(received, 408)
    assert far.network.now > (150.0 if accepts else 30.0)


def test_a_challenged_refer_is_sent_again() -> None:
    phone, server = pair()
    far = Far(phone.network, ("192.0.2.3", 5060))
    call = phone.call(far.address, credentials=Credentials("100", "secret"))
    invite = far.wait_request("INVITE")
    contact = ("Contact", "<sip:far@192.0.2.3>")
    far.send(PHONE, respond(invite, 200, to_tag="far", fields=(contact,)))
    far.wait_request("ACK")
    phone.sip.refer_call(call, TARGET, None, phone.now)
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
    refused: Response = respond(far.wait_request("REFER"), 401, fields=(challenge,))
    far.send(PHONE, refused)
    again = far.wait_request("REFER", 2)
    assert again.headers.get("Authorization")
    far.send(PHONE, respond(again, 202))
    phone.sip.hangup(call, 16, phone.now)
    assert far.wait_request("BYE").cseq.number == again.cseq.number + 1
    del server
