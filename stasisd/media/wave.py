"""Recordings as files that are whole at any moment, even when the process is killed.

What is written is the sound, then the header's sizes, so a reader finds a header that never
promises more than there is. Formats: WAV with PCM or G.711 (RIFF; fact chunk for what is not
PCM), and raw G.711 or 16-bit samples.
"""

import os
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import codecs
from .commands import IfExists, RecordingFormat

RATE = 8000
_PCM, _ALAW, _MULAW = 1, 6, 7
_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_MODE = 0o640


class Coding(NamedTuple):
    """How samples become bytes; `tag` is the WAV format tag, 0 for raw files."""

    tag: int
    codec: int | None

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """The bytes of some samples."""
        if self.codec is None:
            return samples.astype("<i2", copy=False).tobytes()
        return codecs.encode(samples, self.codec).tobytes()

    @property
    def width(self) -> int:
        """Bytes of a sample."""
        return 2 if self.codec is None else 1


CODINGS: dict[RecordingFormat, Coding] = {
    "wav": Coding(_PCM, None),
    "wav_ulaw": Coding(_MULAW, codecs.PCMU),
    "wav_alaw": Coding(_ALAW, codecs.PCMA),
    "sln": Coding(0, None),
    "ulaw": Coding(0, codecs.PCMU),
    "alaw": Coding(0, codecs.PCMA),
}


class WrongFile(OSError):
    """The file that is to be appended to is not of the format asked for."""


def header(coding: Coding, size: int) -> bytes:
    """The header of a WAV file with `size` bytes of sound; nothing for raw files."""
    if not coding.tag:
        return b""
    width = coding.width
    form = _FORMAT.pack(coding.tag, 1, RATE, RATE * width, width, 8 * width)
    chunks = _CHUNK.pack(b"fmt ", len(form) + (2 if coding.tag != _PCM else 0)) + form
    if coding.tag != _PCM:
        chunks += bytes(2) + _CHUNK.pack(b"fact", 4) + struct.pack("<I", size // width)
    chunks += _CHUNK.pack(b"data", size)
    return _RIFF.pack(b"RIFF", 4 + len(chunks) + size, b"WAVE") + chunks


class WaveFile:
    """One file that grows; every method may raise OSError."""

    def __init__(self, path: str, coding: Coding, if_exists: IfExists) -> None:
        self._path = path
        self._coding = coding
        self._size = 0
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        flags |= {"fail": os.O_EXCL, "overwrite": os.O_TRUNC, "append": 0}[if_exists]
        self._fd = os.open(path, flags, _MODE)
        try:
            self._begin()
        except OSError:
            os.close(self._fd)
            raise

    def _begin(self) -> None:
        """Write the header of a new file, or find the end of the sound of an old one."""
        start, total = len(header(self._coding, 0)), os.fstat(self._fd).st_size
        if total == 0:
            os.pwrite(self._fd, header(self._coding, 0), 0)
            return
        if start:
            found = os.pread(self._fd, start, 0)
            self._size = int.from_bytes(found[-4:], "little") if len(found) == start else 0
            if found != header(self._coding, self._size) or start + self._size > total:
                raise WrongFile(f"{self._path} is no file of ours to append to")
        else:
            self._size = total

    def append(self, data: bytes) -> None:
        """Add sound, then say so in the header."""
        start = len(header(self._coding, 0))
        view = memoryview(data)
        while view:
            written = os.pwrite(self._fd, view, start + self._size)
            self._size += written
            view = view[written:]
        if start:
            os.pwrite(self._fd, header(self._coding, self._size), 0)

    def close(self) -> None:
        """End the file."""
        os.close(self._fd)

    def discard(self) -> None:
        """End the file and take it away."""
        os.close(self._fd)
        os.unlink(self._path)  # noqa: PTH108 - the call that matches os.open
