"""Digits in both directions, by event and by sound, each exactly once wherever it goes."""

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from stasisd.media.commands import ALL_DIGITS
from stasisd.media.control import Media, Port
from stasisd.media.reports import DtmfReceived
from stasisd.rtp import packet, telephone_event
from tests.support.media import Far, Network

from .calls import QUIET, after_codec, call, heard, say
from .test_detect import digits_of, pressed


async def press(far: Far, port: Port, digits: str, *, samples: int = 800, lose: int = 0) -> None:
    """Press keys as a phone with RFC 4733; `lose` of the ends never arrive."""
    assert port.address is not None
    sequence, stamp = 3000, 900_000
    for digit in digits:
        sender, first, finished = telephone_event.Sender(digit, samples), True, False
        while not finished:
            events = sender.next()
            finished = sender.finished
            kept = events[lose:] if finished else events
            for event in kept:
                payload = telephone_event.make(event)
                made = packet.Packet(101, sequence, stamp, 0x1234, payload, first)
                far.send(packet.make(made), port.address)
                sequence, first = sequence + 1, False
            await trio.sleep(0.02)
        stamp += samples + 800
        await trio.sleep(0.1)


async def digits_heard(port: Port) -> list[tuple[str, int]]:
    """All digits until now; closes the port."""
    await trio.sleep(0.3)
    port.close()
    reports = [report async for report in port.reports()]
    return [(r.digit, r.duration_ms) for r in reports if isinstance(r, DtmfReceived)]


def events_sent(far: Far) -> list[str]:
    """The digits that came to a far end as events, by their timestamps."""
    events: dict[int, str] = {}
    for sent in far.rtp:
        if sent.payload_type == 101:
            event = telephone_event.parse(sent.payload)
            events.setdefault(sent.timestamp, telephone_event.DIGITS[event.event])
    return list(events.values())


@pytest.mark.parametrize("lose", [0, 1, 3])
async def test_events_in(
    media: Media, network: Network, autojump_clock: MockClock, lose: int
) -> None:
    port, far = await call(media, network)
    await press(far, port, ALL_DIGITS, lose=lose)
    duration = 100 if lose < 3 else 80
    assert await digits_heard(port) == [(digit, duration) for digit in ALL_DIGITS]


async def test_sounds_in(media: Media, network: Network, autojump_clock: MockClock) -> None:
    port, far = await call(media, network, event=None)
    await say(far, port, pressed(ALL_DIGITS, on_ms=80, off_ms=80))
    assert "".join(digit for digit, _ in await digits_heard(port)) == ALL_DIGITS


async def test_sounds_are_not_listened_to_where_there_are_events(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    await say(far, port, pressed("12", on_ms=80, off_ms=80))
    port.detect_dtmf(True)
    await say(far, port, pressed("34", on_ms=80, off_ms=80))
    assert [digit for digit, _ in await digits_heard(port)] == ["3", "4"]


async def test_events_out(media: Media, network: Network, autojump_clock: MockClock) -> None:
    port, far = await call(media, network)
    port.silence(True)
    sending = port.send_dtmf("12", before_ms=100, duration_ms=60, between_ms=100, after_ms=200)
    begun = trio.current_time()
    assert await sending.wait_sent()
    assert trio.current_time() - begun == pytest.approx(0.62, abs=0.05)
    await trio.sleep(0.1)
    sent = [p for p in far.rtp if p.payload_type == 101]
    events = [telephone_event.parse(p.payload) for p in sent]
    assert [e.duration for e in events] == [160, 320, 480, 480, 480] * 2
    assert [e.end for e in events] == [False, False, True, True, True] * 2
    assert [p.marker for p in sent] == [True, *[False] * 4] * 2
    assert len({p.timestamp for p in sent}) == 2
    numbers = [p.sequence for p in far.rtp]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert far.packets[-1][0] - begun > 0.65


async def test_sounds_out(media: Media, network: Network, autojump_clock: MockClock) -> None:
    port, far = await call(media, network, event=None)
    port.silence(True)
    await port.send_dtmf("1#9", duration_ms=80, between_ms=60).wait_sent()
    assert digits_of(heard(far)) == [(digit, 80) for digit in "1#9"]


async def test_digits_give_way_to_nothing(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network, event=None)
    port.echo(True)
    noise = after_codec(np.random.default_rng(4).normal(0, 6000, 8000).astype(np.int16))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, far, port, noise)
        await trio.sleep(0.3)
        far.packets.clear()
        await port.send_dtmf("7", duration_ms=100).wait_sent()
        assert [digit for digit, _ in digits_of(heard(far))] == ["7"]


async def test_what_is_no_digit_is_rejected(media: Media, autojump_clock: MockClock) -> None:
    port = await media.open_rtp()
    port.send_dtmf("1x")
    await trio.sleep(0.1)
    assert (await media.worker_statistics()).rejected == 1


async def test_a_port_that_closes_sends_no_more(media: Media, autojump_clock: MockClock) -> None:
    port = await media.open_rtp()
    sending = port.send_dtmf("1234567890")
    await trio.sleep(0.2)
    port.close()
    assert not await sending.wait_sent()


async def test_an_event_goes_on_to_the_peer_as_an_event(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    one, one_far = await call(media, network)
    two, two_far = await call(media, network, host="192.0.2.2")
    one.connect(two)
    await press(one_far, one, "42")
    assert [digit for digit, _ in await digits_heard(one)] == ["4", "2"]
    assert events_sent(two_far) == ["4", "2"]
    assert events_sent(one_far) == []
    assert await digits_heard(two) == []


async def test_an_event_goes_on_to_a_peer_without_events_as_a_sound(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    one, one_far = await call(media, network)
    two, two_far = await call(media, network, host="192.0.2.2", event=None)
    one.connect(two)
    two.silence(True)
    await press(one_far, one, "42")
    await trio.sleep(0.3)
    assert [digit for digit, _ in digits_of(heard(two_far))] == ["4", "2"]


async def test_a_sound_goes_on_as_it_is_to_a_peer_without_events(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    one, one_far = await call(media, network, event=None)
    two, two_far = await call(media, network, host="192.0.2.2", event=None)
    one.connect(two)
    await say(one_far, one, pressed("42", on_ms=80, off_ms=80))
    await trio.sleep(0.3)
    assert [digit for digit, _ in digits_of(heard(two_far))] == ["4", "2"]


async def test_a_sound_goes_on_as_an_event_where_the_peer_has_events(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    one, one_far = await call(media, network, event=None)
    two, two_far = await call(media, network, host="192.0.2.2")
    one.connect(two)
    await say(one_far, one, pressed("42", on_ms=80, off_ms=80))
    await trio.sleep(0.3)
    assert events_sent(two_far) == ["4", "2"]


async def test_through_a_pair_a_digit_is_heard_once(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    for event in (101, None):
        phone, far = await call(media, network, event=event)
        left, right = media.open_pair()
        phone.connect(left)
        if event is None:
            await say(far, phone, pressed("5", on_ms=100, off_ms=100))
        else:
            await press(far, phone, "5")
        assert [digit for digit, _ in await digits_heard(right)] == ["5"]
        assert await digits_heard(left) == []
        assert [digit for digit, _ in await digits_heard(phone)] == ["5"]


async def test_digits_don_t_go_round_in_circles(media: Media, autojump_clock: MockClock) -> None:
    one, other = media.open_pair()
    third, fourth = media.open_pair()
    other.connect(third)
    fourth.connect(one)
    await one.send_dtmf("1").wait_sent()
    assert 1 <= len(await digits_heard(other)) <= 9


async def test_garbage_as_events_is_counted(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    assert port.address is not None
    for payload in (b"", b"\x01", b"\xff\xff\xff\xff"):
        far.send(packet.make(packet.Packet(101, 1, 2, 3, payload)), port.address)
        far.send(QUIET, port.address)
    await trio.sleep(0.2)
    assert (await port.rtp_statistics()).malformed == 5
    assert await digits_heard(port) == []
