"""A rate gives what it promises, whatever the moments at which it is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.core.limits import Rate, TooSoon


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(rate: Rate, times: int) -> int:
    """How many of so many attempts succeed."""
    count = 0
    for _ in range(times):
        try:
            rate.take()
        except TooSoon:
            continue
        count += 1
    return count


def test_as_many_at_once_as_come_in_a_second() -> None:
    clock = Clock()
    rate = Rate(5.0, clock)
    assert taken(rate, 10) == 5
    clock.now += 1.0
    assert taken(rate, 10) == 5


def test_one_at_least_may_come_at_once() -> None:
    clock = Clock()
    rate = Rate(0.1, clock)
    assert taken(rate, 2) == 1
    with pytest.raises(TooSoon) as soon:
        rate.take()
    assert soon.value.wait == pytest.approx(10.0)
    clock.now += 10.0
    assert taken(rate, 2) == 1


def test_without_a_bound_any_number() -> None:
    assert taken(Rate(None, Clock()), 1000) == 1000


def test_a_clock_that_is_put_back_gives_nothing_and_takes_nothing() -> None:
    clock = Clock()
    rate = Rate(5.0, clock)
    taken(rate, 3)
    clock.now -= 3600.0
    assert taken(rate, 10) == 2
    clock.now += 0.25
    assert taken(rate, 10) == 1


@given(st.floats(0.1, 100.0), st.lists(st.floats(0.0, 10.0), max_size=50))
def test_never_more_than_the_rate(per_second: float, waits: list[float]) -> None:
    clock = Clock()
    rate = Rate(per_second, clock)
    count = 0
    for wait in waits:
        clock.now += wait
        count += taken(rate, 3)
    assert count <= max(1.0, per_second) + per_second * sum(waits) + 1e-6


@given(st.floats(0.1, 100.0), st.integers(0, 200))
def test_who_waits_as_told_is_served(per_second: float, before: int) -> None:
    clock = Clock()
    rate = Rate(per_second, clock)
    taken(rate, before)
    try:
        rate.take()
    except TooSoon as soon:
        clock.now += soon.wait * (1 + 1e-9) + 1e-9
        rate.take()
