"""Audio files as 8 kHz mono, any second of them at a time.

Each block is decoded on its own (seek, read, resample with the neighbourhood that the filter
needs), so nothing stays open between blocks and skipping costs no more than going on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from math import gcd
from pathlib import Path
from stat import S_ISREG

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000
_LONGEST = 24 * 3600 * RATE
_MOST_CHANNELS = 16
_MOST_PHASES = 2000  # of the filter: 44056 Hz has 1000
_TAPS = 24  # zero crossings of the filter on each side
# Headerless formats, known by their extension: (subtype, rate).
_RAW = {
    ".ulaw": ("ULAW", 8000),
    ".ul": ("ULAW", 8000),
    ".pcm": ("ULAW", 8000),
    ".alaw": ("ALAW", 8000),
    ".al": ("ALAW", 8000),
    ".sln": ("PCM_16", 8000),
    ".slin": ("PCM_16", 8000),
    ".sln16": ("PCM_16", 16000),
    ".slin16": ("PCM_16", 16000),
    ".gsm": ("GSM610", 8000),
}


class Unreadable(Exception):
    """The file is not there, or holds no audio that we know."""


class Key(msgspec.Struct, frozen=True, gc=False):
    """By which a file is known to be the same as before."""

    modified_ns: int
    size: int
    inode: int


class Info(msgspec.Struct, frozen=True, gc=False):
    """A file and its length in samples of 8 kHz."""

    key: Key
    length: int


def probe(path: str) -> Info:
    """Look at a file; raises Unreadable."""
    key = key_of(path)
    with _opened(path) as file:
        length = -(-file.frames * RATE // file.samplerate)
    if length > _LONGEST:
        raise Unreadable(f"{path}: longer than a day")
    return Info(key, length)


def key_of(path: str) -> Key:
    """The file's key; raises Unreadable, also for what is no regular file and might block."""
    try:
        stat = Path(path).stat()
    except (OSError, ValueError) as error:
        raise Unreadable(_reason(path, error)) from error
    if not S_ISREG(stat.st_mode):
        raise Unreadable(f"{path}: not a file")
    return Key(stat.st_mtime_ns, stat.st_size, stat.st_ino)


def read(path: str, start: int, count: int) -> NDArray[np.int16]:
    """`count` samples of 8 kHz from sample `start`; short at the end of the file.

    Raises Unreadable.
    """
    with _opened(path) as file:
        if file.samplerate == RATE:
            return _mono(_read(file, start, count))
        return _resampled(file, start, count)


@contextmanager
def _opened(path: str) -> Iterator[soundfile.SoundFile]:
    """A file with sane numbers; whatever goes wrong with it is Unreadable."""
    try:
        with _open(path) as file:
            up, down = _ratio(file.samplerate)
            if file.channels > _MOST_CHANNELS or max(up, down) > _MOST_PHASES:
                raise Unreadable(f"{path}: {file.channels} channels at {file.samplerate} Hz")
            yield file
    except (OSError, ValueError, RuntimeError, MemoryError) as error:  # soundfile's own among them
        raise Unreadable(_reason(path, error)) from error


def _ratio(rate: int) -> tuple[int, int]:
    """How many samples of 8 kHz there are for how many of the file."""
    divisor = gcd(RATE, rate)
    return RATE // divisor, rate // divisor


def _reason(path: str, error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return said if path in said else f"{path}: {said}"


def _open(path: str) -> soundfile.SoundFile:
    raw = _RAW.get(Path(path).suffix.lower())
    if raw is None:
        return soundfile.SoundFile(path)
    subtype, rate = raw
    endian = "LITTLE" if subtype == "PCM_16" else "FILE"
    return soundfile.SoundFile(path, "r", rate, 1, subtype, endian, "RAW")


def _read(file: soundfile.SoundFile, start: int, count: int) -> NDArray[np.int16]:
    if start >= file.frames:
        return np.zeros((0, 1), np.int16)
    if file.seekable():
        file.seek(start)
    else:  # raw GSM: decode up to there
        file.read(start, dtype="int16")
    frames: NDArray[np.int16] = file.read(count, dtype="int16", always_2d=True)
    return frames


def _mono(frames: NDArray[np.int16]) -> NDArray[np.int16]:
    mono: NDArray[np.int16] = np.rint(frames.mean(axis=1)).astype(np.int16)
    return mono if frames.shape[1] > 1 else frames[:, 0]


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> NDArray[np.float32]:
    """A windowed sinc for each of the `up` phases between two input samples."""
    cutoff = min(1.0, up / down) * 0.94
    half = int(np.ceil(_TAPS / cutoff))
    offsets = np.arange(-half + 1, half + 1) - (np.arange(up) / up)[:, None]
    window = np.cos(np.pi / 2 * np.clip(offsets / half, -1, 1)) ** 2
    taps = cutoff * np.sinc(cutoff * offsets) * window
    bank: NDArray[np.float32] = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return bank


def _resampled(file: soundfile.SoundFile, start: int, count: int) -> NDArray[np.int16]:
    """Output n lies at input n * down / up, between two samples in one of `up` phases."""
    up, down = _ratio(file.samplerate)
    total = -(-file.frames * RATE // file.samplerate)
    count = max(0, min(count, total - start))
    if not count:
        return np.zeros(0, np.int16)
    bank = _filters(up, down)
    half = bank.shape[1] // 2
    steps = (start + np.arange(count)) * down
    first = int(steps[0] // up) - half + 1
    span = int(steps[-1] // up) + half + 1 - first
    heard = _mono(_read(file, max(0, first), span + min(0, first)))
    source = np.zeros(span, np.float32)
    lead = max(0, -first)
    source[lead : lead + len(heard)] = heard
    windows = np.lib.stride_tricks.sliding_window_view(source, 2 * half)
    starts, phases = steps // up - half + 1 - first, steps % up
    out = np.empty(count, np.float32)
    for at in range(0, count, 1000):
        part = slice(at, at + 1000)
        out[part] = np.einsum("nt,nt->n", windows[starts[part]], bank[phases[part]])
    return np.rint(np.clip(out, -32768, 32767)).astype(np.int16)
