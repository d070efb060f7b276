"""Header fields: their names, the order they came in, and the values that have a shape."""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from .grammar import (
    MalformedSip,
    Parameters,
    find,
    format_parameters,
    is_token,
    number,
    parameters,
    split,
)
from .uri import parse_host_port

MAX_CSEQ = 2**31 - 1

# RFC 3261 section 7.3.3 and the IANA registry of compact forms.
COMPACT = {
    "a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition",
    "e": "Content-Encoding", "f": "From", "i": "Call-ID", "j": "Reject-Contact", "k": "Supported",
    "l": "Content-Length", "m": "Contact", "n": "Identity-Info", "o": "Event", "r": "Refer-To",
    "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires",
    "y": "Identity",
}  # fmt: skip

_KNOWN = (
    "Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Authentication-Info",
    "Authorization", "CSeq", "Call-Info", "Content-Disposition", "Content-Language", "Date",
    "Diversion", "Error-Info", "Expires", "History-Info", "In-Reply-To", "MIME-Version",
    "Max-Forwards", "Min-Expires", "Min-SE", "Organization", "P-Asserted-Identity",
    "P-Preferred-Identity", "Path", "Priority", "Privacy", "Proxy-Authenticate",
    "Proxy-Authorization", "Proxy-Require", "RAck", "RSeq", "Reason", "Record-Route",
    "Remote-Party-ID", "Replaces", "Reply-To", "Require", "Retry-After", "Route", "Server",
    "Service-Route", "Subscription-State", "Timestamp", "Unsupported", "User-Agent",
    "WWW-Authenticate", "Warning",
)  # fmt: skip

CANONICAL = {name.lower(): name for name in (*_KNOWN, *COMPACT.values())} | COMPACT

# Where a comma may stand inside a value, or where the value is no list (section 7.3.1).
UNSPLIT = frozenset(
    name.lower()
    for name in (
        "Authorization", "Authentication-Info", "CSeq", "Call-ID", "Call-Info", "Content-Type",
        "Date", "From", "Identity", "Organization", "Proxy-Authenticate", "Proxy-Authorization",
        "Retry-After", "Server", "Subject", "Timestamp", "To", "User-Agent", "WWW-Authenticate",
        "Content-Disposition", "Event", "Refer-To", "Referred-By", "Subscription-State",
    )
)  # fmt: skip

Field = tuple[str, str]


def canonical(name: str) -> str:
    """A header's full and usual name; an unknown one comes back as written."""
    return CANONICAL.get(name.lower(), name)


class Headers:
    """Header fields in their order. Immutable: ``with_`` and ``without`` make new ones.

    Names are canonical, values are unfolded and stripped. Looking one up is case-insensitive and
    knows compact forms.
    """

    __slots__ = ("_index", "fields")

    def __init__(self, fields: Iterable[Field] = ()) -> None:
        """``fields`` are (canonical name, value) pairs."""
        self.fields: tuple[Field, ...] = tuple(fields)
        self._index: dict[str, list[str]] | None = None

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        return f"Headers({self.fields!r})"

    def _lines(self, name: str) -> list[str]:
        if self._index is None:
            self._index = {}
            for key, value in self.fields:
                self._index.setdefault(key.lower(), []).append(value)
        return self._index.get(canonical(name).lower(), [])

    def get(self, name: str) -> str | None:
        """The first field's whole value, or None."""
        lines = self._lines(name)
        return lines[0] if lines else None

    def only(self, name: str) -> str:
        """The value of a field that must stand there exactly once. Raise MalformedSip."""
        lines = self._lines(name)
        if len(lines) != 1:
            raise MalformedSip(f"{len(lines)} {canonical(name)} headers, 1 expected")
        return lines[0]

    def values(self, name: str) -> list[str]:
        """All values, comma-separated ones split where the header is a list."""
        lines = self._lines(name)
        if canonical(name).lower() in UNSPLIT:
            return list(lines)
        return [part for line in lines for part in split(line, ",") if part]

    def tokens(self, name: str) -> set[str]:
        """All values in lower case: option tags, methods."""
        return {value.lower() for value in self.values(name)}

    def without(self, *names: str) -> "Headers":
        """The same fields but those named."""
        dropped = {canonical(name) for name in names}
        return Headers(field for field in self.fields if canonical(field[0]) not in dropped)

    def with_first_via(self, via: str) -> "Headers":
        """The same fields with the topmost Via value replaced."""
        fields = list(self.fields)
        at = next(index for index, field in enumerate(fields) if field[0] == "Via")
        below = split(fields[at][1], ",")[1:]
        fields[at] = ("Via", ", ".join([via, *below]))
        return Headers(fields)

    def with_(self, *fields: Field) -> "Headers":
        """The same fields and these behind them."""
        return Headers((*self.fields, *fields))


class Via(Struct, frozen=True, gc=False):
    """One Via value (section 20.42); ``transport`` is in upper case, as sent."""

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = ()

    @property
    def branch(self) -> str:
        """The branch, or nothing."""
        return find(self.parameters, "branch") or ""

    @property
    def sent_by(self) -> tuple[str, int]:
        """Host and port as compared by section 17.2.3, the default port filled in."""
        return self.host, self.port or (5061 if self.transport == "TLS" else 5060)

    @property
    def wants_rport(self) -> bool:
        """Whether the sender asked for RFC 3581's response routing."""
        return find(self.parameters, "rport") is not None

    def with_source(self, host: str, port: int, *, rport: bool) -> "Via":
        """Note whence it came: ``received`` where it differs or with ``rport`` (RFC 3581, 4)."""
        kept = tuple(pair for pair in self.parameters if pair[0] not in {"received", "rport"})
        if rport:
            kept = (*kept, ("rport", str(port)))
        if rport or host != self.host.strip("[]"):
            kept = (*kept, ("received", host))
        return replace(self, parameters=kept)

    def __str__(self) -> str:
        host = self.host if self.port is None else f"{self.host}:{self.port}"
        return f"SIP/2.0/{self.transport} {host}{format_parameters(self.parameters)}"


def parse_via(text: str) -> Via:
    """Read one Via value. Raise MalformedSip."""
    sent, _, tail = text.partition(";")
    protocol, version, rest = _sent_protocol(sent)
    if protocol.upper() != "SIP" or version != "2.0":
        raise MalformedSip(f"a Via of another protocol: {text[:60]!r}")
    transport, _, sent_by = rest.strip().partition(" ")
    if not is_token(transport) or not sent_by:
        raise MalformedSip(f"a Via without transport and host: {text[:60]!r}")
    host, port = parse_host_port(sent_by)
    return Via(transport.upper(), host, port, parameters(tail) if tail else ())


def _sent_protocol(text: str) -> tuple[str, str, str]:
    # Blanks may stand around the slashes (section 25.1, SLASH).
    parts = text.split("/", 2)
    if len(parts) != 3:
        raise MalformedSip(f"a Via without protocol: {text[:60]!r}")
    return parts[0].strip(), parts[1].strip(), parts[2].replace("\t", " ")


class CSeq(Struct, frozen=True, gc=False):
    """Sequence number and method (section 20.16)."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_cseq(text: str) -> CSeq:
    """Read a CSeq. Raise MalformedSip."""
    parts = text.split()
    if len(parts) != 2 or not is_token(parts[1]):
        raise MalformedSip(f"CSeq is not a number and a method: {text[:60]!r}")
    return CSeq(number(parts[0], MAX_CSEQ, "CSeq"), parts[1])
