"""Limits by key: bursts, refill, what is given back, and that memory is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from stasisd.credentials.throttle import Throttle


def test_a_burst_and_then_one_at_a_time() -> None:
    throttle = Throttle(burst=3, interval=10)
    for _ in range(3):
        assert throttle.wait("a", 0) == 0
        throttle.take("a", 0)
    assert throttle.wait("a", 0) == 10
    assert throttle.wait("a", 4) == 6
    assert throttle.wait("b", 4) == 0
    assert throttle.wait("a", 10) == 0
    throttle.take("a", 10)
    assert throttle.wait("a", 10) == 10
    assert throttle.wait("a", 1000) == 0


def test_what_is_given_back_did_not_count() -> None:
    throttle = Throttle(burst=1, interval=10)
    for _ in range(100):
        assert throttle.wait("a", 5) == 0
        throttle.take("a", 5)
        throttle.give_back("a", 5)
    assert len(throttle) == 0
    throttle.give_back("a", 5)
    assert throttle.wait("a", 5) == 0


def test_who_is_as_good_as_new_makes_room_first() -> None:
    throttle = Throttle(burst=1, interval=10, most=3)
    throttle.take("old", 0)
    throttle.take("a", 9)
    throttle.take("b", 9)
    throttle.take("c", 10)
    assert len(throttle) == 3
    assert throttle.wait("a", 10) == 9
    throttle.take("d", 10)
    assert len(throttle) == 3
    assert throttle.wait("a", 10) == 0, "the one that came first"


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 30), st.booleans())), st.integers(1, 4))
def test_never_more_than_the_rate(steps: list[tuple[int, float, bool]], burst: int) -> None:
    throttle, now = Throttle(burst, 10, most=3), 0.0
    allowed: dict[int, list[float]] = {0: [], 1: [], 2: []}
    for key, pause, given_back in steps:
        now += pause
        if throttle.wait(key, now) == 0:
            throttle.take(key, now)
            if given_back:
                throttle.give_back(key, now)
            else:
                allowed[key].append(now)
    for times in allowed.values():
        for i, first in enumerate(times):
            for j, last in enumerate(times[i:]):
                assert j * 10 <= last - first + (burst - 1) * 10 + 1e-6


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 30))))
def test_memory_is_bounded(steps: list[tuple[int, float]]) -> None:
    throttle, now = Throttle(2, 10, most=3), 0.0
    for key, pause in steps:
        now += pause
        throttle.take(key, now)
        assert len(throttle) <= 3
        assert throttle.wait(key, now) >= 0
