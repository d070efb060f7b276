from hypothesis import given
from hypothesis import strategies as st

from stasisd.sip.timers import Deadlines, Timers


def test_give_up_is_64_times_t1() -> None:
    assert Timers().give_up == 32.0


def test_deadlines_come_in_their_order() -> None:
    deadlines: Deadlines[str] = Deadlines()
    assert deadlines.next() is None
    deadlines.set("late", 3.0)
    deadlines.set("early", 1.0)
    deadlines.set("same", 1.0)
    assert deadlines.next() == 1.0
    assert deadlines.pop_due(0.9) is None
    assert [deadlines.pop_due(1.0) for _ in range(3)] == ["early", "same", None]
    assert len(deadlines) == 1


def test_setting_again_replaces_and_cancelling_forgets() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("a", 1.0)
    deadlines.set("a", 2.0)
    assert deadlines.next() == 2.0
    deadlines.cancel("a")
    deadlines.cancel("never set")
    assert deadlines.next() is None
    assert deadlines.pop_due(9.0) is None


def test_what_is_cancelled_does_not_pile_up() -> None:
    deadlines: Deadlines[int] = Deadlines()
    deadlines.set(-1, 5.0)
    for number in range(10_000):
        deadlines.set(number, 1.0)
        deadlines.cancel(number)
    assert len(deadlines._heap) < 100
    assert deadlines.next() == 5.0


@given(
    st.lists(st.tuples(st.integers(0, 5), st.none() | st.floats(0, 10)), max_size=60),
    st.floats(0, 10),
)
def test_deadlines_are_a_dictionary_sorted_by_time(
    steps: list[tuple[int, float | None]], now: float
) -> None:
    deadlines: Deadlines[int] = Deadlines()
    plain: dict[int, float] = {}
    for key, when in steps:
        if when is None:
            deadlines.cancel(key)
            plain.pop(key, None)
        else:
            deadlines.set(key, when)
            plain[key] = when
    assert deadlines.next() == min(plain.values(), default=None)
    due = list(iter(lambda: deadlines.pop_due(now), None))
    assert set(due) == {key for key, when in plain.items() if when <= now}
    assert [plain[key] for key in due] == sorted(plain[key] for key in due)
