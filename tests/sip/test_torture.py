import pytest

from stasisd.sip import events
from stasisd.sip.flow import Flow
from stasisd.sip.message import Request
from stasisd.sip.parser import parse
from tests.sip.agents import PHONE, SERVER, People, endpoint
from tests.sip.test_parser import parsed_request, read_all
from tests.sip.torture import HOPELESS, INVALID, VALID

FLOW = Flow("udp", SERVER, PHONE)


def statuses(data: bytes) -> list[int]:
    """What an endpoint that knows passwords answers."""
    agent = endpoint(people=People())
    agent.receive(data, FLOW, 0.0)
    sent = [parse(answer) for _, answer in agent.datagrams_to_send(0.0)]
    return [getattr(response, "status", 0) for response in sent]


@pytest.mark.parametrize("name", VALID)
def test_strange_but_right_messages_are_read(name: str) -> None:
    message = parse(VALID[name])
    read_all(message)
    assert parse(bytes(message)) == message


@pytest.mark.parametrize("name", VALID)
def test_strange_but_right_requests_are_not_called_bad(name: str) -> None:
    answered = statuses(VALID[name])
    if isinstance(parse(VALID[name]), Request):
        assert answered
        assert answered[0] in {200, 401, 405, 415, 481, 501}
    else:
        assert answered == []


@pytest.mark.parametrize("name", INVALID)
def test_wrong_requests_are_told_so(name: str) -> None:
    data, status = INVALID[name]
    assert statuses(data) == [status]


@pytest.mark.parametrize("name", HOPELESS)
def test_what_cannot_be_answered_is_not(name: str) -> None:
    assert statuses(HOPELESS[name]) == []


def test_malformed_messages_are_counted_and_reported() -> None:
    agent = endpoint()
    agent.receive(HOPELESS["http"], FLOW, 0.0)
    agent.receive(INVALID["quotbal"][0], FLOW, 0.0)
    agent.receive(HOPELESS["scalarlg"], FLOW, 0.0)
    assert agent.statistics()["malformed"] == 3
    reported = [event for event in agent.events() if isinstance(event, events.MalformedReceived)]
    assert len(reported) == 3
    assert all(event.flow == FLOW for event in reported)


def test_the_tortuous_invite_is_understood() -> None:
    invite = parsed_request(VALID["wsinv"])
    assert invite.number("Max-Forwards") == 68
    assert invite.from_.display == 'J R \\"'
    assert (invite.from_.tag, invite.to.tag) == ("98asjd8", "1918181833n")
    assert [via.strip() for via in invite.headers.values("Via")][-1].endswith("z9hG4bK30239")
    assert invite.contacts[0].parameter("q") == "0.33"
    assert invite.headers.get("Subject") == ""
    assert invite.body == b"v=0\r\no=x\r\n"


def test_what_follows_a_datagrams_length_is_ignored() -> None:
    assert statuses(VALID["dblreq"]) == [200]


def test_a_bad_request_is_told_why() -> None:
    agent = endpoint()
    agent.receive(INVALID["regbadct"][0], FLOW, 0.0)
    ((_, data),) = agent.datagrams_to_send(0.0)
    assert b"SIP/2.0 400 Bad Request (a URI that should stand in brackets" in data
