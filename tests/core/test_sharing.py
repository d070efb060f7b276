"""Several workers on one application: each call to one of them, and to that one to its end."""

from collections import Counter

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.core import events
from stasisd.core.application import Application
from stasisd.core.bus import Delivery, Mailbox
from stasisd.core.listener import Listener, Role
from stasisd.core.snapshots import BridgeSnapshot, ChannelSnapshot
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import bare_tenant
from tests.support.world import APP, call

pytestmark = jumping_clock


class Socket:
    """One that hears an application, and collects."""

    def __init__(
        self,
        application: Application,
        role: Role = Role.WORKER,
        worker: str = "",
        resume: int | None = None,
    ) -> None:
        self.mailbox = Mailbox()
        self.application = application
        self.listener: Listener = application.connect(
            self.mailbox, everything=False, role=role, worker=worker, resume=resume
        )
        self._taken: list[Delivery] = []

    @property
    def heard(self) -> list[Delivery]:
        taken, self.mailbox._queue = self.mailbox._queue, []
        self._taken += [delivery for delivery in taken if isinstance(delivery, Delivery)]
        return self._taken

    @property
    def names(self) -> list[str]:
        return [type(delivery.event).__name__ for delivery in self.heard]

    @property
    def started(self) -> list[str]:
        """The channels that entered."""
        found = [d.event for d in self.heard if isinstance(d.event, events.StasisStart)]
        return [event.channel.id for event in found]

    def leave(self) -> None:
        self.application.disconnect(self.listener)


def snapshot(channel_id: str) -> ChannelSnapshot:
    return ChannelSnapshot(id=channel_id, name=f"T/{channel_id}", state="Up", creationtime=0.0)


def start(application: Application, channel_id: str) -> None:
    application.tell(events.StasisStart, channel=snapshot(channel_id))


def happen(application: Application, channel_id: str) -> None:
    application.tell(events.ChannelUserevent, eventname=channel_id, channel=snapshot(channel_id))


@pytest.fixture
def application() -> Application:
    return bare_tenant().serve_application(APP)


async def test_calls_are_spread_and_their_events_follow(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    one, two = Socket(application), Socket(application)
    for name in "abcd":
        await call(tenant, name)
    await trio.sleep(1)
    assert len(one.started) == len(two.started) == 2
    for channel in list(tenant.channels.values()):
        channel.hangup()
    await trio.sleep(1)
    for mine, other in ((one, two), (two, one)):
        for channel_id in mine.started:
            about = {channel_id, f"{channel_id};2"}
            ended = [d for d in mine.heard if isinstance(d.event, events.ChannelDestroyed)]
            assert about <= {d.event.channel.id for d in ended if hasattr(d.event, "channel")}
            assert not about & {c.id for c in map(_channel, other.heard) if c is not None}


def _channel(delivery: Delivery) -> ChannelSnapshot | None:
    for field in ("channel", "peer"):
        found = getattr(delivery.event, field, None)
        if isinstance(found, ChannelSnapshot):
            return found
    return None


async def test_the_one_with_the_fewest_calls_gets_the_next(application: Application) -> None:
    one = Socket(application)
    start(application, "a")
    start(application, "b")
    two = Socket(application)
    for name in "cd":
        start(application, name)
    application.forget("channel:a")  # as when it is gone
    start(application, "e")
    assert (one.started, two.started) == (["a", "b", "e"], ["c", "d"])


async def test_a_call_whose_worker_has_gone_goes_to_another_and_stays(
    application: Application,
) -> None:
    one, two = Socket(application), Socket(application)
    start(application, "a")
    start(application, "b")
    one.leave()
    for _ in range(2):
        happen(application, "a")
        happen(application, "b")
    assert one.names == ["StasisStart"]
    assert two.names == ["StasisStart"] + ["ChannelUserevent"] * 4


async def test_a_named_worker_comes_back_to_its_calls_and_to_what_it_missed(
    application: Application,
) -> None:
    one, two = Socket(application, worker="one"), Socket(application, worker="two")
    start(application, "a")
    start(application, "b")
    seen = one.heard[-1].sequence
    happen(application, "a")
    happen(application, "b")  # the first of both is on its way when the connection breaks
    again = Socket(application, worker="one", resume=seen)
    assert one.names[-1] == "ApplicationReplaced"
    happen(application, "a")
    assert [d.event.channel.id for d in again.heard if hasattr(d.event, "channel")] == ["a", "a"]
    assert two.names == ["StasisStart", "ChannelUserevent"]


async def test_what_came_while_nobody_was_there_goes_to_the_first_that_resumes(
    application: Application,
) -> None:
    one = Socket(application, worker="one")
    happen(application, "x")
    seen = one.heard[-1].sequence
    application.follow("channel:x")  # so that it lives without a socket
    one.leave()
    happen(application, "x")
    happen(application, "new")
    first = Socket(application, worker="one", resume=seen)
    second = Socket(application, worker="two", resume=seen)
    happen(application, "new")
    told = [getattr(d.event, "eventname", "") for d in first.heard]
    assert told == ["x", "new", "new"]
    assert second.heard == []


async def test_what_is_about_no_call_is_for_all(application: Application) -> None:
    sockets = [Socket(application), Socket(application)]
    application.tell(events.ChannelUserevent, eventname="all")
    assert [socket.names for socket in sockets] == [["ChannelUserevent"]] * 2


async def test_a_bridge_is_with_its_first_channel(application: Application) -> None:
    one, two = Socket(application), Socket(application)
    start(application, "a")
    start(application, "b")
    bridge = BridgeSnapshot(id="br", creationtime=0.0)
    for name in "ba":
        application.tell(
            events.ChannelUserevent, eventname="in", channel=snapshot(name), bridge=bridge
        )
    application.tell(events.ChannelUserevent, eventname="alone", bridge=bridge)
    assert len(one.heard) == 2
    assert len(two.heard) == 3


def transfer(
    application: Application,
    transferee: ChannelSnapshot | None = None,
    target: ChannelSnapshot | None = None,
) -> None:
    """Tell of an attended transfer by the legs "first" and "second"."""
    application.tenant.publish(
        events.BridgeAttendedTransfer,
        (application.topic,),
        transferer_first_leg=snapshot("first"),
        transferer_second_leg=snapshot("second"),
        result="Success",
        is_external=True,
        destination_type="bridge",
        transferee=transferee,
        transfer_target=target,
    )


async def test_a_transfer_is_heard_by_each_worker_that_has_a_call_of_it(
    application: Application,
) -> None:
    sockets = [Socket(application) for _ in range(3)]
    for name in "abc":
        start(application, name)
    transfer(application, transferee=snapshot("a"), target=snapshot("b"))
    one, two = (BridgeSnapshot(id=x, creationtime=0.0, channels=(x,)) for x in "cb")
    application.tenant.publish(
        events.BridgeMerged, (application.topic,), bridge=one, bridge_from=two
    )
    assert [socket.names[1:] for socket in sockets] == [
        ["BridgeAttendedTransfer"],
        ["BridgeAttendedTransfer", "BridgeMerged"],
        ["BridgeMerged"],
    ]


async def test_a_transfer_that_is_wanted_goes_where_the_call_is(application: Application) -> None:
    one, two = Socket(application), Socket(application)
    start(application, "a")
    start(application, "b")
    application.tenant.publish(
        events.ChannelTransfer,
        (application.topic,),
        destination="sip:100@example.com",
        source_channel=snapshot("a"),
    )
    assert one.names == ["StasisStart", "ChannelTransfer"]
    assert two.names == ["StasisStart"]


async def test_a_transfer_of_calls_that_nobody_has_is_for_all(application: Application) -> None:
    sockets = [Socket(application) for _ in range(2)]
    transfer(application)
    assert [socket.names for socket in sockets] == [["BridgeAttendedTransfer"]] * 2


async def test_a_transfer_waits_for_the_worker_whose_call_it_is(application: Application) -> None:
    one, two = Socket(application, worker="one"), Socket(application, worker="two")
    start(application, "a")
    start(application, "b")
    seen = one.heard[-1].sequence
    application.follow("channel:a")  # so that it lives without a socket
    one.leave()
    two.leave()
    transfer(application, transferee=snapshot("a"))
    resumed = [Socket(application, worker=name, resume=seen) for name in ("two", "one")]
    assert "BridgeAttendedTransfer" not in resumed[0].names
    assert resumed[1].names == ["BridgeAttendedTransfer"]


async def test_observers_hear_all_and_take_nothing(application: Application) -> None:
    observer = Socket(application, Role.OBSERVER)
    assert not application.is_served
    one, two = Socket(application), Socket(application)
    start(application, "a")
    start(application, "b")
    assert observer.started == ["a", "b"]
    sole = Socket(application, Role.SOLE)
    start(application, "c")
    assert observer.started == ["a", "b", "c"]
    assert sole.started == ["c"]
    assert [socket.names[-1] for socket in (one, two)] == ["ApplicationReplaced"] * 2
    assert observer.names == ["StasisStart"] * 3


async def test_a_worker_replaces_who_serves_alone(application: Application) -> None:
    sole, worker = Socket(application, Role.SOLE), Socket(application)
    start(application, "a")
    assert sole.names == ["ApplicationReplaced"]
    assert worker.started == ["a"]


async def test_a_slow_worker_loses_its_calls_not_the_others(application: Application) -> None:
    slow = Socket(application, worker="slow")
    slow.mailbox._room = 1
    quick = Socket(application, worker="quick")
    start(application, "a")
    start(application, "b")
    happen(application, "a")  # for which there is no room
    happen(application, "a")
    assert slow.mailbox.ended
    assert quick.names == ["StasisStart", "ChannelUserevent"]


moves = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 5)),
        st.tuples(st.sampled_from(["join", "leave"]), st.integers(0, 3)),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(moves)
def test_each_event_of_a_call_is_heard_once_while_anybody_is_there(
    steps: list[tuple[str, int]],
) -> None:
    """And by the same worker as the one before, if that is still there."""
    application = bare_tenant().serve_application(APP)
    application.follow("channel:always")  # so that it lives without a socket
    there: dict[int, Socket] = {}
    everybody: list[Socket] = []
    last: dict[int, Socket] = {}
    for what, number in steps:
        if what == "join" and number not in there:
            there[number] = Socket(application)
            everybody.append(there[number])
        elif what == "leave" and number in there:
            there.pop(number).leave()
        elif what == "event":
            before = Counter({id(socket): len(socket.heard) for socket in everybody})
            happen(application, str(number))
            took = [s for s in everybody if len(s.heard) > before[id(s)]]
            assert len(took) == (1 if there else 0)
            if took:
                if last.get(number) in there.values():
                    assert took[0] is last[number]
                last[number] = took[0]
