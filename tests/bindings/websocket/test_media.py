"""The socket that a program opened, on a stream of a test."""

import pytest
import trio

from stasisd.bindings.websocket import frames
from stasisd.bindings.websocket.media import MediaSession, MediaWire
from stasisd.core.media_socket import Expected, SocketLost
from tests.bindings.rest.test_websockets import masked
from tests.support.clock import jumping_clock

pytestmark = jumping_clock

TEXT, BINARY, CLOSE, PING = 0x81, 0x82, 0x88, 0x89


class FakeStream:
    """The bytes of a connection."""

    def __init__(self) -> None:
        self.shutdown = trio.Event()
        self.sent = b""
        self._say, self._said = trio.open_memory_channel[bytes](100)

    def say(self, data: bytes) -> None:
        self._say.send_nowait(data)

    async def send(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.sent += data

    async def receive(self) -> bytes:
        return await self._said.receive()

    def abort(self) -> None:
        raise AssertionError("nobody cuts it")


async def drained(wire: MediaWire) -> None:
    while True:
        assert await wire.receive() == []


async def test_messages_go_to_and_fro() -> None:
    stream = FakeStream()
    wire = MediaWire(stream, 100)
    stream.say(masked(TEXT, b"HANGUP") + masked(BINARY, b"ab") + masked(PING, b"p"))
    assert await wire.receive() == ["HANGUP", b"ab"]
    await wire.send([b"cd", "told"])
    assert stream.sent == frames.pong_frame(b"p") + b"\x82\x02cd" + frames.text_frame(b"told")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (masked(CLOSE, b"\x03\xe8"), 1000),
        (masked(BINARY, bytes(101)), 1009),
        (masked(TEXT, b"\xff"), 1007),
        (b"\x82\x01a", 1002),
        (b"", None),
    ],
)
async def test_the_end_however_it_comes(data: bytes, code: int | None) -> None:
    stream = FakeStream()
    wire = MediaWire(stream, 100)
    stream.say(data)
    with pytest.raises(SocketLost):
        await drained(wire)
    sent = len(stream.sent)
    if code is not None:
        assert stream.sent[2:4] == code.to_bytes(2, "big")
        await wire.send(["late"])
        await wire.close(1000)
        assert len(stream.sent) == sent, "said after the close frame"


async def test_a_session_lasts_as_long_as_the_channel_wants() -> None:
    expected = Expected()
    session = MediaSession(expected, 1000)
    assert expected.claimed
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run, FakeStream())
        assert isinstance(await expected.wait(), MediaWire)
        await trio.sleep(1000)
        expected.end()
    session.close()
    assert expected.claimed, "it was used"


async def test_one_whose_handshake_failed_leaves_the_place_to_another() -> None:
    expected = Expected()
    MediaSession(expected, 1000).close()
    assert not expected.claimed


async def test_one_that_comes_after_the_end_is_let_go() -> None:
    expected = Expected()
    session = MediaSession(expected, 1000)
    expected.end()
    with trio.fail_after(1):
        await session.run(FakeStream())
