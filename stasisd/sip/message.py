"""Requests and responses: immutable, and typed only where somebody looks (RFC 3261 section 7).

A message is read in about ten microseconds, because its headers stay text until one of the typed
attributes is asked for; that attribute then reads it once. Reading one may raise `MalformedSip`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

from .grammar import MalformedSip, number
from .headers import CSeq, Field, Headers, Via, parse_cseq, parse_via
from .uri import NameAddr, Uri, parse_name_addr, parse_uri

T = TypeVar("T")

MAX_FORWARDS = 70

REASONS = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued",
    183: "Session Progress", 200: "OK", 202: "Accepted",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
    413: "Request Entity Too Large", 414: "Request-URI Too Long", 415: "Unsupported Media Type",
    416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
    422: "Session Interval Too Small", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
    484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 493: "Undecipherable",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}  # fmt: skip


class Lazy(Generic[T]):
    """An attribute computed when first read and kept: `functools.cached_property` without lock."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> "Lazy[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "Lazy[T] | T":
        """Compute, and leave the value where the next read finds it first."""
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


class _Message:
    """What requests and responses share. ``headers`` never hold Content-Length."""

    def __init__(self, start_line: str, headers: Headers, body: bytes) -> None:
        self.start_line = start_line
        self.headers = headers
        self.body = body

    @Lazy
    def via(self) -> Via:
        """The topmost Via."""
        values = self.headers.values("Via")
        if not values:
            raise MalformedSip("no Via header")
        return parse_via(values[0])

    @Lazy
    def from_(self) -> NameAddr:
        """The From header."""
        return parse_name_addr(self.headers.only("From"))

    @Lazy
    def to(self) -> NameAddr:
        """The To header."""
        return parse_name_addr(self.headers.only("To"))

    @Lazy
    def call_id(self) -> str:
        """The Call-ID."""
        value = self.headers.only("Call-ID")
        if not value:
            raise MalformedSip("an empty Call-ID")
        return value

    @Lazy
    def cseq(self) -> CSeq:
        """The CSeq."""
        return parse_cseq(self.headers.only("CSeq"))

    @Lazy
    def contacts(self) -> tuple[NameAddr, ...]:
        """The Contact values; `*` is not among them."""
        values = self.headers.values("Contact")
        return tuple(parse_name_addr(value) for value in values if value != "*")

    @Lazy
    def record_route(self) -> tuple[NameAddr, ...]:
        """The Record-Route values, topmost first."""
        return tuple(parse_name_addr(value) for value in self.headers.values("Record-Route"))

    @Lazy
    def content_type(self) -> str:
        """The media type without parameters, in lower case; nothing where there is none."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    def number(self, name: str, most: int = 2**32 - 1) -> int | None:
        """A header that is one number (Expires, Max-Forwards), or None. Raise MalformedSip."""
        value = self.headers.get(name)
        return None if value is None else number(value, most, name)

    def _key(self) -> tuple[str, Headers, bytes]:
        return (self.start_line, self.headers, self.body)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Message) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __bytes__(self) -> bytes:
        lines = [self.start_line, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "replace") + self.body


class Request(_Message):
    """A request. ``target`` is the Request-URI as text."""

    def __init__(self, method: str, target: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(f"{method} {target} SIP/2.0", headers, body)
        self.method = method
        self.target = target

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"

    @Lazy
    def uri(self) -> Uri:
        """The Request-URI."""
        return parse_uri(self.target)

    def replace(self, *, headers: Headers) -> "Request":
        """The same request with other headers."""
        return Request(self.method, self.target, headers, self.body)


class Response(_Message):
    """A response."""

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(f"SIP/2.0 {status} {reason}", headers, body)
        self.status = status
        self.reason = reason

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


Message = Request | Response


def respond(
    request: Request,
    status: int,
    *,
    reason: str | None = None,
    to_tag: str | None = None,
    fields: Sequence[Field] = (),
    body: bytes = b"",
    content_type: str = "application/sdp",
) -> Response:
    """Make the response to a request (section 8.2.6.2).

    A To without a tag gets ``to_tag``. Raise MalformedSip where the To can't be read.
    """
    to = request.headers.only("To")
    if to_tag is not None and request.to.tag is None:
        to = str(request.to.with_tag(to_tag))
    copied: list[Field] = [
        *(field for field in request.headers if field[0] == "Via"),
        ("From", request.headers.only("From")),
        ("To", to),
        ("Call-ID", request.headers.only("Call-ID")),
        ("CSeq", request.headers.only("CSeq")),
        *fields,
    ]
    if body:
        copied.append(("Content-Type", content_type))
    return Response(status, _phrase(status, reason), Headers(copied), body)


def refuse(request: Request, status: int, reason: str | None = None) -> Response:
    """Make the response to a request that may lack anything: what there is, is copied."""
    copied = (field for field in request.headers if field[0] in _COPIED)
    return Response(status, _phrase(status, reason), Headers(copied))


_COPIED = frozenset({"Via", "From", "To", "Call-ID", "CSeq"})


def _phrase(status: int, reason: str | None) -> str:
    text = reason or REASONS.get(status, "Unknown")
    return "".join(character if character.isprintable() else "?" for character in text)
