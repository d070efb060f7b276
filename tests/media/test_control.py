"""What control promises: handles that end, names that are used once, and nothing left behind."""

import random
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from stasisd.media import commands
from stasisd.media.commands import DIALTONE, AskStatistics, RecordSpec, Remote, encode, silence
from stasisd.media.control import (
    Media,
    MediaSettings,
    MediaStatistics,
    MediaUnavailable,
    NoPortsLeft,
)
from stasisd.media.numbers import UdpPorts
from stasisd.media.reports import PortClosed
from tests.support.media import InProcessLink, Network, in_process

from .audio import speech, write_wav


async def test_ports_are_even_and_of_the_range(network: Network, autojump_clock: MockClock) -> None:
    media = Media(MediaSettings(bind="192.0.2.100", port_range=(10001, 10007)), in_process(network))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        ports = [await media.open_rtp() for _ in range(3)]
        assert {port.address for port in ports} == {
            ("192.0.2.100", n) for n in (10002, 10004, 10006)
        }
        with pytest.raises(NoPortsLeft):
            await media.open_rtp()
        ports[1].close()
        assert (await media.open_rtp()).address == ports[1].address
        nursery.cancel_scope.cancel()


async def test_ports_that_others_hold_are_stepped_over(
    network: Network, autojump_clock: MockClock
) -> None:
    media = Media(MediaSettings(bind="192.0.2.100", port_range=(10000, 10005)), in_process(network))
    network.refused |= {("192.0.2.100", 10000), ("192.0.2.100", 10002)}
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        assert (await media.open_rtp()).address == ("192.0.2.100", 10004)
        assert media.statistics() == MediaStatistics(ports=1, udp_ports=1)
        nursery.cancel_scope.cancel()


def test_which_port_comes_tells_nothing_of_others() -> None:
    drawn = []
    for _ in range(50):
        ports = UdpPorts(10000, 20000)
        drawn.append(ports.take())
    assert len(set(drawn)) > 40


def test_a_port_rests_before_it_is_used_again() -> None:
    ports = UdpPorts(10000, 10200)
    for _ in range(1000):
        last = ports.take()
        ports.give_back(last)
        following = [ports.take() for _ in range(49)]
        assert last not in following
        for port in following:
            ports.give_back(port)


@pytest.mark.parametrize("port_range", [(20, 10), (0, 10), (10, 70000)])
def test_impossible_ranges_are_refused(port_range: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="port_range"):
        MediaSettings(port_range=port_range)


async def test_a_closed_port_does_nothing_and_raises_nothing(
    media: Media, autojump_clock: MockClock, tmp_path: Path
) -> None:
    one, other = media.open_pair()
    one.close("over")
    one.close("again")
    one.set_remote(Remote(("192.0.2.1", 4000)))
    one.connect(other)
    other.connect(one)
    one.disconnect()
    for verb in (one.echo, one.silence, one.detect_dtmf):
        verb(True)
    one.indicate(DIALTONE)
    one.mute("in")
    one.unmute("both")
    end = await one.play((silence(10),)).wait_ended()
    assert (end.ok, end.reason) == (False, "port closed")
    assert not (await one.record(RecordSpec(path=str(tmp_path / "r"))).wait_ended()).ok
    assert not await one.send_dtmf("1").wait_sent()
    assert (await one.rtp_statistics()).tx_packets == 0
    assert await one.receive() == [PortClosed(one.slot, one.generation, "over")]
    with pytest.raises(trio.EndOfChannel):
        await one.receive()
    assert media.statistics() == MediaStatistics(ports=1)
    assert (await media.worker_statistics()).rejected == 0


async def test_a_late_command_does_not_touch_who_came_after(
    media: Media, autojump_clock: MockClock
) -> None:
    one, other = media.open_pair()
    one.close()
    other.close()
    new, _ = media.open_pair()
    assert (new.slot, new.generation) != (one.slot, one.generation)
    assert new.slot == one.slot
    session = media._session
    assert session is not None
    playing = new.play((DIALTONE,))
    await playing.wait_started()
    session.send(commands.Close(one.slot, one.generation))
    session.send(commands.ControlPlayback(one.slot, one.generation, playing._id, "stop"))
    session.send(commands.ControlPlayback(new.slot, new.generation, playing._id + 1, "stop"))
    await trio.sleep(0.1)
    statistics = await media.worker_statistics()
    assert (statistics.ports, statistics.playbacks, statistics.rejected) == (2, 1, 0)


async def test_what_died_ends_with_a_reason_and_a_new_one_is_there(
    network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    links: list[InProcessLink] = []
    media = Media(MediaSettings(), in_process(network, links))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        port, (one, _) = await media.open_rtp(), media.open_pair()
        playing, sending = one.play((DIALTONE,)), one.send_dtmf("1234", between_ms=5000)
        recording = one.record(RecordSpec(path=str(tmp_path / "r")))
        await recording.wait_started()
        await trio.sleep(7)
        links[0].kill()
        died = "media process died: killed by SIGKILL"
        end = await playing.wait_ended()
        assert (end.ok, end.reason) == (False, died)
        assert (await recording.wait_ended()).reason == died
        assert not await sending.wait_sent()
        reports = [report async for report in port.reports()]
        assert reports == [PortClosed(port.slot, port.generation, died)]
        port.play((DIALTONE,))
        await trio.sleep(0.9)
        assert (await media.open_rtp()).address is not None
        assert media.statistics() == MediaStatistics(ports=1, udp_ports=1, restarts=1)
        nursery.cancel_scope.cancel()


async def test_without_a_process_nothing_opens(network: Network, autojump_clock: MockClock) -> None:
    media = Media(MediaSettings(), in_process(network))
    for ask in (media.open_rtp, media.worker_statistics):
        with pytest.raises(MediaUnavailable):
            await ask()
    with pytest.raises(MediaUnavailable):
        media.open_pair()
    assert media.statistics() == MediaStatistics()


async def test_shut_down_ends_all(network: Network, autojump_clock: MockClock) -> None:
    media = Media(MediaSettings(), in_process(network))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        one, _ = media.open_pair()
        playing = one.play((DIALTONE,))
        nursery.cancel_scope.cancel()
    assert (await playing.wait_ended()).reason == "media is shut down"
    assert [r async for r in one.reports()] == [
        PortClosed(one.slot, one.generation, "media is shut down")
    ]


async def test_a_cancelled_open_leaves_nothing(media: Media, autojump_clock: MockClock) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await media.open_rtp()
    await trio.sleep(0.1)
    assert media.statistics() == MediaStatistics()
    statistics = await media.worker_statistics()
    assert (statistics.ports, statistics.sockets) == (0, 0)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\x00",
        b"\x93\xa5Close\x01",
        encode(["Nonsense", 1]),
        encode(["Close", "one", 2]),
        encode(["OpenRtp", -5, 1, "127.0.0.1", 4000]),
        encode(["OpenPair", 99999, 1, 3, 4]),
        encode(["OpenPair", 7, 1, 7, 1]),
        encode(["OpenPair", 0, 9, 50, 9]),
    ],
)
async def test_a_command_that_makes_no_sense_is_counted_and_harms_nobody(
    network: Network, autojump_clock: MockClock, message: bytes
) -> None:
    links: list[InProcessLink] = []
    media = Media(MediaSettings(), in_process(network, links))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        one, _ = media.open_pair()
        links[0].engine.receive(message)
        assert (await one.play((silence(100),)).wait_ended()).ok
        statistics = await media.worker_statistics()
        assert (statistics.rejected, statistics.ports) == (1, 2)
        nursery.cancel_scope.cancel()


async def test_sense_is_asked_of_arguments_too(media: Media, autojump_clock: MockClock) -> None:
    port, (one, other) = await media.open_rtp(), media.open_pair()
    for host, number in (("example.org", 4000), ("192.0.2.1", 0), ("192.0.2.1", 70000)):
        port.set_remote(Remote((host, number)))
    port.set_remote(Remote(("192.0.2.1", 4000), telephone_event=128))
    one.set_remote(Remote(("192.0.2.1", 4000)))
    one.connect(one)
    one.connect(other)
    one.indicate(commands.ToneSegment((commands.Step((9000,), 10),)))
    assert (await media.worker_statistics()).rejected == 8


async def test_nothing_ticks_while_nothing_is_open(media: Media, autojump_clock: MockClock) -> None:
    one, other = media.open_pair()
    await trio.sleep(1)
    one.close()
    other.close()
    assert media._session is not None
    link = media._session._link
    assert isinstance(link, InProcessLink)
    assert link.engine.next_tick(trio.current_time()) is None
    before = (await media.worker_statistics()).ticks
    assert before == pytest.approx(50, abs=2)
    await trio.sleep(3600)
    assert (await media.worker_statistics()).ticks == before


async def test_five_hundred_cancels_leave_nothing(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "said.wav", speech(8000 * 3))
    draw = random.Random(11)
    folder = tmp_path / "recorded"
    await trio.Path(folder).mkdir()

    async def life(number: int) -> None:
        port = await media.open_rtp()
        port.set_remote(Remote(network.far(port=6000 + number).address))
        one, other = media.open_pair()
        try:
            port.connect(one)
            recording = other.record(RecordSpec(path=str(folder / str(number))))
            playing = port.play((commands.FileSegment(path),))
            await trio.sleep(draw.uniform(0, 0.4))
            one.send_dtmf("123")
            playing.forward(100)
            await recording.wait_started()
            await playing.wait_ended()
        finally:
            if draw.random() < 0.5:
                playing.stop()
                recording.discard()
            for end in (port, one, other):
                end.close()

    async def cut_short(number: int) -> None:
        with trio.move_on_after(draw.uniform(0, 0.8)):
            await life(number)

    async with trio.open_nursery() as nursery:
        for number in range(500):
            nursery.start_soon(cut_short, number)
            if number % 20 == 0:
                await trio.sleep(0.1)
    await trio.sleep(1)
    assert media.statistics() == MediaStatistics()
    left = await media.worker_statistics()
    assert (left.ports, left.sockets, left.playbacks) == (0, 0, 0)
    assert (left.recordings, left.files, left.rejected) == (0, 0, 0)
    assert network.arrived == {}


async def test_an_answer_nobody_asked_for_is_dropped(
    media: Media, autojump_clock: MockClock
) -> None:
    assert media._session is not None
    media._session.send(AskStatistics(4711))
    await trio.sleep(0.1)
    assert media._session.last_statistics.request == 4711
