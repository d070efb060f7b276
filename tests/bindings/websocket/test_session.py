"""The session of an event WebSocket on a fake wire, with time that jumps."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from stasisd.bindings.websocket import queue
from stasisd.bindings.websocket.session import Ended, EventSession, WebSocketSettings

SETTINGS = WebSocketSettings(ping_interval=20, ping_timeout=10, close_timeout=2)


class FakeWire:
    """Records what is sent; the peer is the test."""

    def __init__(self) -> None:
        self.shutdown = trio.Event()
        self.sent: list[bytes] = []  # one item for each send
        self.pings = 0
        self.closes: list[tuple[int, str]] = []
        self.aborted = False
        self.may_send = trio.Event()
        self.may_send.set()
        self.say, self._inbound = trio.open_memory_channel[str | bytes | None](100)

    async def send(self, messages: Sequence[bytes]) -> None:
        await self.may_send.wait()
        self.sent.append(b",".join(messages))

    async def ping(self) -> None:
        self.pings += 1

    async def receive(self) -> Sequence[str | bytes] | None:
        message = await self._inbound.receive()
        return None if message is None else [message]

    async def close(self, code: int, reason: str) -> None:
        self.closes.append((code, reason))

    def abort(self) -> None:
        self.aborted = True
        self.say.send_nowait(None)


class FakeStream:
    def __init__(self) -> None:
        self.closed = 0
        self.feed, self._backlog = trio.open_memory_channel[Sequence[bytes] | Ended](100)

    async def receive(self) -> Sequence[bytes] | Ended:
        return await self._backlog.receive()

    def close(self) -> None:
        self.closed += 1


class Rig:
    def __init__(self) -> None:
        self.wire = FakeWire()
        self.stream = FakeStream()
        self.session = EventSession(self.stream, self.answer, SETTINGS)
        self.asked: list[str | bytes] = []
        self.may_answer = trio.Event()
        self.may_answer.set()

    async def answer(self, message: str | bytes) -> bytes:
        await self.may_answer.wait()
        self.asked.append(message)
        return b"to " + (message.encode() if isinstance(message, str) else message)

    async def run(self) -> None:
        await self.session.run(self.wire)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_backlog_is_one_send(rig: Rig, nursery: trio.Nursery) -> None:
    nursery.start_soon(rig.run)
    rig.stream.feed.send_nowait((b"one", b"two"))
    rig.stream.feed.send_nowait((b"three",))
    await wait_all_tasks_blocked()
    assert rig.wire.sent == [b"one,two", b"three"]


async def test_peer_that_goes_ends_it_without_a_word(rig: Rig) -> None:
    rig.wire.say.send_nowait("hello")
    rig.wire.say.send_nowait(None)
    await rig.run()
    assert (rig.asked, rig.wire.closes) == (["hello"], [])


async def test_end_of_the_stream_waits_for_the_peer_to_close(
    rig: Rig, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    rig.stream.feed.send_nowait(Ended(4000, "cut"))
    async with trio.open_nursery() as running:
        running.start_soon(rig.run)
        await wait_all_tasks_blocked()
        assert rig.wire.closes == [(4000, "cut")]
        await trio.sleep(1)
        rig.wire.say.send_nowait(None)
    assert trio.current_time() == pytest.approx(1)


async def test_peer_that_does_not_close_is_not_waited_for(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.stream.feed.send_nowait(Ended(4000, "cut"))
    await rig.run()
    assert trio.current_time() == pytest.approx(2)


async def test_peer_that_stops_to_answer_is_cut(
    rig: Rig, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(rig.run)
    await trio.sleep(21)
    rig.wire.say.send_nowait(b"")  # the first pong, and the last
    await trio.sleep(28)
    assert not rig.wire.aborted
    await trio.sleep(3)
    assert (rig.wire.pings, rig.wire.aborted, rig.wire.closes) == (2, True, [])


async def test_peer_that_never_answers_is_pinged_once_and_stays(
    rig: Rig, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(rig.run)
    await trio.sleep(3600)
    rig.stream.feed.send_nowait((b"an event",))
    await wait_all_tasks_blocked()
    assert (rig.wire.pings, rig.wire.sent) == (1, [b"an event"])
    assert not rig.wire.aborted


@pytest.mark.parametrize("life", [b"", "a message"])
async def test_any_sign_of_life_answers_a_ping(
    rig: Rig, autojump_clock: MockClock, nursery: trio.Nursery, life: str | bytes
) -> None:
    nursery.start_soon(rig.run)
    for _ in range(10):
        await trio.sleep(21)
        rig.wire.say.send_nowait(life)
    assert not rig.wire.aborted
    assert rig.wire.pings >= 9


async def test_shutdown_is_1001_after_what_was_being_sent(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.wire.may_send = trio.Event()
    rig.stream.feed.send_nowait((b"one",))
    async with trio.open_nursery() as running:
        running.start_soon(rig.run)
        await wait_all_tasks_blocked()
        rig.wire.shutdown.set()
        await wait_all_tasks_blocked()
        assert (rig.wire.sent, rig.wire.closes) == ([], [])
        rig.wire.may_send.set()
    assert rig.wire.sent == [b"one"]
    assert rig.wire.closes == [(1001, "the server is shutting down")]


async def test_shutdown_before_it_began(rig: Rig, autojump_clock: MockClock) -> None:
    rig.wire.shutdown.set()
    await rig.run()
    assert [code for code, _ in rig.wire.closes] == [1001]


async def test_close_gives_the_stream_back(rig: Rig) -> None:
    rig.session.close()
    assert rig.stream.closed == 1


async def test_answers_are_sent_beside_events(rig: Rig, nursery: trio.Nursery) -> None:
    nursery.start_soon(rig.run)
    rig.wire.say.send_nowait("one")
    rig.wire.say.send_nowait(b"two")
    await wait_all_tasks_blocked()
    rig.stream.feed.send_nowait((b"an event",))
    await wait_all_tasks_blocked()
    assert rig.asked == ["one", b"two"]
    assert b",".join(rig.wire.sent) == b"to one,to two,an event"


async def test_request_outlives_its_socket_and_the_hearing_does_not(rig: Rig) -> None:
    rig.may_answer = trio.Event()
    async with trio.open_nursery() as running:
        running.start_soon(rig.run)
        rig.wire.say.send_nowait("hang up")
        rig.wire.say.send_nowait("and this")
        rig.wire.say.send_nowait(None)
        await wait_all_tasks_blocked()
        assert (rig.asked, rig.stream.closed) == ([], 1)
        rig.may_answer.set()
    assert (sorted(map(str, rig.asked)), rig.wire.sent) == (["and this", "hang up"], [])
    rig.session.close()
    assert rig.stream.closed == 1


async def test_end_waits_for_answers_but_not_for_ever(rig: Rig, autojump_clock: MockClock) -> None:
    rig.may_answer = trio.Event()
    async with trio.open_nursery() as running:
        running.start_soon(rig.run)
        rig.wire.say.send_nowait("slow")
        await wait_all_tasks_blocked()
        rig.wire.shutdown.set()
        await trio.sleep(1)
        assert rig.wire.closes == []
        rig.may_answer.set()
        await wait_all_tasks_blocked()
        assert (rig.wire.sent, len(rig.wire.closes)) == ([b"to slow"], 1)

        rig.may_answer = trio.Event()
    assert trio.current_time() == pytest.approx(3)


async def test_peer_whose_requests_fill_the_line_is_not_cut(
    rig: Rig, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(rig.run)
    await trio.sleep(21)
    rig.wire.say.send_nowait(b"")
    await wait_all_tasks_blocked()
    rig.may_answer = trio.Event()
    for _ in range(queue.AT_ONCE + 2):
        rig.wire.say.send_nowait("x" * queue.LIMIT)
    await trio.sleep(600)
    assert not rig.wire.aborted
    rig.may_answer.set()
    await wait_all_tasks_blocked()
    assert len(rig.asked) == queue.AT_ONCE + 2


# --- the end of the right to be here


class Dismissable(Rig):
    """A session that is dismissed when the test says so, and a stream that always has more."""

    def __init__(self) -> None:
        super().__init__()
        self.over = trio.Event()
        self.ended = trio.Event()
        self.session = EventSession(self.stream, self.answer, SETTINGS, self.wait_dismissal)

    async def wait_dismissal(self) -> str:
        await self.over.wait()
        return "the token was revoked"

    async def run(self) -> None:
        await super().run()
        self.ended.set()


async def test_who_is_dismissed_hears_no_more(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    rig = Dismissable()
    rig.wire.may_send = trio.Event()
    rig.stream.feed.send_nowait((b"half sent",))
    nursery.start_soon(rig.run)
    await wait_all_tasks_blocked()
    rig.stream.feed.send_nowait((b"waits",))
    rig.over.set()
    await wait_all_tasks_blocked()
    rig.wire.may_send.set()
    await wait_all_tasks_blocked()
    assert rig.wire.closes == [(1008, "the token was revoked")]
    assert rig.wire.sent == [b"half sent"]
    assert trio.current_time() == 0
    rig.wire.say.send_nowait(None)
    await rig.ended.wait()
    assert trio.current_time() == 0


async def test_who_is_dismissed_and_does_not_close_is_cut(autojump_clock: MockClock) -> None:
    rig = Dismissable()
    rig.over.set()
    await rig.run()
    assert rig.wire.closes == [(1008, "the token was revoked")]
    assert rig.wire.aborted
    assert trio.current_time() <= 1


async def test_a_reader_that_is_stuck_is_dismissed_too(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    rig = Dismissable()
    rig.wire.may_send = trio.Event()
    rig.stream.feed.send_nowait((b"event",))
    nursery.start_soon(rig.run)
    await wait_all_tasks_blocked()
    rig.over.set()
    await rig.ended.wait()
    assert rig.wire.aborted
    assert rig.wire.closes == []
    assert trio.current_time() <= 1


async def test_a_request_that_waits_does_not_hold_the_dismissal(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    rig = Dismissable()
    rig.may_answer = trio.Event()
    nursery.start_soon(rig.run)
    rig.wire.say.send_nowait("request")
    await wait_all_tasks_blocked()
    rig.over.set()
    await wait_all_tasks_blocked()
    assert rig.wire.closes == [(1008, "the token was revoked")]
    assert trio.current_time() == 0
    rig.may_answer.set()
    await rig.ended.wait()
    assert rig.wire.sent == []
