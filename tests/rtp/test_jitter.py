"""The jitter buffer: what goes in, in whatever order, comes out in time's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stasisd.rtp.jitter import CONCEALED, DELAY, UNITS, JitterBuffer

UNIT, FRAME = 80, 160
SSRC = 77


def sound(number: int, length: int = FRAME) -> NDArray[np.int16]:
    """Samples that tell which packet of `length` they are of, and where in it they lie."""
    return (np.arange(number * length, number * length + length) % 30000 + 1).astype(np.int16)


def put(buffer: JitterBuffer, number: int, *, length: int = FRAME, ssrc: int = SSRC) -> None:
    put_raw(buffer, number, number * length, sound(number, length), ssrc)


def put_raw(
    buffer: JitterBuffer, sequence: int, stamp: int, samples: NDArray[np.int16], ssrc: int = SSRC
) -> None:
    buffer.put(
        np.array([0]),
        np.array([sequence & 0xFFFF], np.uint16),
        np.array([stamp & 0xFFFFFFFF], np.uint32),
        np.array([ssrc], np.uint32),
        samples[None, :],
    )


def take(buffer: JitterBuffer) -> NDArray[np.int16]:
    """The next frame; empty where there is none."""
    frames, sound_there = buffer.take(np.array([0]))
    return frames[0] if sound_there[0] else frames[0, :0]


def played(buffer: JitterBuffer, frames: int) -> NDArray[np.int16]:
    return np.concatenate([take(buffer) for _ in range(frames)])


def prime(buffer: JitterBuffer, count: int = 1) -> None:
    """Begin a stream, and play until its first packet is next."""
    for number in range(count):
        put(buffer, number)
    for _ in range(DELAY // 2):
        assert not np.any(take(buffer))


def test_nothing_is_nothing() -> None:
    assert len(take(JitterBuffer(1))) == 0


def test_a_stream_begins_a_frame_late_and_is_then_exact() -> None:
    buffer = JitterBuffer(1)
    prime(buffer)
    for number in range(50):
        put(buffer, number + 1)
        assert np.array_equal(take(buffer), sound(number))
    assert buffer.concealed[0] == 1  # the frame before the first


def test_order_is_restored() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 1)
    for number in (2, 1, 4, 3, 5):
        put(buffer, number)
    expected = np.concatenate([sound(n) for n in range(6)])
    assert np.array_equal(played(buffer, 6), expected)
    assert buffer.late[0] == 0


def test_the_packet_before_the_first_is_in_time() -> None:
    buffer = JitterBuffer(1)
    put(buffer, 1)
    put(buffer, 0)
    put(buffer, 2)
    assert np.array_equal(played(buffer, 3), np.concatenate([sound(n) for n in range(3)]))


def test_duplicates_are_counted_and_not_played_twice() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 3)
    put(buffer, 1)
    put(buffer, 2)
    assert np.array_equal(played(buffer, 3), np.concatenate([sound(n) for n in range(3)]))
    assert buffer.duplicates[0] == 2


def test_a_duplicate_of_what_was_played_is_not_played_again() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 4)
    played(buffer, 5)
    put(buffer, 2)
    assert buffer.late[0] == 1
    assert np.array_equal(take(buffer), (sound(3) * np.float32(0.8)).astype(np.int16))


def test_late_while_others_wait_is_dropped() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 1)
    put(buffer, 2)
    put(buffer, 3)
    take(buffer)
    take(buffer)
    put(buffer, 1)
    assert buffer.late[0] == 1
    assert np.array_equal(take(buffer), sound(2))


def test_a_lost_packet_is_concealed_by_the_one_before() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 1)
    put(buffer, 2)
    assert np.array_equal(take(buffer), sound(0))
    assert np.array_equal(take(buffer), sound(0))
    assert np.array_equal(take(buffer), sound(2))


def test_a_stream_that_stops_fades_and_falls_silent() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 1)
    heard = [take(buffer) for _ in range(CONCEALED + 3)]
    loudness = [int(np.abs(frame).max()) for frame in heard if len(frame)]
    assert loudness == sorted(loudness, reverse=True)
    assert loudness[-1] < loudness[0] / 2
    assert len(heard[-1]) == 0


def test_after_a_pause_a_stream_begins_anew() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 1)
    for _ in range(20):
        take(buffer)
    prime_number = 21
    put(buffer, prime_number)
    take(buffer)
    assert np.array_equal(take(buffer), sound(prime_number))


def test_another_source_takes_over_at_once() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 3)
    put_raw(buffer, 9000, 5, sound(7), ssrc=SSRC + 1)
    take(buffer)
    assert np.array_equal(take(buffer), sound(7))
    assert buffer.resyncs[0] == 1


def test_a_jump_of_the_sequence_number_is_another_stream() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 2)
    put_raw(buffer, 30000, 2 * FRAME, sound(9))
    take(buffer)
    assert np.array_equal(take(buffer), sound(9))


def test_a_jump_of_the_timestamp_is_followed() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 2)
    put_raw(buffer, 2, 1 << 30, sound(9))
    take(buffer)
    assert np.array_equal(take(buffer), sound(9))


def test_numbers_wrap_around() -> None:
    buffer = JitterBuffer(1)
    start = 0xFFFFFFFF - 3 * FRAME + 1
    for number in range(6):
        put_raw(buffer, 65533 + number, start + number * FRAME, sound(number))
    take(buffer)
    assert np.array_equal(played(buffer, 6), np.concatenate([sound(n) for n in range(6)]))


def test_packets_of_all_lengths_become_frames() -> None:
    for milliseconds in (10, 20, 30, 40, 60):
        length = 8 * milliseconds
        buffer = JitterBuffer(1)
        for number in range(240 // milliseconds):
            put(buffer, number, length=length)
        take(buffer)
        expected = (np.arange(8 * 240) % 30000 + 1).astype(np.int16)
        assert np.array_equal(played(buffer, 12), expected), milliseconds


def test_a_burst_after_a_stall_is_not_lost() -> None:
    buffer = JitterBuffer(1)
    prime(buffer, 1)
    take(buffer)
    take(buffer)
    take(buffer)
    for number in range(1, 6):
        put(buffer, number)
    assert np.array_equal(played(buffer, 5), np.concatenate([sound(n) for n in range(1, 6)]))


def test_a_fast_sender_does_not_fill_the_buffer() -> None:
    buffer = JitterBuffer(1)
    number = 0
    for tick in range(3000):
        put(buffer, number)
        number += 1
        if tick % 100 == 99:  # one packet too many in a hundred: 1 % of drift
            put(buffer, number)
            number += 1
        take(buffer)
    assert buffer.resyncs[0] == 0
    assert int(buffer._end[0] - buffer._read[0]) < UNITS / 2


def test_a_slow_sender_is_heard_on() -> None:
    buffer = JitterBuffer(1)
    number, exact = 0, 0
    for tick in range(3000):
        if tick % 100 != 99:
            put(buffer, number)
            number += 1
        frame = take(buffer)
        exact += len(frame) > 0 and int(np.diff(frame).min()) == 1
    assert exact > 2850


def test_rows_do_not_disturb_each_other() -> None:
    buffer = JitterBuffer(8)
    rows = np.array([6, 1, 3])
    stamps = np.array([0, 1 << 31, 12345], np.uint32)
    for number in range(4):
        buffer.put(
            rows,
            np.array([number, 65534 + number & 0xFFFF, 7 + number], np.uint16),
            stamps + np.uint32(FRAME * number),
            np.array([1, 2, 3], np.uint32),
            np.stack([sound(10 * row + number) for row in range(3)]),
        )
    buffer.take(np.arange(8))
    for number in range(4):
        frames, there = buffer.take(np.arange(8))
        assert np.flatnonzero(there).tolist() == [1, 3, 6]
        for row in range(3):
            assert np.array_equal(frames[rows[row]], sound(10 * row + number))


steps = st.one_of(
    st.none(),
    st.tuples(
        st.integers(0, 0xFFFF),
        st.one_of(st.integers(0, 0xFFFFFFFF), st.integers(0, 60 * FRAME)),
        st.integers(0, 1),
        st.integers(1, 6),
    ),
)


@settings(max_examples=200)
@given(st.lists(steps, max_size=60))
def test_no_order_of_packets_breaks_it(order: list[tuple[int, int, int, int] | None]) -> None:
    buffer = JitterBuffer(1)
    for step in order:
        if step is None:
            frame, there = buffer.take(np.array([0]))
            assert frame.shape == (1, FRAME)
            assert there.shape == (1,)
        else:
            sequence, stamp, ssrc, units = step
            put_raw(buffer, sequence, stamp, sound(1, units * UNIT), ssrc)
            ahead = int(buffer._end[0] - buffer._read[0])
            assert ahead <= UNITS
