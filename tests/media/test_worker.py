"""The real process: exec, sockets, threads, signals. Real time, so few and short."""

import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import trio

from stasisd.media import link as link_module
from stasisd.media.commands import DIALTONE, FileSegment, RecordSpec, Remote, silence
from stasisd.media.control import Media, MediaSettings, MediaUnavailable, Port
from stasisd.media.link import ProcessLink
from stasisd.media.reports import DtmfReceived, Latched, PortClosed
from stasisd.rtp import packet

from .audio import read_wav, speech, write_wav
from .calls import QUIET, after_codec, next_of

RANGE = (28000, 28100)
SETTINGS = MediaSettings(bind="127.0.0.1", port_range=RANGE)


@pytest.fixture
async def real() -> AsyncIterator[Media]:
    media = Media(SETTINGS)
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        yield media
        nursery.cancel_scope.cancel()


def link_of(media: Media) -> ProcessLink:
    assert media._session is not None
    link = media._session._link
    assert isinstance(link, ProcessLink)
    return link


async def answered(media: Media) -> tuple[Port, trio.socket.SocketType]:
    """A port in a call with a socket of ours."""
    port, far = await media.open_rtp(), trio.socket.socket(type=socket.SOCK_DGRAM)
    await far.bind(("127.0.0.1", 0))
    port.set_remote(Remote(far.getsockname()))
    assert port.address is not None
    await far.sendto(packet.make(packet.Packet(0, 1, 160, 9, QUIET)), port.address)
    await next_of(port, Latched)
    return port, far


async def test_a_file_goes_over_the_wire_and_its_echo_is_recorded(
    real: Media, tmp_path: Path
) -> None:
    said = speech(8000)
    segment = FileSegment(write_wav(tmp_path / "said.wav", said))
    port, far = await answered(real)
    with far:
        recording = port.record(RecordSpec(path=str(tmp_path / "r.wav")))
        assert await recording.wait_started()
        playing = port.play((segment, silence(60)))
        heard = b""
        assert port.address is not None
        with trio.fail_after(10):
            while len(heard) < 8000:
                data = await far.recv(2048)
                await far.sendto(data, port.address)
                heard += packet.parse(data).payload
            assert (await playing.wait_ended()).ok
            recording.stop()
            assert (await recording.wait_ended()).ok
    expected = after_codec(said)
    kept = read_wav(tmp_path / "r.wav").astype(float)
    strength = np.correlate(kept, expected[1600:3200].astype(float)).max()
    assert strength > 0.95 * np.square(expected[1600:3200].astype(float)).sum()


async def test_killed_it_leaves_a_playable_file_and_a_new_one_comes(
    real: Media, tmp_path: Path
) -> None:
    one, other = real.open_pair()
    recording = other.record(RecordSpec(path=str(tmp_path / "r.wav")))
    playing = one.play((DIALTONE,))
    await recording.wait_started()
    path = trio.Path(tmp_path / "r.wav")
    with trio.fail_after(10):
        while (await path.stat()).st_size < 8000:
            await one.rtp_statistics()
    os.kill(link_of(real).pid, signal.SIGKILL)
    with trio.fail_after(10):
        end = await recording.wait_ended()
        assert (end.ok, end.reason) == (False, "media process died: killed by SIGKILL")
        assert not (await playing.wait_ended()).ok
        assert isinstance((await one.receive())[-1], PortClosed)
    kept = read_wav(tmp_path / "r.wav")
    assert len(kept) >= 3900
    assert np.abs(kept[-160:]).max() > 1000
    with trio.fail_after(10):
        while True:
            try:
                port = await real.open_rtp()
            except MediaUnavailable:
                await trio.sleep(0.01)
            else:
                break
    assert port.address is not None
    assert port.address[1] in range(*RANGE)
    assert real.statistics().restarts == 1


async def test_signals_of_the_terminal_don_t_end_it(real: Media) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(link_of(real).pid, number)
    one, _ = real.open_pair()
    assert (await one.play((silence(40),)).wait_ended()).ok


async def test_hung_it_is_killed(real: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "PING_S", 0.05)
    one, _ = real.open_pair()
    os.kill(link_of(real).pid, signal.SIGSTOP)
    with trio.fail_after(10):
        reports = await one.receive()
    assert isinstance(reports[-1], PortClosed)
    assert "did not answer" in reports[-1].reason


async def test_what_it_does_not_read_waits_and_is_bounded(
    real: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "BACKLOG", 300)
    one, _ = real.open_pair()
    os.kill(link_of(real).pid, signal.SIGSTOP)
    for _ in range(20_000):
        one.echo(True)
    with trio.fail_after(10):
        reports = await one.receive()
    assert isinstance(reports[-1], PortClosed)
    assert "reads no commands" in reports[-1].reason


async def test_a_taken_port_is_stepped_over() -> None:
    media = Media(MediaSettings(bind="127.0.0.1", port_range=(RANGE[0], RANGE[0] + 3)))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", RANGE[0] + 1))
            assert (await media.open_rtp()).address == ("127.0.0.1", RANGE[0] + 2)
        nursery.cancel_scope.cancel()


async def test_one_that_can_t_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for executable in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr("sys.executable", executable)
        with pytest.raises(MediaUnavailable):
            await Media(SETTINGS).run()


async def test_after_the_end_no_process_is_left() -> None:
    media = Media(SETTINGS)
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        pid = link_of(media).pid
        nursery.cancel_scope.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_command_too_large_costs_itself_and_nothing_else(real: Media) -> None:
    one, other = real.open_pair()
    too_much = one.play((DIALTONE,) * 200_000)
    enough = other.play((silence(20),))
    with trio.fail_after(10):
        assert (await enough.wait_ended()).ok
    assert not one.closed
    one.close()
    assert real.statistics().restarts == 0
    too_much.stop()


async def test_a_stream_is_handed_over(real: Media) -> None:
    """The program hears us through the descriptor that the media process was given."""
    ours, theirs = trio.socket.socketpair()
    with ours, theirs:
        port = real.open_stream(ours.fileno(), hello=b"\x01\x00\x02id")
        ours.close()
        port.silence(True)
        heard = b""
        with trio.fail_after(10):
            while len(heard) < 1000:
                heard += await theirs.recv(4096)
            assert heard.startswith(b"\x01\x00\x02id\x10\x01\x40")
            await theirs.send(b"\x03\x00\x015")
            assert (await next_of(port, DtmfReceived)).slot == port.slot
            port.close()
            while await theirs.recv(4096):
                pass
