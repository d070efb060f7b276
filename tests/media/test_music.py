"""Music on hold: over and over, instead of the others, after a playback."""

from pathlib import Path

import numpy as np
import trio
from trio.testing import MockClock

from stasisd.media.commands import HOLD_MUSIC, HOLD_TONE, FileSegment, Step, ToneSegment
from stasisd.media.control import Media
from stasisd.media.library import sound
from stasisd.media.reports import MusicFailed
from tests.support.media import Network

from .audio import Samples, speech, write_wav
from .calls import after_codec, call, heard, next_of, place_of, say


def file(folder: Path, samples: Samples) -> FileSegment:
    return FileSegment(write_wav(folder / "music.wav", samples))


async def test_it_goes_round_without_a_seam(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    one, two = speech(9001, 1), sound((440,), 0, 800)
    port.hold_music((file(tmp_path, one), ToneSegment((Step((440,), 100),))))
    await trio.sleep(5)
    assert place_of(after_codec(np.concatenate([one, two] * 3)), heard(far)) >= 0
    port.hold_music(None)
    await trio.sleep(0.1)
    far.packets.clear()
    await trio.sleep(0.2)
    assert not far.packets


async def test_who_is_on_hold_hears_neither_peer_nor_mix(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    held, far_held = await call(media, network)
    other, far_other = await call(media, network, host="192.0.2.2")
    held.hold_music((file(tmp_path, speech(16000, 1)),))
    mix = media.open_mix()
    mix.add(held)
    mix.add(other)
    await say(far_other, other, speech(3200, 2))
    held.connect(other)
    await say(far_other, other, speech(3200, 2))
    assert place_of(after_codec(speech(16000, 1))[:6000], heard(far_held)) >= 0
    held.hold_music(None)
    await say(far_other, other, speech(3200, 3))
    await trio.sleep(0.1)
    assert place_of(after_codec(after_codec(speech(3200, 3))), heard(far_held)) >= 0


async def test_a_playback_comes_first_and_the_music_goes_on(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    music, prompt = speech(16000, 1), speech(1600, 2)
    port.hold_music((file(tmp_path, music),))
    await trio.sleep(0.5)
    await port.play((FileSegment(write_wav(tmp_path / "prompt.wav", prompt)),)).wait_ended()
    await trio.sleep(2)
    whole, after = heard(far), after_codec(prompt)
    start = place_of(after, whole)
    assert start > 0
    without = np.concatenate([whole[:start], whole[start + len(after) :]])
    assert place_of(after_codec(music), without) >= 0


async def test_what_cannot_be_read_becomes_a_tone(
    media: Media, network: Network, autojump_clock: MockClock, tmp_path: Path
) -> None:
    port, far = await call(media, network)
    port.hold_music((FileSegment("/nowhere/music.wav"),))
    report = await next_of(port, MusicFailed)
    assert isinstance(report, MusicFailed)
    assert "music.wav" in report.reason
    await trio.sleep(0.5)
    tone = sound(HOLD_TONE.steps[0].frequencies, 0, 1600)
    assert place_of(after_codec(tone), heard(far)) >= 0


async def test_a_bridge_hears_the_music_of_a_far_half(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, far = await call(media, network)
    mix = media.open_mix()
    outside, inside = media.open_pair()
    mix.add(port)
    mix.add(inside)
    outside.hold_music((HOLD_MUSIC,))
    await trio.sleep(1)
    assert np.abs(heard(far)[4000:].astype(int)).mean() > 300


async def test_nothing_of_it_is_left(
    media: Media, network: Network, autojump_clock: MockClock
) -> None:
    port, _ = await call(media, network)
    port.hold_music((HOLD_TONE,))
    await trio.sleep(0.1)
    port.close()
    port.hold_music(None)
    other, far_other = await call(media, network, host="192.0.2.2")
    assert other.slot == port.slot
    await trio.sleep(0.2)
    assert not far_other.packets
