"""Ports at stream sockets: a program at the other end, over a pair of real sockets."""

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from stasisd.media import audiosocket, codecs, paced
from stasisd.media.commands import FileSegment, OpenStream, RecordSpec, StreamFormat
from stasisd.media.control import Media, MediaSettings, MediaUnavailable, Port
from stasisd.media.disk import InlineDisk
from stasisd.media.engine import Engine
from stasisd.media.linear import Linear
from stasisd.media.paced import Signal
from stasisd.media.reports import DtmfReceived, PortClosed, StreamEnded
from stasisd.media.sockets import StreamSocket
from tests.support.media import InProcessLink, Network, VirtualTransport, in_process

from .audio import read_wav, speech, write_wav
from .calls import next_of, place_of

UUID = bytes(range(16))
HELLO = audiosocket.make(audiosocket.IDENTITY, UUID)


class Program:
    """The far end of a stream, which reads when it is asked to."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.setblocking(False)
        self._parser = audiosocket.Parser()

    def read(self) -> bytes:
        """All there is, up to the end of the stream."""
        data = b""
        try:
            while more := self.sock.recv(65536):
                data += more
        except BlockingIOError:
            return data
        return data

    def frames(self) -> list[audiosocket.Frame]:
        return self._parser.receive(self.read())

    def send(self, kind: int, content: bytes = b"") -> None:
        self.sock.send(audiosocket.make(kind, content))


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Program]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, Program(theirs)


Ends = tuple[socket.socket, Program]


def at(media: Media, ends: Ends, stream_format: StreamFormat = "slin") -> tuple[Port, Program]:
    port = media.open_stream(ends[0].fileno(), stream_format, hello=HELLO)
    ends[0].close()
    return port, ends[1]


async def test_it_says_who_it_is_and_then_what_is_said(
    media: Media, autojump_clock: MockClock, ends: Ends, tmp_path: Path
) -> None:
    port, program = at(media, ends)
    said = speech(1600)
    await port.play((FileSegment(write_wav(tmp_path / "said.wav", said)),)).wait_ended()
    first, *rest = program.frames()
    assert first == (audiosocket.IDENTITY, UUID)
    assert {(kind, len(content)) for kind, content in rest} == {(audiosocket.AUDIO, 320)}
    heard = np.frombuffer(b"".join(content for _, content in rest), "<i2")
    assert np.array_equal(heard, said)


async def test_what_is_sent_at_once_is_heard_at_its_pace_and_waits_at_the_sender(
    media: Media, autojump_clock: MockClock, ends: Ends, tmp_path: Path
) -> None:
    port, program = at(media, ends)
    recording = port.record(RecordSpec(path=str(tmp_path / "heard.wav")))
    said = speech(8000 * 60)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(program.sock.dup()))
    frames = (said[n : n + 1000].tobytes() for n in range(0, len(said), 1000))
    sentence = b"".join(audiosocket.make(audiosocket.AUDIO, frame) for frame in frames)
    with trio.move_on_after(20) as scope:
        await stream.send_all(sentence)
    assert scope.cancelled_caught, "a minute of sound was taken in 20 seconds"
    await stream.aclose()
    recording.stop()
    await recording.wait_ended()
    assert place_of(said[:144_000], read_wav(tmp_path / "heard.wav")) >= 0


async def test_sixteen_kilohertz_both_ways(
    media: Media, autojump_clock: MockClock, ends: Ends, tmp_path: Path
) -> None:
    port, program = at(media, ends, "slin16")
    recording = port.record(RecordSpec(path=str(tmp_path / "heard.wav")))
    said = speech(1600)
    sent = Linear(16000, "<").encode(said)
    program.send(audiosocket.AUDIO_16, sent)
    await port.play((FileSegment(write_wav(tmp_path / "said.wav", said)),)).wait_ended()
    recording.stop()
    await recording.wait_ended()
    frames = program.frames()[1:]
    assert {(kind, len(content)) for kind, content in frames} == {(audiosocket.AUDIO_16, 640)}
    assert b"".join(content for _, content in frames) == sent
    again = Linear(16000, "<").decode(sent)
    assert place_of(again, read_wav(tmp_path / "heard.wav")) >= 0


def paced_at(
    media: Media, ends: Ends, stream_format: StreamFormat = "ulaw"
) -> tuple[Port, Program]:
    port = media.open_stream(ends[0].fileno(), stream_format, framing="paced")
    ends[0].close()
    return port, ends[1]


def kinds(program: Program) -> list[int]:
    """What came back that is no sound."""
    return [kind for kind, _ in program.frames() if kind != audiosocket.AUDIO]


async def test_mu_law_with_signals_in_it(
    media: Media, autojump_clock: MockClock, ends: Ends, tmp_path: Path
) -> None:
    port, program = paced_at(media, ends)
    recording = port.record(RecordSpec(path=str(tmp_path / "heard.wav")))
    said = codecs.encode(speech(1600), codecs.PCMU)
    program.sock.send(paced.sound(said[:777].tobytes()) + paced.make(Signal.MARK))
    program.sock.send(paced.sound(said[777:].tobytes()))
    await port.play((FileSegment(write_wav(tmp_path / "said.wav", speech(1600))),)).wait_ended()
    assert await port.send_dtmf("1").wait_sent()
    recording.stop()
    await recording.wait_ended()
    frames = program.frames()
    assert b"".join(c for kind, c in frames if kind == audiosocket.AUDIO) == said.tobytes()
    assert [(k, c) for k, c in frames if k != audiosocket.AUDIO] == [
        (Signal.MARK, b""), (audiosocket.DIGIT, b"1"),
    ]  # fmt: skip
    assert place_of(codecs.decode(said, codecs.PCMU), read_wav(tmp_path / "heard.wav")) >= 0


async def test_a_mark_comes_back_when_all_before_it_was_spoken(
    media: Media, autojump_clock: MockClock, ends: Ends
) -> None:
    _, program = paced_at(media, ends)
    program.sock.send(paced.make(Signal.MARK))
    await trio.sleep(0.05)
    assert kinds(program) == [Signal.MARK]
    program.sock.send(paced.sound(bytes(8000)) + 2 * paced.make(Signal.MARK))
    await trio.sleep(0.9)
    assert kinds(program) == []
    await trio.sleep(0.2)
    assert kinds(program) == [Signal.MARK] * 2


async def test_what_is_flushed_is_not_spoken(
    media: Media, autojump_clock: MockClock, ends: Ends, tmp_path: Path
) -> None:
    port, program = paced_at(media, ends, "slin")
    loud, soft = np.full(8000, 9000, "<i2"), np.full(800, 700, "<i2")
    program.sock.send(paced.sound(loud.tobytes() + b"x") + paced.make(Signal.MARK))
    await trio.sleep(0.2)
    recording = port.record(RecordSpec(path=str(tmp_path / "heard.wav")))
    program.sock.send(paced.make(Signal.FLUSH) + paced.sound(soft.tobytes()))
    await trio.sleep(0.5)
    recording.stop()
    await recording.wait_ended()
    heard = read_wav(tmp_path / "heard.wav")
    assert kinds(program) == [Signal.FLUSH]
    assert np.count_nonzero(heard == 9000) <= 2 * 160  # what was on its way when it was said
    assert np.count_nonzero(heard == 700) == len(soft)


async def test_a_pause_keeps_what_is_there(
    media: Media, autojump_clock: MockClock, ends: Ends
) -> None:
    _, program = paced_at(media, ends)
    program.sock.send(paced.sound(bytes(1600)) + paced.make(Signal.MARK))
    program.sock.send(paced.make(Signal.PAUSE))
    await trio.sleep(1)
    assert kinds(program) == []
    program.sock.send(paced.make(Signal.RESUME))
    await trio.sleep(0.15)
    assert kinds(program) == []
    await trio.sleep(0.15)
    assert kinds(program) == [Signal.MARK]


async def test_digits_both_ways(media: Media, autojump_clock: MockClock, ends: Ends) -> None:
    port, program = at(media, ends)
    for content in (b"5", b"a", b"", b"\xff", b"x", b"#!"):
        program.send(audiosocket.DIGIT, content)
    await trio.sleep(0.1)
    assert await port.send_dtmf("1*").wait_sent()
    digits = [content for kind, content in program.frames() if kind == audiosocket.DIGIT]
    assert digits == [b"1", b"*"]
    port.close()
    reports = [report async for report in port.reports()]
    assert [r.digit for r in reports if isinstance(r, DtmfReceived)] == ["5", "A", "#"]


async def test_digits_of_a_bridge_reach_the_program(
    media: Media, autojump_clock: MockClock, ends: Ends
) -> None:
    port, program = at(media, ends)
    outside, inside = media.open_pair()
    mix = media.open_mix()
    mix.add(port)
    mix.add(inside)
    assert await outside.send_dtmf("7").wait_sent()
    program.send(audiosocket.DIGIT, b"8")
    await trio.sleep(0.5)
    assert (audiosocket.DIGIT, b"7") in program.frames()
    report = await next_of(outside, DtmfReceived)
    assert isinstance(report, DtmfReceived)
    assert report.digit == "8"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\x00\x00", "the far end hung up"),
        (b"\xff\x00\x01\x02", "the far end failed with code 02"),
        (None, "the far end closed the connection"),
    ],
)
async def test_the_far_end_can_end_it(
    media: Media, autojump_clock: MockClock, ends: Ends, data: bytes | None, reason: str
) -> None:
    port, program = at(media, ends)
    port.silence(True)
    await trio.sleep(0.1)
    if data is None:
        program.sock.close()
    else:
        program.sock.send(data + audiosocket.make(audiosocket.AUDIO, bytes(320)))
    assert await next_of(port, StreamEnded) == StreamEnded(port.slot, port.generation, reason)
    await trio.sleep(0.5)
    port.close()
    assert [report async for report in port.reports()] == [
        PortClosed(port.slot, port.generation, "closed")
    ]


async def test_closing_hangs_up(media: Media, autojump_clock: MockClock, ends: Ends) -> None:
    port, program = at(media, ends)
    await trio.sleep(0.1)
    assert (await media.worker_statistics()).sockets == 1
    port.close()
    assert (await media.worker_statistics()).sockets == 0
    assert program.frames() == [(audiosocket.IDENTITY, UUID), (audiosocket.HANGUP, b"")]
    assert program.sock.recv(1) == b""


async def test_who_does_not_read_costs_a_second_at_most(
    media: Media, autojump_clock: MockClock, ends: Ends
) -> None:
    ends[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    port, program = at(media, ends)
    port.silence(True)
    await trio.sleep(60)
    frames = []
    for _ in range(100):
        frames += program.frames()
        await trio.sleep(0.02)
    assert 140 <= len(frames) <= 190  # a second that waited, two that are new, and the kernel's
    assert {(kind, len(content)) for kind, content in frames[1:]} == {(audiosocket.AUDIO, 320)}


def descriptors() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_descriptors_are_given_back(
    network: Network, autojump_clock: MockClock, ends: Ends
) -> None:
    before = descriptors()
    links: list[InProcessLink] = []
    media = Media(MediaSettings(), in_process(network, links))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        for stream_format in ("slin", "ulaw"):  # the second is refused: AudioSocket has none
            media.open_stream(ends[0].fileno(), stream_format).close()
        with pytest.raises(OSError, match="descriptor"):
            media.open_stream(10_000)
        assert media.statistics().ports == 0
        left = media.open_stream(ends[0].fileno())
        links[0].kill()
        await next_of(left, PortClosed)
        with pytest.raises(MediaUnavailable):
            media.open_stream(ends[0].fileno())
        nursery.cancel_scope.cancel()
    assert descriptors() == before


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=900),
            st.integers(0, 255).map(lambda k: audiosocket.make(k, bytes(7))),
        ),
        max_size=12,
    ),
    st.sampled_from(["audiosocket", "paced"]),
    st.sampled_from(["slin", "slin16"]),
)
def test_no_bytes_end_the_engine(pieces: list[bytes], framing: str, name: str) -> None:
    ours, theirs = socket.socketpair()
    engine = Engine(VirtualTransport(Network()), InlineDisk(), InlineDisk(), random=bytes)
    command = OpenStream(0, 1, framing, name)  # type: ignore[arg-type]  # sampled as text
    engine.handle(command, StreamSocket(ours.detach()))
    now = engine.next_tick(0.0)
    with theirs:
        for piece in pieces:
            theirs.send(piece)
            assert now is not None
            engine.tick(now)
            now = engine.next_tick(now)
        engine.shut_down()
