"""Bytes to messages: one datagram at a time, or a stream framed by Content-Length.

Lenient as RFC 4475 asks of a receiver: bare LF line ends, folded headers, compact forms, blanks
before colons, bytes behind a datagram's Content-Length. What has no start line, no header
fields or no end raises `MalformedMessage`, and nothing else is raised. Header values are not read
here but when somebody asks for them (see `message`).
"""

import re

from msgspec import Struct

from .grammar import MalformedSip, is_token
from .headers import CANONICAL, Field, Headers
from .message import Message, Request, Response

_FOLD = re.compile(r"\n[ \t]+")
_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(r"[1-6][0-9]{2}")


class Limits(Struct, frozen=True):
    """Bounds of one message: bytes of the head and of the body, number of header fields."""

    head: int = 16_384
    body: int = 65_536
    fields: int = 256


DEFAULT_LIMITS = Limits()


class MalformedMessage(MalformedSip):
    """Bytes that are no SIP message.

    ``status`` is the response for them where they are ``partial``-ly a request, that is, where
    the head could be read.
    """

    def __init__(self, text: str, status: int = 400, partial: Message | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.partial = partial


def parse(datagram: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """Read one datagram. Raise MalformedMessage."""
    head, body = _split_head(datagram, limits)
    message, length = _message(head, limits)
    if length is None:
        length = len(body)
    if length > limits.body:
        raise MalformedMessage(f"a body of more than {limits.body} bytes", 513, message)
    if length > len(body):
        raise MalformedMessage(
            f"Content-Length is {length}, but only {len(body)} bytes came", 400, message
        )
    message.body = body[:length]
    return message


def _split_head(datagram: bytes, limits: Limits) -> tuple[bytes, bytes]:
    # Some clients put line ends before the start line (section 7.5).
    data = datagram.lstrip(b"\r\n")
    found = _END.search(data, 0, limits.head + 4)
    if found is not None:
        return data[: found.start()], data[found.end() :]
    if len(data) > limits.head:
        raise MalformedMessage(f"a head of more than {limits.head} bytes", 513)
    # A datagram that lacks only the empty line is whole all the same.
    return data.rstrip(b"\r\n"), b""


def _message(head: bytes, limits: Limits) -> tuple[Message, int | None]:
    text = head.decode("utf-8", "replace").replace("\r\n", "\n")
    if "\r" in text:
        raise MalformedMessage("a carriage return that ends no line")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    lines = text.split("\n")
    if len(lines) > limits.fields + 1:
        raise MalformedMessage(f"more than {limits.fields} header fields")
    fields, length_text = _fields(lines)
    message = _start(lines[0], Headers(fields))
    return message, _content_length(length_text, message)


def _fields(lines: list[str]) -> tuple[list[Field], str | None]:
    fields: list[Field] = []
    length = None
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not name:
            raise MalformedMessage(f"a header field without name and colon: {line[:60]!r}")
        known = CANONICAL.get(name.lower())
        if known is None:
            if not is_token(name):
                raise MalformedMessage(f"a header field's name is no token: {line[:60]!r}")
            known = name
        if known == "Content-Length":
            length = _same_length(length, value.strip())
        else:
            fields.append((known, value.strip()))
    return fields, length


def _same_length(known: str | None, value: str) -> str:
    # Two lengths that differ would let two readers see two messages: no number is 400 below.
    return value if known in {None, value} else f"{known}, {value}"


def _content_length(text: str | None, message: Message) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise MalformedMessage(f"Content-Length is no number: {text[:24]!r}", 400, message)
    return int(text)


def _start(line: str, headers: Headers) -> Message:
    if line[:8].upper() == "SIP/2.0 ":
        return _status_line(line, headers)
    parts = line.split(" ")
    if len(parts) == 3 and is_token(parts[0]) and parts[1] and parts[2].upper() == "SIP/2.0":
        return Request(parts[0], parts[1], headers)
    raise _bad_request_line(line, parts, headers)


def _status_line(line: str, headers: Headers) -> Response:
    status, _, reason = line[8:].strip().partition(" ")
    if not _STATUS.fullmatch(status):
        raise MalformedMessage(f"a status line without status: {line[:60]!r}")
    return Response(int(status), reason.strip(), headers)


def _bad_request_line(line: str, parts: list[str], headers: Headers) -> MalformedMessage:
    text = f"no request line: {line[:60]!r}"
    words = [part for part in parts if part]
    if len(words) < 3 or not is_token(words[0]) or not words[-1].upper().startswith("SIP/"):
        return MalformedMessage(text)
    # Section 21.5.6: another version is answered as such.
    status = 400 if words[-1].upper() == "SIP/2.0" else 505
    return MalformedMessage(text, status, Request(words[0], words[1], headers))


class StreamParser:
    """Reads messages from a stream of bytes (RFC 3261 section 18.3)."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._pending: tuple[Message, int] | None = None
        self._blank = 0

    @property
    def is_idle(self) -> bool:
        """Whether no message is half read."""
        return self._pending is None and not self._buffer

    def feed(self, data: bytes) -> None:
        """Take bytes; ``next_message`` reads what they complete."""
        self._buffer += data

    def keep_alives(self) -> int:
        """How many pings (two CRLF between messages, RFC 5626 section 3.5.1) came since asked."""
        pings, self._blank = divmod(self._blank, 4)
        return pings

    def next_message(self) -> Message | None:
        """The next whole message, or None when more bytes are needed.

        Raise MalformedMessage; the stream has no more frames then, and must be closed.
        """
        if self._pending is None:
            self._pending = self._next_head()
        if self._pending is None:
            return None
        message, length = self._pending
        if len(self._buffer) < length:
            return None
        message.body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._pending = None
        return message

    def _next_head(self) -> tuple[Message, int] | None:
        blank = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        del self._buffer[:blank]
        self._blank += blank
        found = _END.search(self._buffer, 0, self._limits.head + 4)
        if found is None:
            if len(self._buffer) > self._limits.head:
                raise MalformedMessage(f"a head of more than {self._limits.head} bytes", 513)
            return None
        message, length = _message(bytes(self._buffer[: found.start()]), self._limits)
        del self._buffer[: found.end()]
        if length is None:
            raise MalformedMessage("no Content-Length on a stream", 400, message)
        if length > self._limits.body:
            raise MalformedMessage(f"a body of more than {self._limits.body} bytes", 513, message)
        return message, length
