import numpy as np
import pytest

from stasisd.demo.ear import ALIKE, Sound, is_silent, is_tone
from stasisd.demo.hearing import RATE, Samples
from stasisd.media import codecs
from stasisd.media.commands import DTMF_FREQUENCIES


def noise(seconds: float, seed: int = 1) -> Samples:
    drawn = np.random.default_rng(seed).normal(0, 3000, round(seconds * RATE))
    return drawn.astype(np.int16)


def tone(hertz: float, seconds: float = 0.1, amplitude: float = 5000) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


@pytest.mark.parametrize("begin", [0.0, 0.123, 4.4])
def test_a_piece_is_found_where_it_was_taken(begin: float) -> None:
    whole = noise(5)
    first = round(begin * RATE)
    match = Sound(whole).find(whole[first : first + RATE * 6 // 10])
    assert match is not None
    assert match.end == pytest.approx(begin + 0.6, abs=1e-3)
    assert match.likeness == pytest.approx(1, abs=0.01)


def test_loudness_and_g711_do_not_matter() -> None:
    whole = noise(3)
    quiet = codecs.decode(codecs.encode(whole[8000:12800] // 4, codecs.PCMU), codecs.PCMU)
    match = Sound(whole).find(quiet)
    assert match is not None
    assert match.end == pytest.approx(1.6, abs=1e-3)
    assert match.likeness > 0.98


@pytest.mark.parametrize(("other", "is_alike"), [(0.1, True), (0.4, False)])
def test_a_piece_is_found_where_most_of_it_comes_from(other: float, is_alike: bool) -> None:
    whole = noise(3)
    piece = np.concatenate([noise(other, seed=2), whole[8000 : 12800 - round(other * RATE)]])
    match = Sound(whole).find(piece)
    assert match is not None
    assert match.end == pytest.approx(1.6 - other, abs=1e-3)
    assert (match.likeness >= ALIKE) is is_alike


def test_something_else_is_not_alike() -> None:
    match = Sound(noise(3)).find(noise(0.6, seed=2))
    assert match is not None
    assert match.likeness < 0.2


@pytest.mark.parametrize("piece", [np.zeros(4800, np.int16), noise(4), noise(0)])
def test_what_cannot_be_compared_has_no_match(piece: Samples) -> None:
    assert Sound(noise(3)).find(piece) is None


def test_silence() -> None:
    assert is_silent(np.zeros(0, np.int16))
    assert is_silent(noise(0.1) // 3000)
    assert not is_silent(tone(440))
    assert not is_silent(np.array([-32768], np.int16))


def test_a_tone_is_told_from_others_and_from_speech() -> None:
    assert is_tone(tone(1000), 1000)
    assert not is_tone(tone(941), 1000)
    assert not is_tone(noise(0.1), 1000)
    assert not is_tone(np.zeros(800, np.int16), 1000)
    assert not is_tone(np.zeros(0, np.int16), 1000)
    for low, high in DTMF_FREQUENCIES.values():
        assert not is_tone(tone(low) + tone(high), 1000)
