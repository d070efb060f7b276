"""Decoded audio, shared by all who play it, in an arena of fixed size.

The arena is one array of blocks of a second; a port that plays needs only a position in it, so
that one gather fills the frames of all ports. Blocks of files are read ahead by the disk thread,
and given up in the order of their last use, but never while a port may still be inside.
"""

from collections import OrderedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import files
from .disk import Disk

BLOCK = files.RATE  # samples
BLOCKS = 3072  # 48 MiB when all are in use
AHEAD = 3  # blocks wanted beyond the one that is played
WHOLE = 8  # blocks of a file that is read at once
IN_USE_S = 2.5  # a port is inside a block for a second at most
_AMPLITUDE = 8192  # of one frequency: -9 dBm0
_ABSENT = -1


class OpenAudio:
    """Looks at a file, unless it is still as `known`."""

    def __init__(self, path: str, known: files.Key | None) -> None:
        self.path = path
        self._known = known
        self.info: files.Info | None = None
        self.error: str | None = None

    def run(self) -> None:
        """Leave `info` (None: as known) or `error`."""
        try:
            if self._known is None or files.key_of(self.path) != self._known:
                self.info = files.probe(self.path)
        except files.Unreadable as error:
            self.error = str(error)


class Audio:
    """A file, or a tone of a second, of which some blocks are in the arena."""

    def __init__(self, path: str, key: files.Key | None, length: int) -> None:
        self.path = path
        self.key = key
        self.length = length
        self.blocks = [_ABSENT] * -(-length // BLOCK)
        self.reading: set[int] = set()
        self.error: str | None = None


class ReadAudio:
    """Reads blocks of a file to where they belong in the arena."""

    def __init__(
        self, audio: Audio, first: int, places: list[int], room: NDArray[np.int16]
    ) -> None:
        self.audio = audio
        self.first = first
        self.places = places
        self._room = room  # the whole arena, as blocks x samples
        self.error: str | None = None

    def run(self) -> None:
        """Fill the blocks, with silence where the file is shorter than it said."""
        count = len(self.places) * BLOCK
        try:
            samples = files.read(self.audio.path, self.first * BLOCK, count)
        except files.Unreadable as error:
            self.error = str(error)
            return
        whole = np.zeros(count, np.int16)
        whole[: len(samples)] = samples
        self._room[self.places] = whole.reshape(-1, BLOCK)


class Run(msgspec.Struct, frozen=True, gc=False):
    """Samples that lie together: `at` in the arena, `count` of them."""

    at: int
    count: int


class Library:
    """Files and tones by name; all of it belongs to the tick but the disk's jobs."""

    def __init__(self, disk: Disk, frame: int, blocks: int = BLOCKS) -> None:
        self._disk = disk
        self.samples = np.zeros(blocks * BLOCK, np.int16)
        self.frames = np.lib.stride_tricks.sliding_window_view(self.samples, frame)
        self._room = self.samples.reshape(blocks, BLOCK)
        self._free = list(range(blocks - 1, -1, -1))
        self._blocks = blocks
        self._used: OrderedDict[tuple[int, int], tuple[Audio, float]] = OrderedDict()
        self._files: dict[str, Audio] = {}
        self._tones: dict[tuple[int, ...], Audio] = {}
        self._opening: set[str] = set()
        self.now = 0.0

    @property
    def audio_bytes(self) -> int:
        """How much of the arena is taken."""
        return (self._blocks - len(self._free)) * BLOCK * 2

    def open(self, path: str) -> None:
        """Have a file looked at; `opened` tells by its path."""
        if path not in self._opening:
            self._opening.add(path)
            known = self._files.get(path)
            self._disk.submit(OpenAudio(path, known.key if known is not None else None))

    def opened(self) -> list[tuple[str, Audio | str]]:
        """Files that were looked at since the last call: the audio, or why it can't be read."""
        found: list[tuple[str, Audio | str]] = []
        for job in self._disk.completed():
            if isinstance(job, OpenAudio):
                self._opening.discard(job.path)
                found.append((job.path, self._enter(job)))
            elif isinstance(job, ReadAudio):
                self._place(job)
        return found

    def _enter(self, job: OpenAudio) -> Audio | str:
        if job.error is not None:
            return job.error
        if job.info is not None:
            self._files[job.path] = Audio(job.path, job.info.key, job.info.length)
        known = self._files.get(job.path)
        return known if known is not None else f"{job.path}: changed while it was opened"

    def _place(self, job: ReadAudio) -> None:
        audio = job.audio
        for number, place in enumerate(job.places, job.first):
            audio.reading.discard(number)
            if job.error is None:
                audio.blocks[number] = place
                self._used[id(audio), number] = (audio, self.now)
            else:
                audio.error = job.error
                self._free.append(place)
        if job.error is not None:
            self._forget(audio)  # who asks again has it looked at again

    def tone(self, frequencies: tuple[int, ...]) -> Audio:
        """A second of these frequencies together, which can follow itself without a seam."""
        audio = self._tones.get(frequencies)
        if audio is None:
            audio = self._tones[frequencies] = Audio("", None, BLOCK)
        if audio.blocks[0] == _ABSENT and (place := self._take()) is not None:
            self._room[place] = sound(frequencies, 0, BLOCK)
            audio.blocks[0] = place
        return audio

    def run(self, audio: Audio, at: int) -> Run | None:
        """What lies together from sample `at` on; None while it is being read."""
        number, inside = divmod(at, BLOCK)
        if audio.path and audio.error is None:
            self._read_ahead(audio, number)
        if audio.blocks[number] == _ABSENT:
            return None
        self._used[id(audio), number] = (audio, self.now)
        self._used.move_to_end((id(audio), number))
        count = min(BLOCK, audio.length - number * BLOCK) - inside
        return Run(audio.blocks[number] * BLOCK + inside, count)

    def _read_ahead(self, audio: Audio, number: int) -> None:
        ahead = WHOLE if len(audio.blocks) <= WHOLE else AHEAD
        wanted = [
            n
            for n in range(number, min(number + ahead + 1, len(audio.blocks)))
            if audio.blocks[n] == _ABSENT and n not in audio.reading
        ]
        if not wanted:
            return
        at_end = wanted[-1] == len(audio.blocks) - 1
        if wanted[0] == number or len(wanted) == ahead or at_end:
            self._request(audio, wanted[0], wanted[-1] + 1)

    def _request(self, audio: Audio, first: int, end: int) -> None:
        places = []
        for number in range(first, end):
            absent = audio.blocks[number] == _ABSENT and number not in audio.reading
            place = self._take() if absent else None
            if place is None:
                break
            places.append(place)
            audio.reading.add(number)
        if places:
            self._disk.submit(ReadAudio(audio, first, places, self._room))

    def _take(self) -> int | None:
        """A free block, or the one that was not used for longest."""
        if self._free:
            return self._free.pop()
        if not self._used:
            return None  # all are being read
        (ident, number), (audio, used) = next(iter(self._used.items()))
        if self.now - used < IN_USE_S:
            return None
        del self._used[ident, number]
        place = audio.blocks[number]
        audio.blocks[number] = _ABSENT
        if all(block == _ABSENT for block in audio.blocks):
            self._forget(audio)
        return place

    def _forget(self, audio: Audio) -> None:
        if self._files.get(audio.path) is audio:
            del self._files[audio.path]
        for frequencies in [key for key, tone in self._tones.items() if tone is audio]:
            del self._tones[frequencies]


def sound(frequencies: tuple[int, ...], start: int, count: int) -> NDArray[np.int16]:
    """`count` samples, from sample `start` on, of sines that began at sample 0."""
    turns = 2 * np.pi / files.RATE * np.arange(start, start + count)
    total = np.zeros(count)
    for frequency in frequencies:
        total += _AMPLITUDE * np.sin(turns * frequency)
    return np.rint(np.clip(total, -32768, 32767)).astype(np.int16)
