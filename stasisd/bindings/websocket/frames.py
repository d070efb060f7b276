"""RFC 6455 frames at the server's end, sans-IO: what is sent as whole messages, what comes read.

No extension is ever agreed on, and nothing that we send is fragmented. A client's frames are masked
and may be pieces; `FrameReader` puts messages together, within a bound, and names what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

# FIN is set in all that we send.
_FIN = 0x80
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_OPCODES = {_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG}
_CONTROL_LIMIT = 125  # bytes of a control frame's payload (section 5.5)
PING = bytes((_FIN | _PING, 0))

# Close codes of section 7.4.1 that we use, and those that a peer may send.
NORMAL, GOING_AWAY, PROTOCOL_ERROR = 1000, 1001, 1002
NOT_CONSISTENT, POLICY, TOO_BIG, INTERNAL_ERROR = 1007, 1008, 1009, 1011
_NO_STATUS = 1005
_DEFINED = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


class Ping(msgspec.Struct, frozen=True):
    """The peer wants to hear this back in a pong."""

    payload: bytes


class Pong(msgspec.Struct, frozen=True):
    """The peer is there."""


class Closed(msgspec.Struct, frozen=True):
    """The peer's close frame; the code is 1005 where it gave none."""

    code: int
    reason: str = ""


Incoming = str | bytes | Ping | Pong | Closed


class FrameError(Exception):
    """The peer broke the protocol: the code and the words that it is closed with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def text_frame(payload: bytes) -> bytes:
    """Frame one text message, given in UTF-8."""
    return _frame(_FIN | _TEXT, payload)


def binary_frame(payload: bytes) -> bytes:
    """Frame one binary message."""
    return _frame(_FIN | _BINARY, payload)


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 0x10000:
        return bytes((first, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload


def text_frames(payloads: Iterable[bytes]) -> bytes:
    """Frame a backlog of text messages for one send."""
    return b"".join(map(text_frame, payloads))


def pong_frame(payload: bytes) -> bytes:
    """Answer a ping."""
    return bytes((_FIN | _PONG, len(payload))) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """End the connection, or answer the peer's end; 1005 means without a code."""
    payload = b""
    if code != _NO_STATUS:
        payload = code.to_bytes(2, "big") + _shortened(reason, _CONTROL_LIMIT - 2)
    return bytes((_FIN | _CLOSE, len(payload))) + payload


def _shortened(text: str, limit: int) -> bytes:
    return text.encode()[:limit].decode(errors="ignore").encode()


class FrameReader:
    """Takes bytes as they come, gives what they say."""

    def __init__(self, max_message: int) -> None:
        """``max_message`` bounds the bytes of one message."""
        self._limit = max_message
        self._buffer = bytearray()
        self._opcode = _CONTINUATION  # of the message that is being put together
        self._pieces = bytearray()

    def receive(self, data: bytes) -> list[Incoming]:
        """Take bytes; returns what is whole now, in order.

        Raises `FrameError`; what came before the mistake is lost with it.
        """
        self._buffer += data
        found: list[Incoming] = []
        start = 0
        while (frame := self._next(start)) is not None:
            opcode, payload, start = frame
            said = self._take(opcode, payload)
            if said is not None:
                found.append(said)
        del self._buffer[:start]
        return found

    def _next(self, start: int) -> tuple[int, bytes, int] | None:
        """The first byte, the payload and the end of the frame at ``start``, once it is whole."""
        buffer = self._buffer
        if len(buffer) < start + 2:
            return None
        first, length = buffer[start], buffer[start + 1]
        self._check_head(first, length)
        head = start + 2
        length &= 0x7F
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(buffer) < head + size:
                return None
            length = int.from_bytes(buffer[head : head + size], "big")
            head += size
        if length + len(self._pieces) > self._limit and not first & 0x8:
            raise FrameError(TOO_BIG, f"a message has at most {self._limit} bytes")
        end = head + 4 + length
        if len(buffer) < end:
            return None
        return first, _unmasked(buffer[head + 4 : end], bytes(buffer[head : head + 4])), end

    def _check_head(self, first: int, second: int) -> None:
        """Raise for a frame that may not be (section 5.2)."""
        opcode = first & 0xF
        if first & 0x70 or opcode not in _OPCODES:
            raise FrameError(PROTOCOL_ERROR, "a frame of no kind that was agreed on")
        if not second & 0x80:
            raise FrameError(PROTOCOL_ERROR, "a client's frames are masked")
        if opcode & 0x8 and not (first & _FIN and second & 0x7F <= _CONTROL_LIMIT):
            raise FrameError(PROTOCOL_ERROR, "a control frame is short and in one piece")
        if not opcode & 0x8 and (opcode == _CONTINUATION) != (self._opcode != _CONTINUATION):
            raise FrameError(PROTOCOL_ERROR, "a piece of no message, or a message inside another")

    def _take(self, first: int, payload: bytes) -> Incoming | None:
        opcode = first & 0xF
        if opcode == _CLOSE:
            return _closed(payload)
        if opcode == _PING:
            return Ping(payload)
        if opcode == _PONG:
            return Pong()
        if first & _FIN and opcode != _CONTINUATION:  # whole, as almost always
            return _message(opcode, payload)
        self._opcode = opcode or self._opcode
        self._pieces += payload
        if not first & _FIN:
            return None
        opcode, self._opcode = self._opcode, _CONTINUATION
        payload, self._pieces = bytes(self._pieces), bytearray()
        return _message(opcode, payload)


def _unmasked(payload: bytearray, mask: bytes) -> bytes:
    """Undo the mask of section 5.3: one exclusive or of two long numbers."""
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    number = int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")
    return number.to_bytes(length, "little")


def _message(opcode: int, payload: bytes) -> str | bytes:
    if opcode == _BINARY:
        return payload
    return _text(payload)


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise FrameError(NOT_CONSISTENT, "text is UTF-8") from None


def _closed(payload: bytes) -> Closed:
    if not payload:
        return Closed(_NO_STATUS)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not (code in _DEFINED or 3000 <= code < 5000):
        raise FrameError(PROTOCOL_ERROR, "a close code that means nothing")
    return Closed(code, _text(payload[2:]))
