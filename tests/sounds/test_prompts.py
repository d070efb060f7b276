"""The prompts as they are committed: complete, readable by what plays them, and small."""

from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from .make_prompts import AUDIBLE, CEILING, MARGIN, RATE, STEP, Samples, sounding_rms
from .prompt_list import ROOT, SOUNDS, path_of, read_prompt_list

PROMPTS = read_prompt_list()
LARGEST = 3_000_000  # bytes, the whole set
# dBFS. The voice's loudest peaks meet the ceiling before some prompts reach the intended -18.
LOUDEST, SOFTEST = -17, -21


def each(names: list[str]) -> Iterator[tuple[str, Samples]]:
    for name in names:
        samples, rate = soundfile.read(path_of(name), always_2d=True)
        assert rate == RATE, name
        assert samples.shape[1] == 1, name
        yield name, samples[:, 0]


def decibels(amplitude: float) -> float:
    return 20 * float(np.log10(amplitude))


def test_each_prompt_is_listed_once() -> None:
    names = PROMPTS.names()
    assert len(names) == len(set(names))


def test_the_folder_holds_what_is_listed_and_nothing_else() -> None:
    present = {path.relative_to(SOUNDS).as_posix() for path in SOUNDS.rglob("*") if path.is_file()}
    assert present == {f"{name}.flac" for name in PROMPTS.names()}


def test_names_differ_in_more_than_case() -> None:
    assert len({name.lower() for name in PROMPTS.names()}) == len(PROMPTS.names())


def test_the_set_stays_small() -> None:
    assert sum(path.stat().st_size for path in SOUNDS.rglob("*.flac")) < LARGEST


def test_speech_and_tones_are_level_and_not_clipped() -> None:
    for name, samples in each([*PROMPTS.speech, *PROMPTS.tones]):
        assert np.abs(samples).max() <= CEILING + STEP / 32768, name
        assert SOFTEST < decibels(sounding_rms(samples)) < LOUDEST, name


def test_speech_and_tones_begin_and_end_without_a_click() -> None:
    for name, samples in each([*PROMPTS.speech, *PROMPTS.tones]):
        assert np.abs(samples[[0, -1]]).max() < 0.01, name


def test_speech_lasts_as_long_as_its_words_need() -> None:
    for name, samples in each(list(PROMPTS.speech)):
        letters = len(PROMPTS.speech[name])
        assert 0.3 < len(samples) / RATE < 0.5 + 0.1 * letters, name


def test_speech_has_no_silence_before_and_after_it() -> None:
    for name, samples in each(list(PROMPTS.speech)):
        audible = AUDIBLE / 2 * np.abs(samples).max()
        for end in (samples[: 2 * MARGIN], samples[-2 * MARGIN :]):
            assert np.abs(end).max() > audible, name


def test_tones_last_as_long_as_their_steps() -> None:
    for name, samples in each(list(PROMPTS.tones)):
        assert len(samples) == sum(step.ms for step in PROMPTS.tones[name]) * RATE // 1000, name


def test_a_two_tone_prompt_goes_from_its_first_frequency_to_its_last() -> None:
    [(_, samples)] = each(["ascending-2tone"])
    tenth = RATE // 10  # of a second: its spectrum has a line each 10 Hz
    heard = [
        int(np.argmax(np.abs(np.fft.rfft(part)))) * 10
        for part in (samples[:tenth], samples[-tenth:])
    ]
    assert heard == [600, 900]


def test_silence_is_exact_and_empty() -> None:
    assert PROMPTS.silence == {f"silence/{seconds}": seconds for seconds in range(1, 11)}
    for name, samples in each(list(PROMPTS.silence)):
        assert len(samples) == PROMPTS.silence[name] * RATE, name
        assert not samples.any(), name


def test_long_prompts_are_as_long_as_their_users_expect() -> None:
    seconds = {name: len(samples) / RATE for name, samples in each(["tt-monkeys", "demo-story"])}
    assert seconds["tt-monkeys"] == pytest.approx(8, abs=0.5)
    assert seconds["demo-story"] == pytest.approx(25, abs=2)


def test_all_that_say_needs_is_there() -> None:
    tens = [f"digits/{number}" for number in (*range(21), *range(30, 100, 10))]
    words = [f"digits/{word}" for word in ("hundred", "thousand", "million", "minus")]
    keys = ["digits/star", "digits/pound"]
    letters = [f"letters/{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    signs = ["asterisk", "at", "dash", "dollar", "dot", "equals", "exclaimationpoint", "plus"]
    others = [f"letters/{sign}" for sign in (*signs, "slash", "space", "zee")]
    assert {*tens, *words, *keys, *letters, *others} <= PROMPTS.speech.keys()


def test_the_package_carries_the_prompts() -> None:
    assert '"sounds/**/*.flac"' in (ROOT / "pyproject.toml").read_text()
