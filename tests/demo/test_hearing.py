import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.demo.hearing import RATE, Heard, Samples

FRAME = 160


def frame(value: int) -> Samples:
    return np.full(FRAME, value, np.int16)


def test_packets_stand_in_the_order_of_their_timestamps() -> None:
    heard = Heard(10.0)
    for index in (0, 2, 1):
        heard.receive(1, 5000 + index * FRAME, frame(index + 1), 10.0 + index * 0.02)
    assert heard.samples(10.0).tolist() == [*frame(1), *frame(2), *frame(3)]


def test_a_gap_between_packets_is_silence() -> None:
    heard = Heard(0.0)
    heard.receive(1, 0, frame(1), 0.0)
    heard.receive(1, 3 * FRAME, frame(2), 0.06)
    assert heard.samples(0.06).tolist() == [*frame(1), *frame(0), *frame(0), *frame(2)]


def test_without_packets_time_goes_on() -> None:
    heard = Heard(0.0)
    heard.receive(1, 0, frame(1), 0.0)
    samples = heard.samples(2.0)
    assert len(samples) == 2 * RATE - RATE // 10
    assert samples[FRAME:].max() == 0


def test_timestamps_go_round() -> None:
    heard = Heard(0.0)
    heard.receive(1, 2**32 - FRAME, frame(1), 0.0)
    heard.receive(1, 0, frame(2), 0.02)
    assert heard.samples(0.02).tolist() == [*frame(1), *frame(2)]


def test_another_source_begins_where_it_comes() -> None:
    heard = Heard(0.0)
    heard.receive(1, 0, frame(1), 0.0)
    heard.receive(2, 77777, frame(2), 0.5)
    samples = heard.samples(0.5)
    assert samples[RATE // 2] == 2
    assert len(samples) == RATE // 2 + FRAME


def test_a_timestamp_out_of_all_proportion_takes_no_room() -> None:
    heard = Heard(0.0)
    heard.receive(1, 0, frame(1), 0.0)
    heard.receive(1, 2**31 - 1, frame(2), 0.02)
    assert heard.samples(0.02).tolist() == [*frame(1), *frame(2)]


@given(
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 400), st.floats(0, 5)), max_size=20
    )
)
def test_nothing_that_comes_breaks_the_order_of_time(
    packets: list[tuple[int, int, float]],
) -> None:
    heard = Heard(0.0)
    for timestamp, length, now in sorted(packets, key=lambda each: each[2]):
        before = len(heard.samples(now))
        heard.receive(1, timestamp, np.ones(length, np.int16), now)
        assert before <= len(heard.samples(now)) <= (now + 1.1) * RATE + 400


@pytest.mark.parametrize("late", [0.05, 0.0])
def test_a_packet_may_be_late_by_a_little(late: float) -> None:
    heard = Heard(0.0)
    heard.receive(1, 0, frame(1), 0.0)
    told = len(heard.samples(0.02 + late))
    heard.receive(1, FRAME, frame(2), 0.02 + late)
    assert told <= FRAME
    assert heard.samples(0.02 + late).tolist() == [*frame(1), *frame(2)]
