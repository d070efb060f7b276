"""Latching, directions, loss, bridging and reports, on the wire."""

import msgspec
import numpy as np
import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from stasisd.media import codecs
from stasisd.media.commands import RINGBACK, Codec, Remote, silence
from stasisd.media.control import Media
from stasisd.media.linear import Linear
from stasisd.media.reports import Latched
from stasisd.rtp import packet, rtcp
from tests.support.media import Network

from .audio import octets, speech
from .calls import FRAME, QUIET, after_codec, call, heard, next_of, place_of, say


async def test_before_the_first_packet_we_send_where_sdp_says(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await media.open_rtp(), network.far()
    port.set_remote(Remote(far.address))
    await port.play((silence(200),)).wait_ended()
    assert len(far.packets) == 10


async def test_we_follow_the_first_valid_packet(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, said, real = await media.open_rtp(), network.far(), network.far("198.51.100.9", 40000)
    assert port.address is not None
    port.set_remote(Remote(said.address, telephone_event=101))
    port.silence(True)
    for rubbish in (b"", b"x", bytes(172), bytes([0x80, 77]) + bytes(170)):
        network.far("203.0.113.5").send(rubbish, port.address)
    await trio.sleep(0.11)
    assert len(said.packets) == 5
    real.send_audio(QUIET, port.address)
    latched = await next_of(port, Latched)
    assert latched == Latched(port.slot, port.generation, *real.address)
    await trio.sleep(0.11)
    assert len(said.packets) <= 6
    assert len(real.packets) >= 4
    assert (await port.rtp_statistics()).malformed == 4


async def test_once_latched_others_are_not_heard(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    assert port.address is not None
    port.echo(True)
    await say(network.far("203.0.113.5"), port, speech(1600))
    assert not heard(far).any()


async def test_a_new_agreement_latches_anew(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, _ = await call(media, network)
    moved, target = network.far("192.0.2.77"), network.far("192.0.2.78")
    port.silence(True)
    port.set_remote(Remote(target.address))
    await trio.sleep(0.11)
    assert len(target.packets) == 5
    await say(moved, port, speech(320))
    assert await next_of(port, Latched) == Latched(port.slot, port.generation, *moved.address)


async def test_the_same_agreement_again_keeps_sending_behind_nat(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, private, public = await media.open_rtp(), network.far("10.0.0.1"), network.far()
    assert port.address is not None
    remote = Remote(private.address)
    port.set_remote(remote)
    public.send_audio(QUIET, port.address)
    await next_of(port, Latched)
    port.set_remote(msgspec.structs.replace(remote, flow="sendonly"))
    port.silence(True)
    await trio.sleep(0.11)
    assert len(public.packets) == 5
    assert private.packets == []


@pytest.mark.parametrize(
    ("flow", "sends", "hears"),
    [
        ("sendrecv", True, True),
        ("sendonly", True, False),
        ("recvonly", False, True),
        ("inactive", False, False),
    ],
)
async def test_directions(
    media: Media,
    network: Network,
    autojump_clock: MockClock,
    flow: str,
    sends: bool,
    hears: bool,
) -> None:
    port, far = await call(media, network)
    remote = Remote(far.address, flow=flow)  # type: ignore[arg-type]  # parametrized as text
    port.set_remote(remote)
    other, other_far = await call(media, network, host="192.0.2.2")
    port.connect(other)
    port.silence(True)
    await say(far, port, speech(1600))
    assert bool(far.packets) is sends
    assert bool(heard(other_far).any()) is hears


async def test_echo_returns_every_sample(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    port.echo(True)
    said = after_codec(speech(8000))
    await say(far, port, said)
    await trio.sleep(0.1)
    assert place_of(said, heard(far)) >= 0
    port.echo(False)
    far.packets.clear()
    await say(far, port, said[:1600])
    assert far.packets == []


@pytest.mark.parametrize("length", [80, 240, 320, 480])
async def test_packets_of_other_lengths_are_understood(
    media: Media, network: Network, autojump_clock: MockClock, length: int
) -> None:
    port, far = await call(media, network)
    assert port.address is not None
    port.echo(True)
    said = after_codec(speech(9600))
    for start in range(0, len(said), length):
        far.send_audio(octets(said[start : start + length]), port.address)
        await trio.sleep(length / 8000)
    await trio.sleep(0.2)
    assert place_of(said[length:-length], heard(far)) >= 0


async def test_strange_lengths_are_counted(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    assert port.address is not None
    for length in (0, 1, 159, 161, 560, 1300):
        far.send_audio(bytes(length), port.address)
    await trio.sleep(0.2)
    assert (await port.rtp_statistics()).malformed == 6


async def test_loss_and_reordering(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    assert port.address is not None
    port.echo(True)
    said = after_codec(speech(16000))
    frames = said.reshape(-1, FRAME)
    order = [*range(10), 11, 10, *range(12, 20), *range(21, 100)]
    for number in order:
        far._timestamp = 50000 + number * FRAME
        far.send_audio(octets(frames[number]), port.address, sequence=1001 + number)
        await trio.sleep(0.02)
    await trio.sleep(0.1)
    came = heard(far)
    assert place_of(said[: 20 * FRAME], came) >= 0
    lost = place_of(frames[21], came) - FRAME
    assert np.array_equal(came[lost : lost + FRAME], frames[19])
    statistics = await port.rtp_statistics()
    assert statistics.lost == 1
    assert statistics.rx_packets == 100
    assert statistics.remote_ssrc == 0x1234


async def test_two_phones_hear_each_other_in_different_codecs(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    one, one_far = await call(media, network)
    two, two_far = await call(media, network, host="192.0.2.2", codec="PCMA")
    one.connect(two)
    said, answered = speech(4000, 1), speech(4000, 2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, one_far, one, said)
        nursery.start_soon(say, two_far, two, answered, codecs.PCMA)
    await trio.sleep(0.1)
    through = after_codec(after_codec(said), codecs.PCMA)
    assert place_of(through, heard(two_far, codecs.PCMA)) >= 0
    back = after_codec(after_codec(answered, codecs.PCMA))
    assert place_of(back, heard(one_far)) >= 0
    one.disconnect()
    two_far.packets.clear()
    await say(one_far, one, said)
    assert two_far.packets == []


async def test_through_a_pair_of_halves(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    one, one_far = await call(media, network)
    two, two_far = await call(media, network, host="192.0.2.2")
    left, right = media.open_pair()
    one.connect(left)
    right.connect(two)
    said = after_codec(speech(4000))
    await say(one_far, one, said)
    await trio.sleep(0.2)
    assert place_of(said, heard(two_far)) >= 0


async def test_what_comes_first_is_sent(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    port.silence(True)
    await trio.sleep(0.11)
    assert not heard(far).any()
    assert len(far.packets) == 5
    port.indicate(RINGBACK)
    await trio.sleep(0.1)
    far.packets.clear()
    await trio.sleep(0.1)
    assert np.abs(heard(far)).mean() > 3000
    playing = port.play((silence(200),))
    await playing.wait_started()
    await trio.sleep(0.06)
    far.packets.clear()
    await far.wait_packets(7)
    assert not heard(far).any()
    await playing.wait_ended()
    port.indicate(None)
    port.silence(False)
    await trio.sleep(0.1)
    far.packets.clear()
    await trio.sleep(0.1)
    assert far.packets == []


async def test_mutes(media: Media, network: Network, autojump_clock: MockClock) -> None:
    one, one_far = await call(media, network)
    two, two_far = await call(media, network, host="192.0.2.2")
    one.connect(two)
    said = after_codec(speech(1600))
    for port, side in ((one, "in"), (two, "out"), (one, "both"), (two, "both")):
        two_far.packets.clear()
        port.mute(side)  # type: ignore[arg-type]  # a side, as text
        await say(one_far, one, said)
        assert not heard(two_far).any()
        assert len(two_far.packets) > 5
        port.unmute("both")
    await trio.sleep(0.2)
    two_far.packets.clear()
    await say(one_far, one, said)
    await trio.sleep(0.1)
    assert place_of(said, heard(two_far)) >= 0


async def test_reports_are_exchanged(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    assert port.address is not None
    control = network.far(far.address[0], far.address[1] + 1)
    port.echo(True)
    await say(far, port, speech(8000 * 12))
    compounds = [rtcp.parse(data) for _, data in control.packets]
    assert 1 <= len(compounds) <= 4
    report = compounds[0][0]
    assert isinstance(report, rtcp.SenderReport)
    assert report.packets > 100
    assert report.blocks[0].ssrc == 0x1234
    assert report.blocks[0].lost == 0
    assert isinstance(compounds[0][1], rtcp.Description)
    block = rtcp.ReportBlock(report.ssrc, 0, 3, 0, 80, rtcp.middle(report.ntp), 0)
    to = (port.address[0], port.address[1] + 1)
    control.send(rtcp.make([rtcp.ReceiverReport(0x1234, (block,))]), to)
    control.send(b"nonsense", to)
    await trio.sleep(0.1)
    statistics = await port.rtp_statistics()
    assert (statistics.remote_lost, statistics.remote_jitter_ms) == (3, 10)
    assert statistics.round_trip_ms is not None
    control.packets.clear()
    port.close()
    await trio.lowlevel.checkpoint()
    last = rtcp.parse(control.packets[-1][1])
    assert isinstance(last[-1], rtcp.Goodbye)
    assert last[-1].ssrcs == (report.ssrc,)


@pytest.mark.parametrize(("codec", "rate"), [("L16", 8000), ("L16/16000", 16000)])
async def test_samples_as_they_are(
    media: Media, network: Network, autojump_clock: MockClock, codec: Codec, rate: int
) -> None:
    port, far = await media.open_rtp(), network.far()
    other, other_far = await call(media, network, host="192.0.2.2")
    port.set_remote(Remote(far.address, codec, 118))
    port.connect(other)
    assert port.address is not None
    said, step = speech(3200), rate // 50
    sent = Linear(rate, ">").encode(said)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, other_far, other, said)
        for number in range(20):
            octets = sent[2 * step * number : 2 * step * (number + 1)]
            stamp = 0xFFFFFFFF - 5 * step + step * number & 0xFFFFFFFF
            far.send(packet.make(packet.Packet(118, number, stamp, 9, octets)), port.address)
            await trio.sleep(0.02)
    await trio.sleep(0.2)
    heard_there = Linear(rate, ">").decode(sent)
    # A clock of 16 kHz starts the stream again where it wraps, here after 100 ms.
    assert place_of(after_codec(heard_there)[1600:], heard(other_far)) >= 0
    audio = [sent for sent in far.rtp if sent.payload_type == 118]
    assert {len(sent.payload) for sent in audio} == {2 * step}
    stamps = np.array([sent.timestamp for sent in audio], np.uint32)
    assert set(np.diff(stamps).tolist()) == {step}
    assert [sent.marker for sent in audio][:2] == [True, False]
    expected = Linear(rate, ">").encode(after_codec(said))
    assert expected[: len(expected) // 2] in b"".join(sent.payload for sent in audio)


async def test_who_may_not_speak_is_not_heard_beside_others_who_may(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    held, far_held = await call(media, network)
    listener, far_listener = await call(media, network, host="192.0.2.2")
    talker, far_talker = await call(media, network, host="192.0.2.3")
    held.connect(listener)
    await trio.sleep(0.2)
    remote = Remote(far_held.address, flow="sendonly")
    held.set_remote(remote)
    await say(far_held, held, speech(160))  # latches
    far_listener.packets.clear()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, far_held, held, speech(1600))
        nursery.start_soon(say, far_talker, talker, speech(1600))
    await trio.sleep(0.2)
    assert not far_listener.packets


async def test_jitter_is_reported_in_units_of_the_stream(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await media.open_rtp(), network.far()
    port.set_remote(Remote(far.address, "L16/16000", 118))
    assert port.address is not None
    control = network.far(far.address[0], far.address[1] + 1)
    for number in range(500):
        far.send(packet.make(packet.Packet(118, number, 320 * number, 9, bytes(640))), port.address)
        await trio.sleep(0.01 if number % 2 else 0.03)
    report = rtcp.parse(control.packets[-1][1])[0]
    assert isinstance(report, rtcp.ReceiverReport)
    statistics = await port.rtp_statistics()
    assert statistics.jitter_ms > 5
    assert report.blocks[0].jitter == pytest.approx(statistics.jitter_ms * 16, rel=0.05)
    block = rtcp.ReportBlock(statistics.local_ssrc, 0, 0, 0, 320, 0, 0)
    to = (port.address[0], port.address[1] + 1)
    control.send(rtcp.make([rtcp.ReceiverReport(9, (block,))]), to)
    await trio.sleep(0.1)
    assert (await port.rtp_statistics()).remote_jitter_ms == 20
