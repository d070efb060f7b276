"""Make stasisd/music/default.flac, the music on hold; the result is committed.

    python -m tests.sounds.make_music

A tune of our own: eight bars of broken chords, plucked softly, that end where they begin. Notes
that still ring at the end go on at the beginning, so that it can be played over and over.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from .make_prompts import RATE, STEP

MUSIC = Path(__file__).parents[2] / "stasisd" / "music" / "default.flac"
LEVEL = 10 ** (-24 / 20)  # RMS against full scale: below speech
BEAT_S = 0.75
CHORDS = (  # half tones from the A of 220 Hz: bass, then what is broken over it
    (-9, 3, 7, 10, 14),
    (-12, 3, 7, 12, 15),
    (-16, -4, 3, 8, 12),
    (-14, -2, 5, 10, 12),
    (-9, 3, 7, 10, 15),
    (-17, -5, 3, 7, 12),
    (-16, -4, 0, 8, 15),
    (-14, -2, 2, 10, 8),
)
ORDER = (1, 2, 3, 4, 3, 2, 4, 3)
PARTIALS = ((1, 1.0), (2, 0.35), (3, 0.12), (4, 0.05))

Samples = npt.NDArray[np.float64]


def pluck(half_tones: int, loudness: float) -> Samples:
    """A note of three seconds that dies away, high partials first."""
    time = np.arange(RATE * 3) / RATE
    pitch = 220 * 2 ** (half_tones / 12)
    note = np.zeros(len(time))
    for number, part in PARTIALS:
        decay = np.exp(-time * (1.2 + 0.9 * number))
        note += part * decay * np.sin(2 * np.pi * pitch * number * time)
    attack, release = np.minimum(1, time / 0.012), np.minimum(1, (3 - time) / 0.1)
    plucked: Samples = loudness * note * attack * release
    return plucked


def tune() -> Samples:
    """All bars, as a ring."""
    length = round(len(CHORDS) * 4 * BEAT_S * RATE)
    ring = np.zeros(length)
    for bar, chord in enumerate(CHORDS):
        notes = [(0.0, pluck(chord[0], 1.0))]
        notes += [(n / 2, pluck(chord[place], 0.6)) for n, place in enumerate(ORDER)]
        for beat, note in notes:
            start = round((bar * 4 + beat) * BEAT_S * RATE)
            ring[np.arange(start, start + len(note)) % length] += note
    return ring


def main() -> None:
    samples = tune()
    samples *= LEVEL / np.sqrt(np.mean(samples**2))
    MUSIC.parent.mkdir(exist_ok=True)
    whole = (np.rint(samples * 32768 / STEP) * STEP).astype(np.int16)
    soundfile.write(MUSIC, whole, RATE, "PCM_16", format="FLAC")


if __name__ == "__main__":
    main()
