"""RFC 3550, section 5.1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.rtp.packet import (
    HEADER,
    MalformedPacket,
    Packet,
    make,
    make_batch,
    parse,
    parse_batch,
    wire_dtype,
)

packets = st.builds(
    Packet,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=200),
    marker=st.booleans(),
)
# Bytes that often look like a header, with all flags and lengths in play.
datagrams = st.one_of(
    st.binary(max_size=80),
    st.builds(lambda first, rest: bytes([0x80 | first]) + rest, st.integers(0, 63), st.binary()),
)


@given(packets)
def test_what_is_made_is_read(packet: Packet) -> None:
    assert parse(make(packet)) == packet


def test_csrc_extension_and_padding_are_stepped_over() -> None:
    head = make(Packet(8, 5, 6, 7, b"", marker=True))
    csrc, extension = bytes(8), b"\xbe\xde\x00\x01abcd"
    data = bytes([0x80 | 0x20 | 0x10 | 2]) + head[1:] + csrc + extension + b"sound" + b"\0\0\3"
    assert parse(data) == Packet(8, 5, 6, 7, b"sound", marker=True)


@pytest.mark.parametrize(
    ("data", "blame"),
    [
        (bytes(11), "shorter"),
        (bytes(12), "version"),
        (bytes([0x90]) + bytes(13), "extension"),
        (bytes([0xA0]) + bytes(13), "padding of no length"),
        (bytes([0xA0]) + bytes(12) + b"\x09", "overlap"),
        (bytes([0x8F]) + bytes(20), "overlap"),
        (bytes([0x90]) + bytes(13) + b"\xff\xff", "overlap"),
    ],
)
def test_lies_are_refused(data: bytes, blame: str) -> None:
    with pytest.raises(MalformedPacket, match=blame):
        parse(data)


@settings(max_examples=300)
@given(st.lists(datagrams, min_size=1, max_size=8), st.binary(min_size=64, max_size=64))
def test_a_batch_reads_what_one_by_one_reads(given_: list[bytes], rubbish: bytes) -> None:
    given_ = [data[:300] for data in given_]
    matrix = np.frombuffer((rubbish * 5) * len(given_), np.uint8).reshape(len(given_), -1).copy()
    lengths = np.array([len(data) for data in given_])
    for row, data in enumerate(given_):
        matrix[row, : len(data)] = np.frombuffer(data, np.uint8)
    batch = parse_batch(matrix, lengths)
    for row, data in enumerate(given_):
        try:
            one = parse(data)
        except MalformedPacket:
            assert not batch.valid[row]
            continue
        assert batch.valid[row]
        start, length = int(batch.start[row]), int(batch.length[row])
        assert matrix[row, start : start + length].tobytes() == one.payload
        assert (batch.payload_type[row], batch.marker[row]) == (one.payload_type, one.marker)
        assert batch.sequence[row] == one.sequence
        assert (batch.timestamp[row], batch.ssrc[row]) == (one.timestamp, one.ssrc)


def test_a_batch_is_written_as_one_by_one() -> None:
    matrix = np.zeros(4, wire_dtype(160))
    rows = np.array([3, 1])
    matrix["payload"][rows] = 7
    make_batch(
        matrix,
        rows,
        second=np.array([0x80, 8], np.uint8),
        sequence=np.array([65535, 2], np.uint16),
        timestamp=np.array([1 << 31, 4], np.uint32),
        ssrc=np.array([5, 6], np.uint32),
    )
    assert matrix[3].tobytes() == make(Packet(0, 65535, 1 << 31, 5, b"\7" * 160, marker=True))
    assert matrix[1].tobytes() == make(Packet(8, 2, 4, 6, b"\7" * 160))
    assert matrix[0].tobytes() == bytes(HEADER + 160)
