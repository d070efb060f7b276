"""The log of an application: numbered without a gap, bounded by events and by bytes."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from stasisd.core.events import ChannelUserevent
from stasisd.core.journal import EventLimits, Journal, Numbers

SAFE = 2**53  # beyond this, numbers in JavaScript have gaps


def told(text: str) -> ChannelUserevent:
    return ChannelUserevent(timestamp=0.0, app="a", eventname=text)


def names(journal: Journal, after: int) -> list[str]:
    return [
        d.event.eventname for d in journal.after(after) if isinstance(d.event, ChannelUserevent)
    ]


@given(st.lists(st.text(max_size=40), max_size=60), st.integers(0, 12), st.integers(0, 600))
def test_it_keeps_the_last_that_the_bounds_allow(
    texts: Sequence[str], most: int, most_bytes: int
) -> None:
    journal = Journal(1000, EventLimits(log_events=most, log_bytes=most_bytes))
    sizes = [journal.append("a", told(text), None, ()).size for text in texts]
    kept = 0
    while kept < min(len(texts), most) and sum(sizes[len(texts) - kept - 1 :]) <= most_bytes:
        kept += 1
    assert journal.last == 1000 + len(texts)
    assert journal.oldest == journal.last + 1 - kept
    assert names(journal, journal.oldest - 1) == list(texts[len(texts) - kept :])
    for sequence in range(998, journal.last + 3):
        reached = journal.oldest - 1 <= sequence <= journal.last
        assert journal.reaches(sequence) == reached
        if reached:
            assert names(journal, sequence) == list(texts[sequence - 1000 :])
        else:
            assert len(names(journal, sequence)) == kept, "all that there is"


def test_numbers_are_never_given_twice_and_fit_every_client() -> None:
    clock = [1_795_470_000.0]
    numbers = Numbers(lambda: clock[0])
    first = Journal(numbers.begin(), EventLimits())
    for _ in range(1000):
        first.append("a", told("x"), None, ())
    numbers.passed(first.last)
    clock[0] -= 3600.0  # a clock that is put back
    second = numbers.begin()
    assert second > first.last
    clock[0] = 4_102_444_800.0  # the year 2100
    assert Numbers(lambda: clock[0]).begin() + 10**9 < SAFE
    assert Numbers(lambda: clock[0]).begin() > second, "after a restart"


def test_a_restart_begins_above_all_that_came_before_however_many_logs_there_are() -> None:
    clock = [1_795_470_000.0]
    before = Numbers(lambda: clock[0])
    logs = [Journal(before.begin(), EventLimits()) for _ in range(1000)]
    for log in logs:
        for _ in range(100):
            log.append("a", told("x"), None, ())
    clock[0] += 1.0
    after = Numbers(lambda: clock[0])
    assert min(after.begin() for _ in range(1000)) > max(log.last for log in logs)
