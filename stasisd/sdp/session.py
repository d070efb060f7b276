"""Session descriptions as RFC 8866 writes them, read leniently and kept in frozen structs.

Lenient means: any line ending, lines in any order within their section, lines we have no use for
(`i=`, `u=`, `k=`, ...) are dropped, a repeated or malformed known attribute is kept as an unknown
one. What can't be understood at all raises `SdpError`, and nothing else does.

`parse(serialise(session)) == session` for every session that `parse` returned.
"""

import ipaddress
import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

MAX_BYTES = 65_536
MAX_LINES = 2_000
MAX_MEDIA = 32
MAX_PORT = 65_535

Line = tuple[str, str]
T = TypeVar("T")

_LINE_END = re.compile(r"\r\n|\n|\r")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_NUMBER = re.compile(r"[0-9]{1,9}")
_RTPMAP = re.compile(r"([0-9]{1,3})\s+([^\s/]+)/([0-9]{1,9})(?:/([0-9]{1,2}))?")
_FMTP = re.compile(r"([0-9]{1,3})\s+(\S.*)")


class SdpError(ValueError):
    """The peer's (or our own) session description is malformed; the text says where."""


class Direction(StrEnum):
    """Who may send, seen from the side that wrote it (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether the writer sends media."""
        return self in {Direction.SENDRECV, Direction.SENDONLY}

    @property
    def receives(self) -> bool:
        """Whether the writer wants to receive media."""
        return self in {Direction.SENDRECV, Direction.RECVONLY}

    @staticmethod
    def of(*, sends: bool, receives: bool) -> "Direction":
        """Return the direction that grants exactly these two."""
        if sends:
            return Direction.SENDRECV if receives else Direction.SENDONLY
        return Direction.RECVONLY if receives else Direction.INACTIVE


_DIRECTIONS = {str(direction): direction for direction in Direction}


class Connection(Struct, frozen=True, gc=False):
    """A `c=` line: where media goes. A multicast suffix (`/ttl`) is dropped."""

    family: str
    address: str

    @staticmethod
    def to(address: str) -> "Connection":
        """Return the connection for an address, whose family its form tells."""
        return Connection("IP6" if ":" in address else "IP4", address)

    @property
    def is_literal(self) -> bool:
        """Whether the address is an IP address, not a name to be resolved."""
        try:
            ipaddress.ip_address(self.address)
        except ValueError:
            return False
        return True

    @property
    def is_unspecified(self) -> bool:
        """Whether this is 0.0.0.0 or ::, the hold of RFC 2543."""
        return self.is_literal and ipaddress.ip_address(self.address).is_unspecified


class Origin(Struct, frozen=True, gc=False):
    """The `o=` line. The numbers stay text: they may be longer than any integer of ours."""

    username: str
    session_id: str
    version: str
    connection: Connection


class RtpMap(Struct, frozen=True, gc=False):
    """`a=rtpmap`: what a payload type means; the clock rate is in Hz."""

    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1


class Fmtp(Struct, frozen=True, gc=False):
    """`a=fmtp`: a payload type's parameters, as written."""

    payload_type: int
    parameters: str


class Rtcp(Struct, frozen=True):
    """`a=rtcp` (RFC 3605): where RTCP goes when not to the port after RTP's."""

    port: int
    connection: Connection | None = None


class Attribute(Struct, frozen=True, gc=False):
    """An `a=` line that we do not interpret; a flag has no value."""

    name: str
    value: str | None = None


class Media(Struct, frozen=True):
    """One `m=` section. Times are milliseconds; `port_count` is the `/n` after the port."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    port_count: int = 1
    connection: Connection | None = None
    bandwidths: tuple[str, ...] = ()
    rtpmaps: tuple[RtpMap, ...] = ()
    fmtps: tuple[Fmtp, ...] = ()
    direction: Direction | None = None
    ptime: int | None = None
    maxptime: int | None = None
    rtcp: Rtcp | None = None
    rtcp_mux: bool = False
    attributes: tuple[Attribute, ...] = ()


class Session(Struct, frozen=True):
    """A whole description."""

    origin: Origin
    name: str = "-"
    connection: Connection | None = None
    bandwidths: tuple[str, ...] = ()
    timing: str = "0 0"
    direction: Direction | None = None
    attributes: tuple[Attribute, ...] = ()
    media: tuple[Media, ...] = ()


def parse(body: bytes) -> Session:
    """Read a description; undecodable UTF-8 becomes U+FFFD. Raise SdpError."""
    if len(body) > MAX_BYTES:
        raise SdpError(f"longer than {MAX_BYTES} bytes")
    if b"\0" in body:
        raise SdpError("a NUL byte (RFC 8866 section 5 forbids it)")
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = [_split_line(line) for line in _LINE_END.split(text) if line.strip()]
    if len(lines) > MAX_LINES:
        raise SdpError(f"more than {MAX_LINES} lines")
    if not lines or lines[0] != ("v", "0"):
        raise SdpError("the first line is not v=0")
    sections = _sections(lines[1:])
    return _session(sections[0], tuple(_media(section) for section in sections[1:]))


def _split_line(line: str) -> tuple[str, str]:
    kind, equals, value = line.strip().partition("=")
    if not equals or len(kind) != 1:
        raise SdpError(f"not of the form x=value: {line[:60]!r}")
    return kind, value.strip()


def _sections(lines: list[Line]) -> list[list[Line]]:
    sections: list[list[Line]] = [[]]
    for line in lines:
        if line[0] == "m":
            sections.append([])
        sections[-1].append(line)
    if len(sections) - 1 > MAX_MEDIA:
        raise SdpError(f"more than {MAX_MEDIA} m= lines")
    return sections


def _values(section: list[Line], kind: str) -> list[str]:
    return [value for found, value in section if found == kind]


def _session(section: list[Line], media: tuple[Media, ...]) -> Session:
    origins = _values(section, "o")
    if not origins:
        raise SdpError("no o= line")
    attributes = _Attributes(_values(section, "a"))
    return Session(
        origin=_origin(origins[0]),
        name=next(iter(_values(section, "s")), "-") or "-",
        connection=_first_connection(section),
        bandwidths=tuple(_values(section, "b")),
        timing=next(iter(_values(section, "t")), "") or "0 0",
        direction=attributes.direction(),
        attributes=attributes.remaining(),
        media=media,
    )


def _origin(value: str) -> Origin:
    # Counted from the end: some phones put a display name with blanks into the username.
    fields = value.rsplit(None, 5)
    if len(fields) == 5:
        fields.insert(0, "-")
    if len(fields) != 6:
        raise SdpError(f"o= needs six fields: {value[:60]!r}")
    username, session_id, version, network, family, address = fields
    return Origin(username, session_id, version, _connection(f"{network} {family} {address}", "o="))


def _first_connection(section: list[Line]) -> Connection | None:
    values = _values(section, "c")
    return _connection(values[0], "c=") if values else None


def _connection(value: str, line: str) -> Connection:
    fields = value.split()
    if len(fields) != 3 or fields[0].upper() != "IN":
        raise SdpError(f"{line} is not IN IP4 or IP6 and an address: {value[:60]!r}")
    family, address = fields[1].upper(), fields[2].partition("/")[0]
    if family not in {"IP4", "IP6"} or not address:
        raise SdpError(f"{line} is not IN IP4 or IP6 and an address: {value[:60]!r}")
    return Connection(family, address)


def _media(section: list[Line]) -> Media:
    fields = section[0][1].split()
    if len(fields) < 3:
        raise SdpError(f"m= needs a kind, a port and a protocol: {section[0][1][:60]!r}")
    port, _, count = fields[1].partition("/")
    attributes = _Attributes(_values(section, "a"))
    return Media(
        kind=fields[0],
        port=_bounded(port, MAX_PORT, "m= port"),
        protocol=fields[2],
        formats=tuple(fields[3:]),
        port_count=_bounded(count, MAX_PORT, "m= port count") if count else 1,
        connection=_first_connection(section),
        bandwidths=tuple(_values(section, "b")),
        rtpmaps=attributes.rtpmaps(),
        fmtps=attributes.fmtps(),
        direction=attributes.direction(),
        ptime=attributes.number("ptime"),
        maxptime=attributes.number("maxptime"),
        rtcp=attributes.rtcp(),
        rtcp_mux=attributes.flag("rtcp-mux"),
        attributes=attributes.remaining(),
    )


def _bounded(digits: str, most: int, what: str) -> int:
    if not _NUMBER.fullmatch(digits) or int(digits) > most:
        raise SdpError(f"{what} is not a number up to {most}: {digits[:20]!r}")
    return int(digits)


class _Attributes:
    """The `a=` lines of one section, from which the known ones are taken out."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = [_attribute(line) for line in lines if line]

    def remaining(self) -> tuple[Attribute, ...]:
        return tuple(self._lines)

    def flag(self, name: str) -> bool:
        return self._first(lambda a: a == Attribute(name) or None) is not None

    def direction(self) -> Direction | None:
        return self._first(lambda a: _DIRECTIONS.get(a.name) if a.value is None else None)

    def number(self, name: str) -> int | None:
        return self._first(lambda a: _number(a.value) if a.name == name else None)

    def rtcp(self) -> Rtcp | None:
        return self._first(lambda a: _rtcp(a.value) if a.name == "rtcp" else None)

    def _first(self, read: Callable[[Attribute], T | None]) -> T | None:
        for attribute in self._lines:
            found = read(attribute)
            if found is not None:
                self._lines.remove(attribute)
                return found
        return None

    def rtpmaps(self) -> tuple[RtpMap, ...]:
        return tuple(_rtpmap(match) for match in self._take("rtpmap", _RTPMAP))

    def fmtps(self) -> tuple[Fmtp, ...]:
        return tuple(Fmtp(int(match[1]), match[2]) for match in self._take("fmtp", _FMTP))

    def _take(self, name: str, form: re.Pattern[str]) -> list[re.Match[str]]:
        taken, left = [], []
        for attribute in self._lines:
            match = form.fullmatch(attribute.value or "") if attribute.name == name else None
            if match is None or int(match[1]) > 127:
                left.append(attribute)
            else:
                taken.append(match)
        self._lines = left
        return taken


def _attribute(line: str) -> Attribute:
    name, colon, value = line.partition(":")
    return Attribute(name.strip(), value.strip() if colon else None)


def _rtpmap(match: re.Match[str]) -> RtpMap:
    return RtpMap(int(match[1]), match[2], int(match[3]), int(match[4] or 1))


def _number(value: str | None) -> int | None:
    return int(value) if value and _NUMBER.fullmatch(value) else None


def _rtcp(value: str | None) -> Rtcp | None:
    port, _, connection = (value or "").partition(" ")
    try:
        where = _connection(connection, "a=rtcp") if connection.strip() else None
        return Rtcp(_bounded(port, MAX_PORT, "a=rtcp port"), where)
    except SdpError:
        return None


def serialise(session: Session) -> bytes:
    """Write a description with CRLF line ends. Raise SdpError if a value would break a line."""
    lines = _session_lines(session)
    for media in session.media:
        lines += _media_lines(media)
    for line in lines:
        if _FORBIDDEN.search(line):
            raise SdpError(f"a value holds a line end or NUL: {line[:60]!r}")
    return "".join(line + "\r\n" for line in lines).encode("utf-8", "replace")


def _session_lines(session: Session) -> list[str]:
    origin = session.origin
    return [
        "v=0",
        f"o={origin.username} {origin.session_id} {origin.version} {_in(origin.connection)}",
        f"s={session.name}",
        *([f"c={_in(session.connection)}"] if session.connection else []),
        *(f"b={bandwidth}" for bandwidth in session.bandwidths),
        f"t={session.timing}",
        *_direction_lines(session.direction),
        *_attribute_lines(session.attributes),
    ]


def _media_lines(media: Media) -> list[str]:
    port = str(media.port) if media.port_count == 1 else f"{media.port}/{media.port_count}"
    return [
        "m=" + " ".join((media.kind, port, media.protocol, *media.formats)),
        *([f"c={_in(media.connection)}"] if media.connection else []),
        *(f"b={bandwidth}" for bandwidth in media.bandwidths),
        *(_rtpmap_line(rtpmap) for rtpmap in media.rtpmaps),
        *(f"a=fmtp:{fmtp.payload_type} {fmtp.parameters}" for fmtp in media.fmtps),
        *([f"a=ptime:{media.ptime}"] if media.ptime is not None else []),
        *([f"a=maxptime:{media.maxptime}"] if media.maxptime is not None else []),
        *_direction_lines(media.direction),
        *([_rtcp_line(media.rtcp)] if media.rtcp else []),
        *(["a=rtcp-mux"] if media.rtcp_mux else []),
        *_attribute_lines(media.attributes),
    ]


def _in(connection: Connection) -> str:
    return f"IN {connection.family} {connection.address}"


def _direction_lines(direction: Direction | None) -> list[str]:
    return [f"a={direction}"] if direction else []


def _attribute_lines(attributes: tuple[Attribute, ...]) -> list[str]:
    return [f"a={a.name}" if a.value is None else f"a={a.name}:{a.value}" for a in attributes]


def _rtpmap_line(rtpmap: RtpMap) -> str:
    channels = "" if rtpmap.channels == 1 else f"/{rtpmap.channels}"
    return f"a=rtpmap:{rtpmap.payload_type} {rtpmap.encoding}/{rtpmap.clock_rate}{channels}"


def _rtcp_line(rtcp: Rtcp) -> str:
    where = f" {_in(rtcp.connection)}" if rtcp.connection else ""
    return f"a=rtcp:{rtcp.port}{where}"
