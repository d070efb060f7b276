"""G.711 by tables (ITU-T G.711): every byte's sample, and every sample's byte."""

import numpy as np
from numpy.typing import NDArray

PCMU, PCMA = 0, 1
L16, L16_16 = 2, 3  # not by tables: see linear.py
NUMBERS = {"PCMU": PCMU, "PCMA": PCMA, "L16": L16, "L16/16000": L16_16}

Samples = NDArray[np.int16]
Octets = NDArray[np.uint8]


def _expand_mu() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = ((mantissa << 3) + 0x84 << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _expand_a() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    linear = (mantissa << 4) + 8
    magnitude = np.where(exponent > 0, linear + 0x100 << np.maximum(exponent - 1, 0), linear)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _compress(expanded: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The byte of the nearest level, for every sample seen as uint16."""
    levels, codes = np.unique(expanded[::-1], return_index=True)  # +0 of mu-law, not -0
    middles = (levels[1:].astype(np.int32) + levels[:-1]) / 2
    samples = np.arange(65536, dtype=np.uint16).view(np.int16)
    nearest = np.searchsorted(middles, samples)
    return (255 - codes[nearest]).astype(np.uint8)


# DECODE[codec * 256 + octet] is a sample; ENCODE[codec][sample as uint16] is an octet.
DECODE = np.concatenate([_expand_mu(), _expand_a()])
ENCODE = tuple(_compress(DECODE[codec * 256 : codec * 256 + 256]) for codec in (PCMU, PCMA))


def decode(octets: Octets, codec: int) -> Samples:
    """Octets of one codec as samples, of the same shape."""
    return DECODE[octets.astype(np.intp) + codec * 256]


def encode(samples: Samples, codec: int) -> Octets:
    """Samples as octets of one codec, of the same shape."""
    octets: Octets = np.take(ENCODE[codec], samples.view(np.uint16))
    return octets
