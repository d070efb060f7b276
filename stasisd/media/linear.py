"""Uncompressed samples on the wire, at 8 or 16 kHz, to and from what ports have (8 kHz).

Sampling rates are halved and doubled by a half-band filter (a windowed sinc) that keeps what is
below 3.4 kHz and delays by a millisecond. It remembers the end of the last piece, so that pieces
join without a seam.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .codecs import Samples

Order = Literal["<", ">"]  # little-endian as files and AudioSocket, big-endian as RTP
_REACH = 31  # taps on each side of the middle, at 16 kHz


def _half_band() -> NDArray[np.float32]:
    place = np.arange(-_REACH, _REACH + 1)
    taps = np.sinc(place / 2) * np.kaiser(len(place), 6)
    scaled: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return scaled


_TAPS = _half_band()


def _whole(samples: NDArray[np.float32]) -> Samples:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


class Halver:
    """16 kHz to 8 kHz."""

    def __init__(self) -> None:
        self._past = np.zeros(2 * _REACH, np.float32)

    def halve(self, samples: Samples) -> Samples:
        """The next piece; one sample may wait for the piece after it."""
        span = np.concatenate([self._past, samples.astype(np.float32)])
        count = (len(span) - 2 * _REACH) // 2
        self._past = span[2 * count :]
        if not count:
            return np.zeros(0, np.int16)
        return _whole(np.convolve(span[: 2 * (_REACH + count)], _TAPS, "valid")[::2])


class Doubler:
    """8 kHz to 16 kHz."""

    def __init__(self) -> None:
        self._past = np.zeros(_REACH, np.float32)

    def double(self, samples: Samples) -> Samples:
        """The next piece, twice as many samples."""
        span = np.concatenate([self._past, samples.astype(np.float32)])
        self._past = span[len(samples) :]
        apart = np.zeros(2 * len(span), np.float32)
        apart[::2] = span
        return _whole(np.convolve(apart, 2 * _TAPS, "valid")[: 2 * len(samples)])


class Linear:
    """Both directions of one stream of 16-bit samples."""

    def __init__(self, rate: int, order: Order) -> None:
        """`rate` is 8000 or 16000."""
        self.rate = rate
        self._type = np.dtype(np.int16).newbyteorder(order)
        self._halver, self._doubler = Halver(), Doubler()

    def decode(self, octets: bytes) -> Samples:
        """Octets (an even number) as samples of 8 kHz."""
        samples = np.frombuffer(octets, self._type).astype(np.int16)
        return samples if self.rate == 8000 else self._halver.halve(samples)

    def encode(self, samples: Samples) -> bytes:
        """Samples of 8 kHz as octets."""
        if self.rate != 8000:
            samples = self._doubler.double(samples)
        return samples.astype(self._type).tobytes()
