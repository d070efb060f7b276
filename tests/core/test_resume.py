"""A client that lost its socket gets what it missed: in order, once, and is told of a gap."""

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from stasisd.core import events
from stasisd.core.application import Application
from stasisd.core.bus import Delivery, Ended, Mailbox
from stasisd.core.journal import EventLimits
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import bare_tenant
from tests.support.world import APP, call

pytestmark = jumping_clock


def tell(application: Application, *names: str) -> None:
    for name in names:
        application.tell(events.ChannelUserevent, eventname=name)


async def heard(mailbox: Mailbox) -> list[Delivery]:
    """What waits in a mailbox."""
    taken: list[Delivery | Ended] = []
    with trio.move_on_after(0.1):
        taken = await mailbox.receive()
    return [delivery for delivery in taken if isinstance(delivery, Delivery)]


def texts(deliveries: list[Delivery]) -> list[str]:
    return [getattr(d.event, "eventname", type(d.event).__name__) for d in deliveries]


async def test_events_are_numbered_without_a_gap(tenant: Tenant) -> None:
    mailbox = Mailbox()
    tenant.serve_application(APP).connect(mailbox, everything=False)
    await call(tenant, "c")
    numbers = [delivery.sequence for delivery in await heard(mailbox)]
    first = numbers[0]
    assert first is not None
    assert numbers == list(range(first, first + len(numbers)))


async def test_what_was_missed_comes_first_in_order_and_once(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    old = Mailbox()
    listener = application.connect(old, everything=False)
    channel = await call(tenant, "c")
    seen = (await heard(old))[-1].sequence
    application.disconnect(listener)
    channel.set_variable("MISSED", "1")
    new = Mailbox()
    application.connect(new, everything=False, resume=seen)
    channel.set_variable("LIVE", "1")
    deliveries = await heard(new)
    variables = [d.event.variable for d in deliveries if isinstance(d.event, events.ChannelVarset)]
    assert variables == ["MISSED", "LIVE"]
    assert seen is not None
    assert [d.sequence for d in deliveries] == [seen + 1, seen + 2]


async def test_without_resume_nothing_comes_again(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    application.disconnect(application.connect(Mailbox(), everything=False))
    tell(application, "missed")
    new = Mailbox()
    application.connect(new, everything=False)
    tell(application, "live")
    assert texts(await heard(new)) == ["live"]


async def test_what_the_half_open_socket_got_comes_again_but_not_its_replacement(
    tenant: Tenant,
) -> None:
    application = tenant.serve_application(APP)
    old, new = Mailbox(), Mailbox()
    application.connect(old, everything=False)
    tell(application, "one", "two")
    application.connect(new, everything=False, resume=application.journal.last - 1)
    assert texts(await heard(old)) == ["one", "two", "ApplicationReplaced"]
    assert texts(await heard(new)) == ["two"]


async def test_an_idle_application_can_be_resumed_for_its_time(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    application.disconnect(application.connect(Mailbox(), everything=True))
    seen = application.journal.last
    assert APP not in tenant.applications
    tenant.create_bridge("b")
    await trio.sleep(299)
    again = Mailbox()
    tenant.serve_application(APP).connect(again, everything=True, resume=seen)
    assert texts(await heard(again)) == ["BridgeCreated"]


@pytest.mark.parametrize("loud", [False, True])
async def test_after_its_time_it_is_told_that_the_log_is_gone(tenant: Tenant, loud: bool) -> None:
    application = tenant.serve_application(APP)
    application.disconnect(application.connect(Mailbox(), everything=True))
    seen = application.journal.last
    await trio.sleep(301)
    if loud:  # it may be dropped by an event, or by who comes
        tenant.create_bridge("b")
        assert tenant.bus.statistics()["topics"] == 0
    new = Mailbox()
    successor = tenant.serve_application(APP)
    successor.connect(new, everything=True, resume=seen)
    (lost,) = [delivery.event for delivery in await heard(new)]
    assert isinstance(lost, events.EventsLost)
    assert (lost.requested, lost.oldest) == (seen, successor.journal.last + 1)
    assert successor.journal.last > seen, "a number means one event, ever"


async def test_a_log_that_does_not_reach_back_says_where_it_begins() -> None:
    tenant = bare_tenant(EventLimits(log_events=3))
    application = tenant.serve_application(APP)
    application.connect(Mailbox(), everything=False)
    seen = application.journal.last
    tell(application, *"abcde")
    new = Mailbox()
    application.connect(new, everything=False, resume=seen)
    lost, *rest = await heard(new)
    assert isinstance(lost.event, events.EventsLost)
    assert lost.event.oldest == rest[0].sequence == seen + 3
    assert texts(rest) == ["c", "d", "e"]


async def test_a_number_of_the_future_is_of_another_log() -> None:
    application = bare_tenant().serve_application(APP)
    new = Mailbox()
    application.connect(new, everything=False, resume=application.journal.last + 1)
    assert texts(await heard(new)) == ["EventsLost"]


async def test_the_logs_of_idle_applications_are_few() -> None:
    tenant = bare_tenant(EventLimits(logs=2))
    for name in "abc":
        application = tenant.serve_application(name)
        application.disconnect(application.connect(Mailbox(), everything=True))
    assert tenant.bus.statistics()["routes"] == 2, "the one given up hears nothing more"
    assert tenant.retired.take("a") is None
    assert tenant.retired.take("b") is not None


async def test_a_replay_is_no_reason_to_cut_a_reader() -> None:
    tenant = bare_tenant(EventLimits(waiting_events=3))
    application = tenant.serve_application(APP)
    seen = application.journal.last
    tell(application, *"abcdef")
    mailbox = Mailbox(3)
    application.connect(mailbox, everything=False, resume=seen)
    tell(application, "g", "h", "i")
    assert texts(await heard(mailbox)) == list("abcdefghi")
    tell(application, *"jklm")
    assert mailbox.ended


async def test_bytes_that_wait_are_bounded_too() -> None:
    application = bare_tenant().serve_application(APP)
    slow, seen = Mailbox(limit_bytes=1000), application.journal.last
    application.connect(slow, everything=False)
    tell(application, "x" * 600, "y" * 600, "z")
    first, end = await slow.receive()
    assert isinstance(first, Delivery)
    assert end == Ended("read too slowly: 1000 bytes were waiting")
    new = Mailbox()
    application.connect(new, everything=False, resume=first.sequence)
    assert texts(await heard(new)) == ["y" * 600, "z"], "nothing is lost to who resumes"
    assert first.sequence == seen + 1


async def test_a_filter_holds_before_the_numbers(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    mailbox = Mailbox()
    application.connect(mailbox, everything=False)
    application.filter = application.filter.changed({"disallowed": [{"type": "ChannelVarset"}]})
    before = application.journal.last
    channel = await call(tenant, "c")
    channel.set_variable("UNHEARD", "1")
    deliveries = await heard(mailbox)
    assert "ChannelVarset" not in texts(deliveries)
    assert [d.sequence for d in deliveries] == [before + 1 + n for n in range(len(deliveries))]


@given(st.lists(st.sampled_from(["tell", "drop", "back", "read"]), max_size=40))
def test_whoever_resumes_from_what_it_read_has_everything_once(steps: list[str]) -> None:
    """The model: one list of all that was told, which every client has whole in the end."""
    application = bare_tenant().serve_application(APP)
    followed = application.topic
    application.follow(followed)  # so that it lives without a socket
    mailbox = Mailbox()
    listener = application.connect(mailbox, everything=False)
    seen, told, had = application.journal.last, 0, []
    for step in [*steps, "drop", "back", "read"]:
        if step == "tell":
            tell(application, str(told))
            told += 1
        elif step == "drop":  # what was sent and not read is lost with the socket
            application.disconnect(listener)
        elif step == "back":
            mailbox = Mailbox()
            listener = application.connect(mailbox, everything=False, resume=seen)
        else:
            for delivery in waiting(mailbox):
                if delivery.sequence is not None:
                    had.append(getattr(delivery.event, "eventname", ""))
                    seen = delivery.sequence
    assert had == [str(number) for number in range(told)]


def waiting(mailbox: Mailbox) -> list[Delivery]:
    taken, mailbox._queue = mailbox._queue, []
    return [delivery for delivery in taken if isinstance(delivery, Delivery)]


def test_events_can_be_packed() -> None:
    """The log measures them so; what a client gives as variables is JSON, which can."""
    event = events.ChannelUserevent(
        timestamp=0.0, app="a", eventname="e", variables=(("v", {"deep": [1, None, 2.5]}),)
    )
    assert msgspec.msgpack.encode(event)
