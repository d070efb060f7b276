"""RFC 4733, section 2.3 and 2.5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.rtp.telephone_event import (
    DIGITS,
    ENDS,
    Digit,
    MalformedEvent,
    Receiver,
    Sender,
    TelephoneEvent,
    make,
    parse,
)

SSRC = 0x5EED

events = st.builds(
    TelephoneEvent,
    event=st.integers(0, 255),
    duration=st.integers(0, 0xFFFF),
    end=st.booleans(),
    volume=st.integers(0, 63),
)


@given(events)
def test_what_is_made_is_read(event: TelephoneEvent) -> None:
    assert parse(make(event)) == event


@pytest.mark.parametrize("payload", [b"", b"\x01\x0a\x00"])
def test_too_short_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedEvent):
        parse(payload)


def press(digit: str, samples: int) -> list[TelephoneEvent]:
    sender, events = Sender(digit, samples), []
    while not sender.finished:
        events += sender.next()
    return events


def test_a_digit_is_sent_with_growing_duration_and_three_ends() -> None:
    sent = press("#", 500)
    assert [event.duration for event in sent] == [160, 320, 480, 500, 500, 500]
    assert [event.end for event in sent] == [False] * 3 + [True] * ENDS
    assert {event.event for event in sent} == {11}


@pytest.mark.parametrize("digit", DIGITS)
def test_each_digit_comes_out_once(digit: str) -> None:
    receiver = Receiver()
    heard = [d for event in press(digit, 800) for d in receiver.receive(event, SSRC, 1000, 0.0)]
    assert heard == [Digit(digit, 800)]
    assert not receiver.pending


def test_the_same_digit_twice_is_two() -> None:
    receiver = Receiver()
    heard = []
    for timestamp in (1000, 3000):
        for event in press("5", 400):
            heard += receiver.receive(event, SSRC, timestamp, 0.0)
    assert heard == [Digit("5", 400), Digit("5", 400)]


def test_without_its_end_a_digit_ends_with_the_next() -> None:
    receiver = Receiver()
    for event in press("1", 800)[:-ENDS]:
        assert receiver.receive(event, SSRC, 1000, 0.0) == []
    assert receiver.receive(press("2", 800)[0], SSRC, 9000, 0.1) == [Digit("1", 640)]


def test_without_anything_more_a_digit_ends_by_time() -> None:
    receiver = Receiver()
    receiver.receive(press("1", 800)[0], SSRC, 1000, 5.0)
    assert receiver.expire(5.05) == []
    assert receiver.expire(5.0 + Receiver.PATIENCE) == [Digit("1", 160)]
    assert receiver.expire(9.0) == []


def test_only_the_end_came() -> None:
    assert Receiver().receive(press("9", 480)[-1], SSRC, 1, 0.0) == [Digit("9", 480)]


def test_a_straggler_of_an_older_digit_is_nothing() -> None:
    receiver = Receiver()
    for event in press("1", 320):
        receiver.receive(event, SSRC, 0xFFFFFF00, 0.0)
    assert receiver.receive(press("2", 320)[0], SSRC, 100, 0.1) == []
    assert receiver.receive(press("1", 320)[0], SSRC, 0xFFFFFF00, 0.1) == []
    assert receiver.receive(press("2", 320)[-1], SSRC, 100, 0.2) == [Digit("2", 320)]


def test_events_that_are_no_digits_are_nobody_s_digit() -> None:
    assert Receiver().receive(TelephoneEvent(36, 800, end=True), SSRC, 1, 0.0) == []


@given(st.lists(st.tuples(events, st.integers(0, 0xFFFFFFFF))))
def test_any_order_of_events_is_survived(order: list[tuple[TelephoneEvent, int]]) -> None:
    receiver = Receiver()
    for now, (event, timestamp) in enumerate(order):
        for digit in receiver.receive(event, SSRC, timestamp, float(now)):
            assert digit.digit in DIGITS


def test_another_sender_has_its_own_time() -> None:
    receiver = Receiver()
    for event in press("1", 320):
        receiver.receive(event, SSRC, 90_000, 0.0)
    heard = [d for event in press("1", 320) for d in receiver.receive(event, 7, 90_000, 0.1)]
    assert heard == [Digit("1", 320)]
    heard = [d for event in press("2", 320) for d in receiver.receive(event, 8, 1000, 0.2)]
    assert heard == [Digit("2", 320)]
