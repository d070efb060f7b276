"""Mixes of many: each hears the sum of the others, to the sample, and nobody hears itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from trio.testing import MockClock

from stasisd.media.commands import FileSegment, RecordSpec
from stasisd.media.control import Media, MediaSettings, Mix, Port
from stasisd.media.mixes import Mixes
from stasisd.media.ports import PAIR, PHASES, TOGETHER, Ports, phase_of
from stasisd.media.reports import DtmfReceived
from tests.support.media import Far, InProcessLink, Network, in_process

from .audio import Samples, read_wav, speech, write_wav
from .calls import after_codec, call, heard, next_of, place_of, say
from .test_dtmf import events_sent, press

# ---- the arithmetic, against a model

SLOTS = tuple(phase * TOGETHER + n for phase in range(5) for n in range(2))
slots = st.sampled_from(SLOTS)
steps = st.one_of(
    st.tuples(
        st.just("join"), slots, st.integers(1, 2), *[st.sampled_from([True, True, False])] * 2
    ),
    st.tuples(st.just("leave"), slots),
    st.tuples(st.just("say"), slots, st.integers(-32768, 32767), st.booleans()),
    st.tuples(st.just("tick"), st.sampled_from([(0,), (1,), (2, 3), range(PHASES)])),
)


class Model:
    """Who is in which mix, and what each said last: sums are taken anew each time."""

    def __init__(self) -> None:
        self.member: dict[int, tuple[int, bool, bool]] = {}
        self.said: dict[int, int] = {}

    def join(self, slot: int, mix: int, hears: bool, speaks: bool) -> None:
        if not speaks or self.member.get(slot, (None,))[0] != mix:
            self.said.pop(slot, None)
        self.member[slot] = (mix, hears, speaks)

    def leave(self, slot: int) -> None:
        self.member.pop(slot, None)
        self.said.pop(slot, None)

    def tick(self, phase: int, ports: Ports) -> None:
        for slot, (_, _, speaks) in self.member.items():
            if speaks and phase_of(np.array([slot]))[0] == phase:
                self.said.pop(slot, None)
                if ports.rx_ok[slot]:
                    self.said[slot] = int(ports.rx[slot, 0])

    def hears(self, slot: int) -> int | None:
        """What a port hears, None where nobody else speaks."""
        mix, hears, _ = self.member.get(slot, (None, False, False))
        others = [
            said for other, said in self.said.items() if other != slot and self.in_mix(other) == mix
        ]
        return max(-32768, min(32767, sum(others))) if hears and others else None

    def in_mix(self, slot: int) -> int | None:
        return self.member[slot][0] if slot in self.member else None


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, min_size=25, max_size=60))
def test_totals_are_the_sums_of_what_was_said(
    order: list[Any],
) -> None:
    ports = Ports(slots=5 * TOGETHER)
    mixes, model = Mixes(ports), Model()
    for slot in SLOTS:
        ports.open(slot, 1, PAIR)
    for what, *arguments in order:
        match what, arguments:
            case "join", [slot, mix, hears, speaks]:
                mixes.join(slot, mix, hears=bool(hears), speaks=bool(speaks), digits=True)
                model.join(slot, mix, bool(hears), bool(speaks))
            case "leave", [slot]:
                mixes.leave(slot)
                model.leave(slot)
            case "say", [slot, sample, any_sound]:
                ports.rx[slot], ports.rx_ok[slot] = sample, any_sound
            case "tick", [phases]:
                for phase in phases:
                    mixes.hear(phase)
                    model.tick(phase, ports)
        served = mixes.fill(np.array(SLOTS))
        found = [int(ports.tx[s, 9]) if ok else None for s, ok in zip(SLOTS, served, strict=True)]
        assert found == [model.hears(slot) for slot in SLOTS]
    assert mixes.count == len({mix for mix, _, _ in model.member.values()})
    for slot in SLOTS:
        mixes.leave(slot)
    assert mixes.count == 0


# ---- on the wire


async def conference(
    media: Media, network: Network, count: int
) -> tuple[Mix, list[Port], list[Far]]:
    """So many phones in one mix."""
    mix, ports, fars = media.open_mix(), [], []
    for number in range(count):
        port, far = await call(media, network, host=f"192.0.2.{number + 1}")
        mix.add(port)
        ports.append(port)
        fars.append(far)
    await trio.sleep(0.2)  # their streams begin anew with what they say, so all at the same time
    return mix, ports, fars


async def say_all(ports: list[Port], fars: list[Far], said: list[Samples]) -> None:
    """All speak at once."""
    async with trio.open_nursery() as nursery:
        for port, far, samples in zip(ports, fars, said, strict=True):
            nursery.start_soon(say, far, port, samples)
    await trio.sleep(0.2)


def total(*voices: Samples) -> Samples:
    """What is heard of voices together, after the codec, on either side."""
    summed = np.sum([after_codec(voice).astype(np.int32) for voice in voices], axis=0)
    return after_codec(np.clip(summed, -32768, 32767).astype(np.int16))


def hears(far: Far, *voices: Samples) -> bool:
    """Whether exactly the sum of these came to a far end."""
    return place_of(total(*voices), heard(far)) >= 0


@pytest.mark.parametrize("loudness", [1, 7])
async def test_each_hears_the_others_and_not_itself(
    media: Media, network: Network, autojump_clock: MockClock, loudness: int
) -> None:
    voices: list[Samples] = [
        np.clip(speech(3200, seed).astype(np.int32) * loudness, -32000, 32000).astype(np.int16)
        for seed in range(3)
    ]
    _, ports, fars = await conference(media, network, 3)
    await say_all(ports, fars, voices)
    for number, far in enumerate(fars):
        assert hears(far, *(voice for other, voice in enumerate(voices) if other != number))


async def test_who_only_listens_and_who_only_speaks(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    voices = [speech(1600, seed) for seed in range(3)]
    mix, ports, fars = await conference(media, network, 3)
    mix.add(ports[0], speaks=False)
    mix.add(ports[1], hears=False)
    fars[1].packets.clear()
    await say_all(ports, fars, voices)
    assert hears(fars[0], voices[1], voices[2])
    assert not heard(fars[1]).size
    assert hears(fars[2], voices[1])
    mix.add(ports[0])
    await say_all(ports, fars, voices)
    assert hears(fars[2], voices[0], voices[1])


async def test_the_same_again_tears_no_hole(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    voice, mix = speech(3200), media.open_mix()
    speaker, far_speaker = await call(media, network)
    for _ in range(TOGETHER // 2):
        media.open_pair()  # so that the listener is ticked in another phase
    listener, far_listener = await call(media, network, host="192.0.2.2")
    mix.add(speaker)
    mix.add(listener)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, far_speaker, speaker, voice)
        for _ in range(100):
            await trio.sleep(0.004)
            mix.add(speaker, digits=False)
            mix.add(speaker)
    await trio.sleep(0.1)
    assert hears(far_listener, voice)


async def test_a_quiet_mix_sends_silence_each_frame(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    _, _, (far,) = await conference(media, network, 1)
    await trio.sleep(0.2)
    far.packets.clear()
    await trio.sleep(1)
    assert 49 <= len(far.packets) <= 51
    assert not heard(far).any()


async def test_a_port_is_in_one_place_at_a_time(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    voice = speech(1600)
    mix, ports, fars = await conference(media, network, 4)
    other_mix = media.open_mix()
    speaker, fars_before = ports[0], fars[1:]

    async def who_hears() -> list[bool]:
        for far in fars:
            far.packets.clear()
        await say(fars[0], speaker, voice)
        await trio.sleep(0.2)
        return [hears(far, voice) for far in fars_before]

    assert await who_hears() == [True, True, True]
    other_mix.add(ports[1])
    other_mix.add(speaker)
    assert await who_hears() == [True, False, False]
    mix.remove(speaker)  # has moved on, and stays there
    assert await who_hears() == [True, False, False]
    speaker.connect(ports[2])
    assert await who_hears() == [False, True, False]
    mix.add(ports[2])
    assert await who_hears() == [False, False, False]
    mix.add(speaker)
    assert await who_hears() == [False, True, True]
    speaker.disconnect()
    assert await who_hears() == [False, False, False]
    mix.add(speaker)
    mix.close()
    assert await who_hears() == [False, False, False]


async def test_nothing_is_left_of_ports_and_mixes(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix, ports, _ = await conference(media, network, 3)
    assert (await media.worker_statistics()).mixes == media.statistics().mixes == 1
    ports[0].close()
    mix.add(ports[0])
    mix.remove(ports[0])
    for port in ports[1:]:
        port.close()
    assert (await media.worker_statistics()).mixes == 0
    mix.close()
    mix.close()
    mix.add((await call(media, network))[0])
    assert (await media.worker_statistics()).mixes == media.statistics().mixes == 0
    assert (await media.worker_statistics()).rejected == 0


async def test_who_hangs_up_is_heard_no_more(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    voice = speech(1600)
    _, ports, fars = await conference(media, network, 3)
    async with trio.open_nursery() as nursery:
        for number in range(2):
            nursery.start_soon(say, fars[number], ports[number], voice)
        await trio.sleep(0.1)
        ports[0].close()
        fars[2].packets.clear()
    await trio.sleep(0.2)
    assert place_of(after_codec(after_codec(voice))[800:1440], heard(fars[2])) >= 0


async def test_a_mix_outlives_the_media_process(
    network: Network, autojump_clock: MockClock
) -> None:
    links: list[InProcessLink] = []
    media = Media(MediaSettings(bind="192.0.2.100"), in_process(network, links))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        mix, _, _ = await conference(media, network, 2)
        links[0].kill()
        await trio.sleep(2)
        ports, fars = [], []
        for host in ("192.0.2.7", "192.0.2.8"):
            port, far = await call(media, network, host=host)
            mix.add(port)
            ports.append(port)
            fars.append(far)
        await say(fars[0], ports[0], speech(1600))
        await trio.sleep(0.2)
        assert hears(fars[1], speech(1600))
        mix.close()
        assert (await media.worker_statistics()).mixes == 0
        nursery.cancel_scope.cancel()


# ---- pairs with one half in the mix: how bridges play and record


async def test_all_hear_what_is_played_on_the_far_half(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", speech(3200))
    for first in (1, 11):  # two bridges hear it at the same time
        mix, fars = media.open_mix(), []
        for number in range(2):
            port, far = await call(media, network, host=f"192.0.2.{first + number}")
            mix.add(port)
            fars.append(far)
        outside, inside = media.open_pair()
        mix.add(inside)
        assert await outside.play((FileSegment(prompt),)).wait_started()
    await trio.sleep(0.6)
    for far in network.fars.values():
        assert place_of(after_codec(speech(3200)), heard(far)) >= 0


async def test_the_far_half_records_what_all_say(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    mix, ports, fars = await conference(media, network, 2)
    announcer, other_inside = media.open_pair()
    outside, inside = media.open_pair()
    mix.add(inside)
    mix.add(other_inside)
    recording = outside.record(RecordSpec(path=str(tmp_path / "all.wav")))
    prompt = write_wav(tmp_path / "prompt.wav", speech(1600, seed=9))
    await say_all(ports, fars, [speech(1600, seed) for seed in range(2)])
    assert (await announcer.play((FileSegment(prompt),)).wait_ended()).ok
    await trio.sleep(0.1)
    recording.stop()
    await recording.wait_ended()
    taken = read_wav(tmp_path / "all.wav")
    voices = [after_codec(speech(1600, seed)).astype(np.int32) for seed in range(2)]
    summed: NDArray[np.int16] = np.sum(voices, axis=0).astype(np.int16)
    assert place_of(summed, taken) >= 0
    assert place_of(speech(1600, seed=9), taken) >= 0


# ---- digits


async def test_digits_go_to_all_others(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix, ports, fars = await conference(media, network, 4)
    mix.add(ports[3], hears=False)
    outside, inside = media.open_pair()
    mix.add(inside)
    await press(fars[0], ports[0], "5")
    await trio.sleep(0.3)
    assert [events_sent(far) for far in fars] == [[], ["5"], ["5"], []]
    assert await next_of(outside, DtmfReceived) == DtmfReceived(
        outside.slot, outside.generation, "5", 100
    )


async def test_digits_can_be_kept_from_the_others(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix, ports, fars = await conference(media, network, 2)
    mix.add(ports[0], digits=False)
    await press(fars[0], ports[0], "5")
    await trio.sleep(0.3)
    assert events_sent(fars[1]) == []
    report = await next_of(ports[0], DtmfReceived)
    assert isinstance(report, DtmfReceived)
    assert report.digit == "5"


async def test_a_digit_does_not_go_round(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    mix, ports, fars = await conference(media, network, 2)
    other_mix = media.open_mix()
    beyond, far_beyond = await call(media, network, host="192.0.2.9")
    other_mix.add(beyond)
    for _ in range(6):
        one, other = media.open_pair()
        mix.add(one)
        other_mix.add(other)
    await press(fars[0], ports[0], "5")
    await trio.sleep(1)
    assert [events_sent(far) for far in (*fars, far_beyond)] == [[], ["5"], ["5"]]
