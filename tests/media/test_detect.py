"""In-band DTMF: every digit once, and no digit in speech."""

from pathlib import Path

import numpy as np
import pytest

from stasisd.media import codecs, files
from stasisd.media.commands import ALL_DIGITS, DTMF_FREQUENCIES
from stasisd.media.detect import Detector
from stasisd.media.library import sound
from stasisd.media.ports import RTP, Ports

from .audio import Samples

PROMPTS = sorted((Path(files.__file__).parent.parent / "sounds" / "en").rglob("*.flac"))


def digits_of(samples: Samples) -> list[tuple[str, int]]:
    ports = Ports(slots=16)
    ports.open(3, 1, RTP)
    ports.detect[3] = ports.rx_ok[3] = True
    detector, found = Detector(ports), []
    for start in range(0, len(samples) - 159, 160):
        ports.rx[3] = samples[start : start + 160]
        found += detector.listen(np.array([2, 3]))
    assert {slot for slot, _, _ in found} <= {3}
    return [(digit, duration) for _, digit, duration in found]


def pressed(
    digits: str,
    *,
    on_ms: int,
    off_ms: int,
    level: float = 1.0,
    twist_db: float = 0.0,
    noise: float = 0.0,
    lead: int = 0,
) -> Samples:
    """Digits as another generator would make them: high frequency louder by `twist_db`."""
    pieces = [np.zeros(800 + lead)]
    for digit in digits:
        low, high = DTMF_FREQUENCIES[digit]
        times = 10 ** (twist_db / 20)
        tone = sound((low,), 0, 8 * on_ms) + sound((high,), 0, 8 * on_ms) * times
        pieces += [tone * level, np.zeros(8 * off_ms)]
    clean = np.concatenate([*pieces, np.zeros(1600)])
    noisy = clean + np.random.default_rng(1).normal(0, noise, len(clean))
    octets = codecs.encode(np.clip(noisy, -32768, 32767).astype(np.int16), codecs.PCMU)
    return codecs.decode(octets, codecs.PCMU)


@pytest.mark.parametrize("lead", [0, 37, 80, 121])
@pytest.mark.parametrize(("on_ms", "off_ms"), [(40, 40), (50, 50), (100, 60), (400, 200)])
def test_each_digit_is_heard_once(on_ms: int, off_ms: int, lead: int) -> None:
    found = digits_of(pressed(ALL_DIGITS, on_ms=on_ms, off_ms=off_ms, lead=lead))
    assert "".join(digit for digit, _ in found) == ALL_DIGITS
    assert all(abs(duration - on_ms) <= 20 for _, duration in found)


def test_the_same_key_twice_is_two_digits() -> None:
    found = digits_of(pressed("5555", on_ms=60, off_ms=60))
    assert [digit for digit, _ in found] == ["5"] * 4


@pytest.mark.parametrize("twist_db", [-3.5, 3.0, 7.0])
def test_some_twist_is_normal(twist_db: float) -> None:
    found = digits_of(pressed("159D", on_ms=80, off_ms=80, level=0.3, twist_db=twist_db))
    assert "".join(digit for digit, _ in found) == "159D"


@pytest.mark.parametrize("twist_db", [-7.0, 11.0])
def test_much_twist_is_no_digit(twist_db: float) -> None:
    assert digits_of(pressed("159D", on_ms=80, off_ms=80, level=0.2, twist_db=twist_db)) == []


def test_quiet_digits_in_noise_are_heard() -> None:
    found = digits_of(pressed("0123#", on_ms=80, off_ms=80, level=0.1, noise=60))
    assert "".join(digit for digit, _ in found) == "0123#"


def test_one_frequency_or_three_are_no_digit() -> None:
    for frequencies in ((697,), (1336,), (697, 770, 1209), (440, 480), (350, 440), (1100,)):
        tone = (sound(frequencies, 0, 4000) * 0.6).astype(np.int16)
        assert digits_of(tone) == []


def test_a_voice_with_harmonics_is_no_digit() -> None:
    low, high = DTMF_FREQUENCIES["5"]
    plain = 0.5 * (sound((low,), 0, 4000) + sound((high,), 0, 4000).astype(float))
    rich = plain + 0.5 * 0.4 * sound((2 * low,), 0, 4000)
    rich += 0.5 * 0.1 * sound((2 * high,), 0, 4000)
    quiet = np.zeros(800)
    heard = [digits_of(np.concatenate([tone, quiet]).astype(np.int16)) for tone in (plain, rich)]
    assert [len(digits) for digits in heard] == [1, 0]


def test_too_short_is_no_digit() -> None:
    assert digits_of(pressed("5", on_ms=15, off_ms=100)) == []


@pytest.mark.skipif(not PROMPTS, reason="the prompts are not there")
def test_speech_holds_no_digits() -> None:
    seconds = 0.0
    for path in PROMPTS:
        samples = files.read(str(path), 0, files.probe(str(path)).length)
        seconds += len(samples) / files.RATE
        for level in (1.0, 0.4):
            assert digits_of((samples * level).astype(np.int16)) == [], path.name
    assert seconds > 20


def test_noise_holds_no_digits() -> None:
    noise = np.random.default_rng(2).normal(0, 3000, 8000 * 30).astype(np.int16)
    assert digits_of(noise) == []
