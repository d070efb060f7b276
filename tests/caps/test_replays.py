"""The window in which a proof may be shown, and how much it remembers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caps.errors import StaleProof, TooManyProofs
from caps.replays import ReplayWindow


def number(value: int) -> bytes:
    return value.to_bytes(16, "big")


def test_one_holder_can_not_fill_it_for_the_others() -> None:
    window = ReplayWindow(0.0, skew=10.0, capacity=100, share=3)
    for value in range(3):
        window.admit(number(value), "greedy", 5.0, 5.0)
    with pytest.raises(TooManyProofs):
        window.admit(number(3), "greedy", 5.0, 5.0)
    window.admit(number(4), "modest", 5.0, 5.0)
    window.admit(number(5), "greedy", 25.0, 25.0)


def test_it_has_a_bound_and_recovers() -> None:
    window = ReplayWindow(0.0, skew=10.0, capacity=5, share=5)
    for value in range(5):
        window.admit(number(value), str(value), 5.0, 5.0)
    with pytest.raises(TooManyProofs):
        window.admit(number(9), "x", 5.0, 5.0)
    window.admit(number(9), "x", 20.0, 20.0)


def test_what_was_forgotten_stays_refused_when_the_clock_is_set_back() -> None:
    window = ReplayWindow(0.0, skew=10.0)
    window.admit(number(1), "x", 100.0, 100.0)
    window.admit(number(2), "x", 125.0, 125.0)
    window.admit(number(3), "x", 150.0, 150.0)
    window.admit(number(4), "x", 175.0, 175.0)
    assert number(1) not in window._before.seen | window._present.seen
    with pytest.raises(StaleProof):
        window.admit(number(1), "x", 100.0, 100.0)


def quarters(first: int, last: int) -> st.SearchStrategy[float]:
    """Seconds that add up exactly."""
    return st.integers(first * 4, last * 4).map(lambda number: number / 4)


steps = st.lists(
    st.tuples(quarters(0, 30), quarters(-12, 12), st.booleans()), min_size=1, max_size=40
)


@given(steps)
def test_nothing_gets_in_twice(taken: list[tuple[float, float, bool]]) -> None:
    """Time goes on; a proof of some age comes, and perhaps all that ever came comes again."""
    window, now, admitted = ReplayWindow(0.0, skew=10.0), 50.0, {}
    for step, (passed, age, again) in enumerate(taken):
        now += passed
        made = now - age
        if abs(age) <= 10.0:
            window.admit(number(step), "x", made, now)
            admitted[step] = made
        for proof, first_made in admitted.items() if again else ():
            with pytest.raises(StaleProof):
                window.admit(number(proof), "x", first_made, now)
