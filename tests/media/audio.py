"""Sounds for tests, and their files."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from stasisd.media import codecs

Samples = NDArray[np.int16]


def speech(count: int, seed: int = 7) -> Samples:
    """Something that correlates with nothing but itself, and is never quite silent."""
    draw = np.random.default_rng(seed)
    noise = np.convolve(draw.normal(0, 1, count + 8), np.ones(8) / 8, "valid")[:count]
    loudness = 0.6 + 0.4 * np.sin(np.arange(count) / 900)
    samples = np.clip(noise * loudness * 9000, -30000, 30000).astype(np.int16)
    return np.where(samples == 0, 1, samples).astype(np.int16)


def write_wav(path: Path, samples: Samples, rate: int = 8000) -> str:
    soundfile.write(path, samples, rate, "PCM_16")
    return str(path)


def read_wav(path: Path) -> Samples:
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    heard: Samples = samples
    return heard


def octets(samples: Samples, codec: int = codecs.PCMU) -> bytes:
    return codecs.encode(samples, codec).tobytes()
