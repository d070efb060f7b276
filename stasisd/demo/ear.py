"""Recognising what is heard: where in a known sound it lies, whether it is a tone, or silence."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import trio
from msgspec import Struct
from numpy.typing import NDArray

from .call import Call
from .hearing import RATE, Samples
from .stream import StreamOver

# How long we wait for a sound, and how much of it we must hear to be sure, in seconds.
PATIENCE = 10.0
WINDOW = 0.6
HOP = 0.2
# How much like a part of a known sound something must be, from 0 to 1.
ALIKE = 0.8
# Peaks of silence: codecs and machines are never as loud.
QUIET = 100
# A sound whose place against the clock changed by more than this did not just go on.
_JUMP = 0.4
BEEP_HZ = 1000
_BEEP_WINDOW = 0.1
_BEEP_HOP = 0.04


class NotHeard(Exception):
    """The caller waited in vain; the message says what for."""


class Match(Struct, frozen=True):
    """Where in a sound a piece of it ends, in seconds, and how alike it is, from 0 to 1."""

    end: float
    likeness: float


class Place(Struct, frozen=True):
    """What is heard now: ``position`` in the sound, and its ``lead`` before the clock of the call.

    The lead stays the same for as long as the sound just goes on. Both are seconds.
    """

    position: float
    lead: float


class Sound:
    """A known sound, prepared to be searched."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self._size = 1 << max(len(samples) - 1, 1).bit_length()
        self._spectrum = np.fft.rfft(samples.astype(np.float32), self._size)
        self._energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])

    def find(self, piece: Samples) -> Match | None:
        """The best match by normalised correlation; None where there is nothing to compare."""
        count = len(piece)
        own = float(np.sum(piece.astype(np.float64) ** 2))
        if count > len(self.samples) or own <= count * QUIET**2:
            return None
        spectrum = np.fft.rfft(piece.astype(np.float32), self._size)
        places = len(self.samples) - count + 1
        products = np.fft.irfft(self._spectrum * np.conj(spectrum), self._size)[:places]
        energies = self._energy[count:] - self._energy[:-count]
        likeness: NDArray[np.float64] = products / np.sqrt(own * np.maximum(energies, own / 20))
        best = int(np.argmax(likeness))
        return Match((best + count) / RATE, float(likeness[best]))


def is_silent(samples: Samples) -> bool:
    """Whether nothing can be heard."""
    return int(np.abs(samples.astype(np.int32)).max(initial=0)) <= QUIET


def is_tone(samples: Samples, hertz: int) -> bool:
    """Whether nearly all that can be heard is one tone."""
    if is_silent(samples):
        return False
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    around = hertz * len(samples) // RATE
    return bool(power[around - 2 : around + 3].sum() > 0.9 * power.sum())


class Ear:
    """The caller's ear: waits until something known is heard in a call.

    All that waits raises NotHeard when it waits too long, or when the call ends meanwhile.
    """

    def __init__(self, call: Call, sounds: Mapping[str, Sound]) -> None:
        self._call = call
        self._sounds = sounds

    async def wait_for(self, name: str, *, beyond: float = 0.0) -> Place:
        """Wait until a sound is heard, ``beyond`` seconds into it or further."""
        with _patience(f"{name}, {beyond:.1f} s into it" if beyond else name):
            while True:
                place = await self._hear(name)
                if place is not None and place.position >= beyond:
                    return place

    async def wait_moved(self, name: str, before: Place) -> Place:
        """Wait until a sound is heard elsewhere than if it had just gone on."""
        with _patience(f"another part of {name}"):
            while True:
                place = await self._hear(name)
                if place is not None and abs(place.lead - before.lead) > _JUMP:
                    return place

    async def wait_silence(self, seconds: float) -> None:
        """Wait until it has been silent for so long."""
        with _patience("silence"):
            await self._call.listen(seconds)
            while not is_silent(self._latest(seconds)):
                await self._call.listen(HOP)

    async def wait_beep(self) -> None:
        """Wait for the end of a beep."""
        with _patience("a beep"):
            for wanted in (True, False):
                while is_tone(self._latest(_BEEP_WINDOW), BEEP_HZ) is not wanted:
                    await self._call.listen(_BEEP_HOP)

    async def _hear(self, name: str) -> Place | None:
        """Listen a little, and find the place of what was heard last."""
        await self._call.listen(HOP)
        heard = self._call.heard
        match = self._sounds[name].find(heard[-round(WINDOW * RATE) :])
        if match is None or match.likeness < ALIKE:
            return None
        return Place(match.end, match.end - len(heard) / RATE)

    def _latest(self, seconds: float) -> Samples:
        return self._call.heard[-round(seconds * RATE) :]


@contextmanager
def _patience(what: str) -> Iterator[None]:
    try:
        with trio.fail_after(PATIENCE):
            yield
    except trio.TooSlowError:
        raise NotHeard(f"{what} was not heard within {PATIENCE:.0f} seconds") from None
    except StreamOver:
        raise NotHeard(f"the call ended before {what} was heard") from None
