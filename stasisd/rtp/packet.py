"""RTP packets (RFC 3550, section 5.1), one at a time or a matrix of them at once.

::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P|X|  CC   |M|     PT      |       sequence number         |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                           timestamp                           |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |           synchronization source (SSRC) identifier            |
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
    |            contributing source (CSRC) identifiers             |
    |                             ....                              |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |      defined by profile       |  extension length (32 bits)   |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

import struct
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

VERSION = 2
HEADER = 12
_PLAIN = VERSION << 6  # version 2; no padding, extension or CSRC
_PADDING, _EXTENSION, _CSRC_COUNT = 0x20, 0x10, 0x0F
_FIXED = struct.Struct("!BBHII")
_EXTENSION_HEADER = struct.Struct("!HH")


class MalformedPacket(ValueError):
    """The bytes are no RTP packet of version 2, or lie about their own length."""


class Packet(msgspec.Struct, frozen=True, gc=False):
    """One RTP packet; CSRCs and extension are skipped, padding is cut off."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def parse(data: bytes) -> Packet:
    """Read one packet; raises MalformedPacket."""
    if len(data) < HEADER:
        raise MalformedPacket("shorter than the fixed header")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != VERSION:
        raise MalformedPacket("not version 2")
    start = HEADER + 4 * (first & _CSRC_COUNT)
    if first & _EXTENSION:
        if len(data) < start + 4:
            raise MalformedPacket("extension past the end")
        start += 4 + 4 * _EXTENSION_HEADER.unpack_from(data, start)[1]
    end = len(data)
    if first & _PADDING:
        if data[-1] == 0:
            raise MalformedPacket("padding of no length")
        end -= data[-1]
    if start > end:
        raise MalformedPacket("header and padding overlap")
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], second > 0x7F)


def make(packet: Packet) -> bytes:
    """Write one packet, without CSRCs, extension or padding."""
    second = packet.payload_type | packet.marker << 7
    head = _FIXED.pack(_PLAIN, second, packet.sequence, packet.timestamp, packet.ssrc)
    return head + packet.payload


class Batch(NamedTuple):
    """The headers of K packets, each field an array of length K; rows not `valid` are noise."""

    valid: NDArray[np.bool_]
    payload_type: NDArray[np.uint8]
    marker: NDArray[np.bool_]
    sequence: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    ssrc: NDArray[np.uint32]
    start: NDArray[np.int64]  # first byte of the payload
    length: NDArray[np.int64]  # bytes of payload


def parse_batch(matrix: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Batch:
    """Read K packets at once: row i of `matrix` (K x width) holds `lengths[i]` bytes.

    Bytes past a row's length are never believed, whatever an earlier packet left there.
    """
    head = np.ascontiguousarray(matrix[:, :HEADER])
    first, second = head[:, 0], head[:, 1]
    words = head[:, 4:].copy().view(">u4").astype(np.uint32)
    start = np.full(len(head), HEADER, np.int64)
    valid = (lengths >= HEADER) & (first >> 6 == VERSION)
    length = lengths - HEADER
    odd = (first != _PLAIN) & valid
    if odd.any():
        _measure(matrix, lengths, np.flatnonzero(odd), start, length)
        valid &= length >= 0
    return Batch(
        valid=valid,
        payload_type=second & np.uint8(0x7F),
        marker=second > 0x7F,
        sequence=head[:, 2:4].copy().view(">u2").astype(np.uint16)[:, 0],
        timestamp=words[:, 0],
        ssrc=words[:, 1],
        start=start,
        length=length,
    )


def _measure(
    matrix: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    rows: NDArray[np.int64],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
) -> None:
    """Find start and length of the payload of `rows`; a negative length marks a lie."""
    first, total = matrix[rows, 0], lengths[rows]
    begin = HEADER + 4 * (first & _CSRC_COUNT).astype(np.int64)
    extended = first & _EXTENSION != 0
    fits = total >= begin + 4
    at = np.where(extended & fits, begin, 0)
    words = matrix[rows, at + 2].astype(np.int64) << 8 | matrix[rows, at + 3]
    begin += np.where(extended, np.where(fits, 4 + 4 * words, total + 4), 0)
    padded = first & _PADDING != 0
    padding = matrix[rows, total - 1].astype(np.int64)
    end = total - np.where(padded, np.where(padding > 0, padding, total), 0)
    start[rows] = begin
    length[rows] = end - begin


def wire_dtype(payload: int) -> np.dtype[np.void]:
    """The layout of a packet with a plain header and `payload` bytes: a row of a TX matrix."""
    return np.dtype(
        [
            ("first", "u1"),
            ("second", "u1"),
            ("sequence", ">u2"),
            ("timestamp", ">u4"),
            ("ssrc", ">u4"),
            ("payload", "u1", (payload,)),
        ]
    )


def make_batch(
    packets: NDArray[np.void],
    rows: NDArray[np.int64],
    *,
    second: NDArray[np.uint8],
    sequence: NDArray[np.uint16],
    timestamp: NDArray[np.uint32],
    ssrc: NDArray[np.uint32],
) -> None:
    """Write the headers of `rows` of a TX matrix made with `wire_dtype`.

    `second` is the marker bit and the payload type; all arrays are as long as `rows`.
    """
    packets["first"][rows] = _PLAIN
    packets["second"][rows] = second
    packets["sequence"][rows] = sequence
    packets["timestamp"][rows] = timestamp
    packets["ssrc"][rows] = ssrc
