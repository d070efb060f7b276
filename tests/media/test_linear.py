"""Samples as they are, and between 8 and 16 kHz."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.media.linear import Doubler, Halver, Linear

from .audio import Samples, speech


def tone(frequency: int, rate: int) -> Samples:
    waves = 10000 * np.sin(2 * np.pi * frequency * np.arange(rate) / rate)
    whole: Samples = np.rint(waves).astype(np.int16)
    return whole


def loudness(samples: Samples) -> float:
    """Against the tones of this file, away from the ends."""
    return float(np.sqrt(np.mean(samples[200:-200].astype(float) ** 2)) / (10000 / np.sqrt(2)))


@pytest.mark.parametrize("frequency", [100, 440, 1000, 3000, 3400])
def test_what_a_telephone_carries_survives(frequency: int) -> None:
    halved = Halver().halve(tone(frequency, 16000))
    assert len(halved) == 8000
    assert loudness(halved) == pytest.approx(1, abs=0.03)
    doubled = Doubler().double(tone(frequency, 8000))
    assert len(doubled) == 16000
    assert loudness(doubled) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("frequency", [4800, 6000, 7500])
def test_what_it_does_not_carry_does_not_come_back_as_something_else(frequency: int) -> None:
    assert loudness(Halver().halve(tone(frequency, 16000))) < 0.01


def test_doubling_makes_no_mirror_image() -> None:
    spectrum = np.abs(np.fft.rfft(Doubler().double(tone(1000, 8000))[:16000]))
    assert spectrum[7000] < spectrum[1000] / 500


@given(st.lists(st.integers(0, 333), max_size=20))
def test_pieces_join_without_a_seam(sizes: list[int]) -> None:
    whole = speech(sum(sizes) + 50)
    ends = [*np.cumsum([0, *sizes]), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(ends)]
    halver, doubler = Halver(), Doubler()
    halves = np.concatenate([halver.halve(piece) for piece in pieces])
    assert np.array_equal(halves, Halver().halve(whole))
    doubles = np.concatenate([doubler.double(piece) for piece in pieces])
    assert np.abs(doubles.astype(int) - Doubler().double(whole)).max() <= 1


@pytest.mark.parametrize(("order", "octets"), [("<", b"\x01\x02"), (">", b"\x02\x01")])
def test_octets_have_an_order(order: str, octets: bytes) -> None:
    coding = Linear(8000, order)  # type: ignore[arg-type]  # parametrized as text
    assert coding.decode(octets).tolist() == [0x0201]
    assert coding.encode(np.array([0x0201], np.int16)) == octets


def test_nothing_wraps_around() -> None:
    loud = np.where(np.arange(800) % 80 < 40, 32767, -32768).astype(np.int16)
    for again in (Doubler().double(loud), Halver().halve(loud)):
        assert again.max() == 32767
        assert again.min() == -32768
