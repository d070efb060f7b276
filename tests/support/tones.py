"""Tones as a program makes and hears them: 16-bit samples, little-endian, at 8 kHz."""

import numpy as np

RATE = 8000


def tone(hertz: int, seconds: float = 1.0) -> bytes:
    """A tone of full frames."""
    time = np.arange(int(RATE * seconds)) / RATE
    return (8000 * np.sin(2 * np.pi * hertz * time)).astype("<i2").tobytes()


def pitches(sound: bytes) -> set[int]:
    """The tones in a sound, to 50 Hz: those that make a tenth of it at least."""
    samples = np.frombuffer(sound[: len(sound) // 2 * 2], "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    bands = np.rint(frequencies / 50).astype(int)
    power = np.bincount(bands, spectrum)
    return {int(band) * 50 for band in np.flatnonzero(power > 0.1 * max(power.sum(), 1.0))}
