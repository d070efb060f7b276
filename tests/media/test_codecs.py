"""G.711 against its own definition."""

import numpy as np
import pytest

from stasisd.media import codecs


@pytest.mark.parametrize(
    ("codec", "octet", "sample"),
    [
        (codecs.PCMU, 0xFF, 0),
        (codecs.PCMU, 0x7F, 0),
        (codecs.PCMU, 0x80, 32124),
        (codecs.PCMU, 0x00, -32124),
        (codecs.PCMU, 0xFE, 8),
        (codecs.PCMA, 0xD5, 8),
        (codecs.PCMA, 0x55, -8),
        (codecs.PCMA, 0xAA, 32256),
        (codecs.PCMA, 0x2A, -32256),
    ],
)
def test_known_values(codec: int, octet: int, sample: int) -> None:
    assert codecs.decode(np.array([octet], np.uint8), codec)[0] == sample


@pytest.mark.parametrize("codec", [codecs.PCMU, codecs.PCMA])
def test_every_octet_survives(codec: int) -> None:
    octets = np.arange(256, dtype=np.uint8)
    again = codecs.encode(codecs.decode(octets, codec), codec)
    expected = octets.copy()
    if codec == codecs.PCMU:
        expected[0x7F] = 0xFF  # minus zero is zero
    assert np.array_equal(again, expected)


@pytest.mark.parametrize("codec", [codecs.PCMU, codecs.PCMA])
def test_every_sample_becomes_the_nearest_level(codec: int) -> None:
    samples = np.arange(-32768, 32768).astype(np.int16)
    levels = np.unique(codecs.decode(np.arange(256, dtype=np.uint8), codec)).astype(np.int64)
    heard = codecs.decode(codecs.encode(samples, codec), codec).astype(np.int64)
    nearest = np.abs(samples[:, None].astype(np.int64)[::64] - levels).min(axis=1)
    assert np.array_equal(np.abs(heard[::64] - samples[::64]), nearest)
