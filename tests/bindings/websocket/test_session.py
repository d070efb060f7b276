"""The session of an event WebSocket on a fake wire, with time that jumps."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from stasisd.bindings.websocket.frames import PING, text_frame, text_frames
from stasisd.bindings.websocket.session import Ended, EventSession, WebSocketSettings

SETTINGS = WebSocketSettings(ping_interval=20, ping_timeout=10, close_timeout=2)


class FakeWire:
    """Records what is sent; the peer is the test."""

    def __init__(self) -> None:
        self.shutdown = trio.Event()
        self.sent: list[bytes] = []
        self.closes: list[tuple[int, str]] = []
        self.aborted = False
        self.may_send = trio.Event()
        self.may_send.set()
        self.say, self._inbound = trio.open_memory_channel[str | bytes | None](100)

    async def send(self, data: bytes) -> None:
        await self.may_send.wait()
        self.sent.append(data)

    async def receive(self) -> str | bytes | None:
        return await self._inbound.receive()

    async def close(self, code: int, reason: str) -> None:
        self.closes.append((code, reason))

    def abort(self) -> None:
        self.aborted = True
        self.say.send_nowait(None)


class FakeStream:
    def __init__(self) -> None:
        self.incoming: list[str | bytes] = []
        self.closed = 0
        self.feed, self._backlog = trio.open_memory_channel[Sequence[bytes] | Ended](100)

    async def receive(self) -> Sequence[bytes] | Ended:
        return await self._backlog.receive()

    def received(self, message: str | bytes) -> None:
        self.incoming.append(message)

    def close(self) -> None:
        self.closed += 1


class Rig:
    def __init__(self) -> None:
        self.wire = FakeWire()
        self.stream = FakeStream()
        self.session = EventSession(self.stream, SETTINGS)

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
    assert rig.wire.sent == [b"\x81\x03one\x81\x03two", b"\x81\x05three"]


async def test_peer_that_goes_ends_it_without_a_word(rig: Rig) -> None:
    rig.wire.say.send_nowait("hello")
    rig.wire.say.send_nowait(None)
    await rig.run()
    assert (rig.stream.incoming, rig.wire.closes) == (["hello"], [])


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
    assert (rig.wire.sent, rig.wire.aborted, rig.wire.closes) == ([PING, PING], True, [])


async def test_peer_that_never_answers_is_pinged_once_and_stays(
    rig: Rig, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    nursery.start_soon(rig.run)
    await trio.sleep(3600)
    rig.stream.feed.send_nowait((b"an event",))
    await wait_all_tasks_blocked()
    assert rig.wire.sent == [PING, text_frame(b"an event")]
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
    assert len(rig.wire.sent) >= 9


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
    assert rig.wire.sent == [text_frame(b"one")]
    assert rig.wire.closes == [(1001, "the server is shutting down")]


async def test_shutdown_before_it_began(rig: Rig, autojump_clock: MockClock) -> None:
    rig.wire.shutdown.set()
    await rig.run()
    assert [code for code, _ in rig.wire.closes] == [1001]


async def test_close_gives_the_stream_back(rig: Rig) -> None:
    rig.session.close()
    assert rig.stream.closed == 1


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_frames_read_as_they_were_written(messages: list[str]) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(text_frames(message.encode() for message in messages))
    assert [event for event in client.events() if isinstance(event, TextMessage)] == [
        TextMessage(message) for message in messages
    ]


@pytest.mark.parametrize("length", [125, 126, 65535, 65536])
def test_frame_length_fields(length: int) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(text_frame(b"x" * length))
    received = "".join(
        str(event.data) for event in client.events() if isinstance(event, TextMessage)
    )
    assert received == "x" * length
