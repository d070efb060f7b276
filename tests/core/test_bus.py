"""The bus: one order for all, nobody waits, and every mailbox has one last message."""

import trio
from hypothesis import given
from hypothesis import strategies as st

from stasisd.core.bus import EVERYTHING, Bus, Delivery, Ended, Mailbox
from stasisd.core.events import Event
from tests.support.clock import jumping_clock, run

pytestmark = jumping_clock


def event(number: float) -> Event:
    return Event(timestamp=number)


def numbers(taken: list[Delivery | Ended]) -> list[float | str]:
    return [item.reason if isinstance(item, Ended) else item[1].timestamp for item in taken]


async def test_all_hear_the_same_order() -> None:
    bus, one, other = Bus(), Mailbox(), Mailbox()
    one.subscribe(bus, ["a", "b"])
    other.subscribe(bus, [EVERYTHING])
    for number, topic in enumerate("abba"):
        bus.publish(event(number), [topic])
    assert numbers(await one.receive()) == numbers(await other.receive()) == [0, 1, 2, 3]


async def test_an_event_of_several_topics_comes_once_a_label() -> None:
    bus, mailbox = Bus(), Mailbox()
    mailbox.subscribe(bus, ["a", "b", EVERYTHING], label="app")
    mailbox.subscribe(bus, ["b"], label="other")
    bus.publish(event(1), ["a", "b"])
    labels = [item[0] for item in await mailbox.receive() if isinstance(item, tuple)]
    assert labels == ["app", "other"]


async def test_what_is_for_one_application_is_not_for_everybody() -> None:
    bus, mine, everybody = Bus(), Mailbox(), Mailbox()
    mine.subscribe(bus, ["application:x"])
    everybody.subscribe(bus, [EVERYTHING])
    bus.publish(event(1), ["application:x"], to_everyone=False)
    bus.publish(event(2), ["a"])
    assert numbers(await mine.receive()) == [1]
    assert numbers(await everybody.receive()) == [2]


class Ending(Mailbox):
    """Ends other mailboxes when it gets something: in the middle of a fan-out."""

    def __init__(self, *others: Mailbox) -> None:
        super().__init__()
        self.others = others

    def put(self, label: str, event: Event) -> None:
        super().put(label, event)
        for other in self.others:
            other.end("in the middle")


async def test_unsubscribing_in_the_middle_of_a_fan_out_disturbs_nobody() -> None:
    bus, before, after, last = Bus(), Mailbox(), Mailbox(), Mailbox()
    ending = Ending(before, after)
    for mailbox in (before, ending, after, last):
        mailbox.subscribe(bus, ["a"])
    bus.publish(event(1), ["a"])
    bus.publish(event(2), ["a"])
    assert numbers(await before.receive()) == [1, "in the middle"]
    assert numbers(await after.receive()) == ["in the middle"]
    assert numbers(await last.receive()) == [1, 2]
    assert bus.statistics() == {"topics": 1, "routes": 2}


async def test_subscribing_in_the_middle_of_a_fan_out_hears_the_next() -> None:
    bus, late = Bus(), Mailbox()

    class Joining(Mailbox):
        def put(self, label: str, event: Event) -> None:
            late.subscribe(bus, ["a"])

    Joining().subscribe(bus, ["a"])
    bus.publish(event(1), ["a"])
    bus.publish(event(2), ["a"])
    assert 1 not in numbers(await late.receive())


async def test_the_final_message_is_the_last_and_comes_once() -> None:
    bus, mailbox = Bus(), Mailbox()
    subscription = mailbox.subscribe(bus, ["a"])
    bus.publish(event(1), ["a"])
    mailbox.end("enough")
    mailbox.end("once more")
    bus.publish(event(2), ["a"])
    subscription.add("b")
    mailbox.put("", event(3))
    assert numbers(await mailbox.receive()) == [1, "enough"]
    with trio.move_on_after(1) as waiting:
        await mailbox.receive()
    assert waiting.cancelled_caught
    assert bus.statistics() == {"topics": 0, "routes": 0}


async def test_a_slow_reader_is_cut_with_a_reason_and_the_others_hear_on() -> None:
    bus, slow, quick = Bus(), Mailbox(limit=3), Mailbox()
    slow.subscribe(bus, ["a"])
    quick.subscribe(bus, ["a"])
    for number in range(5):
        bus.publish(event(number), ["a"])
    heard = numbers(await slow.receive())
    assert heard[:3] == [0, 1, 2]
    assert heard[3:] == ["read too slowly: 3 messages were waiting"]
    assert numbers(await quick.receive()) == [0, 1, 2, 3, 4]


async def test_a_cancelled_reader_loses_nothing() -> None:
    bus, mailbox = Bus(), Mailbox()
    mailbox.subscribe(bus, ["a"])
    with trio.move_on_after(1):
        await mailbox.receive()
    bus.publish(event(1), ["a"])
    assert numbers(await mailbox.receive()) == [1]


async def test_a_topic_that_retires_is_forgotten() -> None:
    bus, mailbox = Bus(), Mailbox()
    subscription = mailbox.subscribe(bus, ["a", "b"])
    bus.retire("a")
    bus.publish(event(1), ["a"])
    bus.publish(event(2), ["b"])
    assert numbers(await mailbox.receive()) == [2]
    subscription.discard("a")
    subscription.cancel()
    assert bus.statistics()["topics"] == 0


actions = st.lists(
    st.tuples(
        st.sampled_from(["add", "discard", "publish", "end", "read"]), st.sampled_from("abc")
    ),
    max_size=40,
)


@given(actions)
def test_a_mailbox_is_what_a_simple_model_says(steps: list[tuple[str, str]]) -> None:
    run(_follow, steps)


async def _follow(steps: list[tuple[str, str]]) -> None:
    bus, mailbox = Bus(), Mailbox(limit=8)
    subscription = mailbox.subscribe(bus)
    topics: set[str] = set()
    expected: list[float | str] = []
    ended = False
    for number, (action, topic) in enumerate(steps):
        if action == "add":
            subscription.add(topic)
            topics.add(topic)
        elif action == "discard":
            subscription.discard(topic)
            topics.discard(topic)
        elif action == "publish":
            bus.publish(event(number), [topic])
            if topic in topics and not ended:
                ended = len(expected) == 8
                expected.append("read too slowly: 8 messages were waiting" if ended else number)
        elif action == "end":
            mailbox.end("over")
            expected += [] if ended else ["over"]
            ended = True
        elif expected:
            assert numbers(await mailbox.receive()) == expected
            expected = []
    mailbox.end("over")
    assert bus.statistics() == {"topics": 0, "routes": 0}
