"""Speech to say into a phone, and how alike two sounds are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000
PROMPTS = Path(__file__).parents[2] / "stasisd" / "sounds" / "en"
# Too short to be told from each other.
TOO_SHORT = RATE // 2

Samples = NDArray[np.float64]


def read(path: Path) -> Samples:
    """A file of sound at 8000 Hz."""
    samples, rate = soundfile.read(path)
    assert rate == RATE
    found: Samples = samples
    return found


def say(path: Path, seconds: int, names: str = "vm-*") -> Path:
    """Write a WAV file of our prompts one after the other: nothing in it is said twice."""
    parts = [read(prompt) for prompt in sorted(PROMPTS.glob(f"{names}.flac"))]
    said = np.concatenate([part for part in parts if len(part) > TOO_SHORT])
    assert len(said) >= seconds * RATE
    soundfile.write(path, said[: seconds * RATE], RATE, "PCM_16")
    return path


def likeness(part: Samples, whole: Samples) -> float:
    """The normalised correlation of ``part`` with the place in ``whole`` that it fits best."""
    size = 1 << (len(part) + len(whole)).bit_length()
    products = np.fft.irfft(np.fft.rfft(whole, size) * np.fft.rfft(part, size).conj(), size)
    energy = np.concatenate([[0.0], np.cumsum(whole**2)])
    places = len(whole) - len(part) + 1
    window = energy[len(part) :] - energy[:places]
    norm = np.sqrt(np.maximum(window, window.max() / 1000) * np.sum(part**2))
    return float((products[:places] / norm).max())
