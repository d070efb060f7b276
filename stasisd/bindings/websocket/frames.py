"""RFC 6455 section 5.2 frames, as a server sends them: whole messages, no mask, no extension."""

from __future__ import annotations

from collections.abc import Iterable

# FIN is set in all: nothing that we send is fragmented.
_TEXT = 0x81
PING = bytes((0x89, 0))


def text_frame(payload: bytes) -> bytes:
    """Frame one text message, given in UTF-8."""
    length = len(payload)
    if length < 126:
        return bytes((_TEXT, length)) + payload
    if length < 0x10000:
        return bytes((_TEXT, 126)) + length.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + length.to_bytes(8, "big") + payload


def text_frames(payloads: Iterable[bytes]) -> bytes:
    """Frame a backlog of text messages for one send."""
    return b"".join(map(text_frame, payloads))
