import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.sip.grammar import MalformedSip
from stasisd.sip.headers import Headers
from stasisd.sip.message import Message, Request, Response, refuse, respond
from stasisd.sip.parser import Limits, MalformedMessage, StreamParser, parse
from tests.sip.agents import OFFER, request
from tests.sip.mutation import SEEDS, mutate

INVITE = request("INVITE", body=OFFER, fields=("Record-Route: <sip:p;lr>",))


def parsed_request(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def test_a_request_is_read() -> None:
    invite = parsed_request(INVITE)
    assert (invite.method, invite.target) == ("INVITE", "sip:200@192.0.2.1")
    assert invite.via.branch == "z9hG4bKfar1"
    assert (invite.from_.tag, invite.to.tag, invite.call_id) == ("far", None, "call@far")
    assert (invite.cseq.number, invite.cseq.method) == (1, "INVITE")
    assert invite.number("Max-Forwards") == 70
    assert invite.number("Expires") is None
    assert invite.content_type == "application/sdp"
    assert [str(contact.uri) for contact in invite.contacts] == ["sip:100@192.0.2.2:5060"]
    assert len(invite.record_route) == 1
    assert invite.body == OFFER
    assert repr(invite) == "<Request INVITE sip:200@192.0.2.1>"


def test_a_response_is_read() -> None:
    response = parse(b"SIP/2.0 486 Busy, really\r\nTo: <sip:a@b>\r\n\r\n")
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (486, "Busy, really")
    assert repr(response) == "<Response 486 Busy, really>"
    assert parse(b"SIP/2.0 100 \r\nTo: <sip:a@b>\r\n\r\n") == Response(
        100, "", Headers([("To", "<sip:a@b>")])
    )


def test_typed_headers_are_read_once() -> None:
    invite = parsed_request(INVITE)
    assert invite.via is invite.via
    assert Request.via.__doc__ == "The topmost Via."


def test_line_ends_folds_and_compact_forms() -> None:
    message = parse(
        b"\r\n\r\nOPTIONS sip:a SIP/2.0\nv :\n SIP/2.0/UDP h\r\nSuBjEcT: one\r\n\ttwo\r\n  three\n"
        b"X-Y:\r\nl: 2\r\n\r\nhello"
    )
    assert message.headers.fields == (
        ("Via", "SIP/2.0/UDP h"),
        ("Subject", "one two three"),
        ("X-Y", ""),
    )
    assert message.body == b"he"


def test_a_datagram_needs_neither_length_nor_empty_line() -> None:
    assert parse(b"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n").body == b""
    assert parse(b"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n\r\nabc").body == b"abc"


@pytest.mark.parametrize(
    ("data", "status", "answerable"),
    [
        (b"", 400, False),
        (b"\r\n\r\n", 400, False),
        (b"hello", 400, False),
        (b"INVITE sip:a\r\nTo: x\r\n\r\n", 400, False),
        (b"IN@VITE sip:a SIP/2.0\r\nTo: x\r\n\r\n", 400, False),
        (b"INVITE sip:a SIP/7.0\r\nTo: x\r\n\r\n", 505, True),
        (b"INVITE sip:a b SIP/2.0\r\nTo: x\r\n\r\n", 400, True),
        (b"INVITE  sip:a  SIP/2.0\r\nTo: x\r\n\r\n", 400, True),
        (b"INVITE sip:a SIP/2.0\r\nTo x\r\n\r\n", 400, False),
        (b"INVITE sip:a SIP/2.0\r\nT@: x\r\n\r\n", 400, False),
        (b"INVITE sip:a SIP/2.0\r\n: x\r\n\r\n", 400, False),
        (b"INVITE sip:a SIP/2.0\r\nTo: a\rb\r\n\r\n", 400, False),
        (b"INVITE sip:a SIP/2.0\r\nl: -1\r\n\r\n", 400, True),
        (b"INVITE sip:a SIP/2.0\r\nl: 1\r\n\r\n", 400, True),
        (b"INVITE sip:a SIP/2.0\r\nl: 0\r\nl: 1\r\n\r\nx", 400, True),
        (b"INVITE sip:a SIP/2.0\r\nl: 99999999999999\r\n\r\n", 400, True),
        (b"INVITE sip:a SIP/2.0\r\nl: 99999999\r\n\r\n", 513, True),
        (b"SIP/2.0 4294967301 OK\r\n\r\n", 400, False),
        (b"SIP/2.0 000 OK\r\n\r\n", 400, False),
        (b"INVITE sip:a SIP/2.0\r\n" + b"X: y\r\n" * 300 + b"\r\n", 400, False),
        (b"INVITE sip:a SIP/2.0\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 513, False),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, status: int, answerable: bool) -> None:
    with pytest.raises(MalformedMessage) as refused:
        parse(data)
    assert refused.value.status == status
    assert (refused.value.partial is not None) is answerable


def test_equal_lengths_twice_are_one_length() -> None:
    assert parse(b"INVITE sip:a SIP/2.0\r\nl: 1\r\nl: 1\r\n\r\nx").body == b"x"


@pytest.mark.parametrize("data", SEEDS)
def test_a_message_comes_back_as_it_was(data: bytes) -> None:
    message = parse(data)
    assert parse(bytes(message)) == message
    assert hash(parse(bytes(message))) == hash(message)


@given(st.sampled_from(SEEDS), st.integers(0, 2**64))
@settings(max_examples=400)
def test_parse_raises_nothing_but_the_declared_error(data: bytes, seed: int) -> None:
    check(mutate(data, random.Random(seed)))


@given(st.binary(max_size=300))
def test_noise_raises_nothing_but_the_declared_error(data: bytes) -> None:
    check(data)
    check(b"OPTIONS sip:a SIP/2.0\r\n" + data)


@pytest.mark.slow
def test_a_hundred_thousand_mutations_raise_nothing_but_the_declared_error() -> None:
    chance = random.Random(1)
    for _ in range(100_000):
        check(mutate(chance.choice(SEEDS), chance))


def check(data: bytes) -> None:
    try:
        message = parse(data)
    except MalformedMessage:
        return
    assert parse(bytes(message)) == message
    read_all(message)


def read_all(message: Message) -> None:
    names = (
        "via",
        "from_",
        "to",
        "call_id",
        "cseq",
        "contacts",
        "record_route",
        "content_type",
        "uri",
    )
    for name in names:
        try:
            getattr(message, name, None)
        except MalformedSip:
            pass


# Streams.


def messages_of(stream: StreamParser) -> list[Message]:
    return list(iter(stream.next_message, None))


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_a_stream_is_cut_into_messages(size: int) -> None:
    data = b"\r\n\r\n" + INVITE + request("OPTIONS") + b"\r\n" + INVITE
    stream, found = StreamParser(), []
    for start in range(0, len(data), size):
        stream.feed(data[start : start + size])
        found += messages_of(stream)
    assert found == [parse(INVITE), parse(request("OPTIONS")), parse(INVITE)]
    assert stream.is_idle
    assert stream.keep_alives() == 1
    assert stream.keep_alives() == 0


def test_a_half_message_is_not_idle() -> None:
    stream = StreamParser()
    stream.feed(INVITE[:-5])
    assert stream.next_message() is None
    assert not stream.is_idle
    stream.feed(INVITE[-5:])
    assert stream.next_message() == parse(INVITE)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n\r\n", 400),
        (b"OPTIONS sip:a SIP/2.0\r\nl: 101\r\n\r\n", 513),
        (b"x" * 401, 513),
        (b"\x16\x03\x01\r\n\r\n", 400),
    ],
)
def test_a_stream_without_frames_is_an_error(data: bytes, status: int) -> None:
    stream = StreamParser(Limits(head=400, body=100))
    stream.feed(data)
    with pytest.raises(MalformedMessage) as refused:
        stream.next_message()
    assert refused.value.status == status


# Responses to requests.


def test_a_response_copies_what_it_must() -> None:
    invite = parsed_request(INVITE)
    ringing = respond(invite, 180, to_tag="us", fields=[("X-Y", "y")])
    assert ringing.to.tag == "us"
    assert ringing.reason == "Ringing"
    for name in ("Via", "From", "Call-ID", "CSeq"):
        assert ringing.headers.values(name) == invite.headers.values(name)
    assert ringing.headers.get("x-y") == "y"
    assert "Content-Type" not in dict(ringing.headers)
    answer = respond(invite, 200, reason="a\r\nb: c", body=b"x")
    assert answer.start_line == "SIP/2.0 200 a??b: c"
    assert answer.headers.get("c") == "application/sdp"


def test_a_tag_that_is_there_stays() -> None:
    bye = parsed_request(request("BYE", to="<sip:200@h>;tag=ours"))
    assert respond(bye, 200, to_tag="other").to.tag == "ours"


def test_a_request_that_lacks_headers_can_be_refused() -> None:
    partial = parsed_request(
        b"INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nTo: x\r\nSubject: s\r\n\r\n"
    )
    assert refuse(partial, 400, "why").headers.fields == (("Via", "SIP/2.0/UDP h"), ("To", "x"))
