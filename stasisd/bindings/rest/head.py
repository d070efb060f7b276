"""The head of a plain HTTP/1.1 request, by httptools (llhttp): the grammar of the hot path.

Strict, and a part of HTTP only. What is not plain is nobody's mistake: the caller gives it to
hypercorn, which knows all of HTTP and says what is wrong.
"""

from __future__ import annotations

import httptools
import msgspec

_OWS = b" \t"
# Framing and upgrades that change what the bytes after the head mean.
_NOT_PLAIN = {"transfer-encoding", "upgrade"}


class Head(msgspec.Struct, frozen=True):
    """A request line and its fields: names in lower case, repeated ones joined by a comma."""

    method: str
    target: bytes
    headers: dict[str, str]
    length: int
    """Bytes of the body."""

    @property
    def closes(self) -> bool:
        """Whether it is the client's last on this connection (RFC 9112 section 9.6)."""
        return "close" in self.headers.get("connection", "").lower()

    @property
    def waits_for_continue(self) -> bool:
        """Whether the client sends the body only when invited (RFC 9110 section 10.1.1)."""
        return self.headers.get("expect", "").lower() == "100-continue"


class _Fields:
    """What the parser tells, collected."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: dict[str, str] = {}
        self.hosts = 0
        self.complete = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.strip(_OWS).decode("latin-1")
        self.hosts += name == "host"
        self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value

    def on_headers_complete(self) -> None:
        self.complete = True


def read_head(data: bytes) -> Head | None:
    """Read a whole head, up to and with its empty line; None for one that is not plain."""
    fields = _Fields()
    parser = httptools.HttpRequestParser(fields)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    headers, method = fields.headers, parser.get_method()
    if not fields.complete or fields.hosts != 1:
        return None
    # llhttp passes over spare spaces and line ends, and takes other versions.
    if not data.startswith(b"%s %s HTTP/1.1\r\n" % (method, fields.target)):
        return None
    if not _NOT_PLAIN.isdisjoint(headers):
        return None
    length = int(headers.get("content-length", 0))
    return Head(method.decode("ascii"), fields.target, headers, length)
