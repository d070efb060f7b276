"""AudioSocket's framing: what each piece of a TCP stream is. Sans-IO.

A frame is a byte of kind, the length of its content as 16 bits in network order, and the content:

     0        1        2        3 ...
    +--------+--------+--------+---------
    |  kind  |     length      | content
    +--------+--------+--------+---------
"""

import struct
from typing import NamedTuple

HANGUP, IDENTITY, DIGIT = 0x00, 0x01, 0x03
AUDIO, AUDIO_16 = 0x10, 0x12  # 16-bit samples, little-endian, mono: at 8 kHz, at 16 kHz
FAILURE = 0xFF
LONGEST = 0xFFFF
_HEAD = struct.Struct("!BH")


class Frame(NamedTuple):
    """One frame; kinds that we don't know are for the reader to skip."""

    kind: int
    content: bytes


def make(kind: int, content: bytes = b"") -> bytes:
    """Write one frame; raises struct.error for more than 65535 bytes."""
    return _HEAD.pack(kind, len(content)) + content


class Parser:
    """Puts frames together again, however the stream was cut."""

    def __init__(self) -> None:
        self._rest = b""

    def receive(self, data: bytes) -> list[Frame]:
        """The frames that are whole now; at most one frame is kept back."""
        data, frames, at = self._rest + data, [], 0
        while at + _HEAD.size <= len(data):
            kind, length = _HEAD.unpack_from(data, at)
            end = at + _HEAD.size + length
            if end > len(data):
                break
            frames.append(Frame(kind, data[at + _HEAD.size : end]))
            at = end
        self._rest = data[at:]
        return frames
