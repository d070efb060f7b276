"""URIs and addresses: `sip:user@host;transport=tcp` and `"Name" <sip:...>;tag=x`.

RFC 3261 sections 19.1 (SIP URIs, with escaping and comparison) and 20.10 (name-addr).
"""

import re

from msgspec import Struct
from msgspec.structs import replace

from stasisd.credentials.quoting import quote, unquote

from .grammar import (
    MalformedSip,
    Parameters,
    closing_quote,
    find,
    format_parameters,
    number,
    parameters,
)

MAX_PORT = 65_535

# Section 25.1: what may stand unescaped in each part, beside letters and digits.
_MARK = "-_.!~*'()"
_USER = _MARK + "&=+$,;?/"
_PASSWORD = _MARK + "&=+$,"
_PARAMETER = _MARK + "[]/:&+$"
_HEADER = _MARK + "[]/?:+$"

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*:[^\s<>\"]+")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9\-_.]*)")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\]")
_NO_DISPLAY = re.compile(r"[^\x00-\x1f\x7f<>\",;:@]*")


def unescape(text: str) -> str:
    """Replace %HH; bytes that are no UTF-8 become U+FFFD, a lone % stays."""
    if "%" not in text:
        return text
    raw = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text.encode().decode("latin-1"))
    return raw.encode("latin-1").decode("utf-8", "replace")


def _escape(text: str, allowed: str) -> str:
    if text.isascii() and text.isalnum():
        return text
    return "".join(
        character
        if (character.isascii() and character.isalnum()) or character in allowed
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
        for character in text
    )


class SipUri(Struct, frozen=True, gc=False):
    """A `sip:` or `sips:` URI. All parts are unescaped; the host is lower case.

    An IPv6 host keeps its brackets. ``parameters`` and ``headers`` are in their order.
    """

    host: str
    user: str = ""
    port: int | None = None
    scheme: str = "sip"
    password: str | None = None
    parameters: Parameters = ()
    headers: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        """The value of a parameter, "" for one without a value, None for none."""
        return find(self.parameters, name)

    @property
    def transport(self) -> str:
        """`udp`, `tcp`, ...: the parameter, else what the scheme implies."""
        return (self.parameter("transport") or ("tcp" if self.scheme == "sips" else "udp")).lower()

    @property
    def address(self) -> tuple[str, int]:
        """Host without brackets, and the port or its default."""
        return self.host.strip("[]"), self.port or (5061 if self.scheme == "sips" else 5060)

    def __str__(self) -> str:
        user = _escape(self.user, _USER)
        if self.password is not None:
            user += ":" + _escape(self.password, _PASSWORD)
        host = self.host if self.port is None else f"{self.host}:{self.port}"
        text = f"{self.scheme}:{user}@{host}" if user else f"{self.scheme}:{host}"
        for name, value in self.parameters:
            text += ";" + _escape(name, _PARAMETER)
            text += "" if value is None else "=" + _escape(value, _PARAMETER)
        if self.headers:
            text += "?" + "&".join(
                f"{_escape(name, _HEADER)}={_escape(value, _HEADER)}"
                for name, value in self.headers
            )
        return text


class OtherUri(Struct, frozen=True, gc=False):
    """A URI of another scheme (`tel:`, `http:`), as written."""

    text: str

    @property
    def scheme(self) -> str:
        """The part before the colon, in lower case."""
        return self.text.partition(":")[0].lower()

    @property
    def user(self) -> str:
        """The number of a `tel:` URI, else nothing."""
        if self.scheme != "tel":
            return ""
        return self.text.partition(":")[2].partition(";")[0]

    def __str__(self) -> str:
        return self.text


Uri = SipUri | OtherUri


def parse_uri(text: str) -> Uri:
    """Read a URI. Raise MalformedSip."""
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon:
        raise MalformedSip(f"no URI: {text[:60]!r}")
    if scheme not in {"sip", "sips"}:
        if not _ABSOLUTE.fullmatch(text):
            raise MalformedSip(f"no URI: {text[:60]!r}")
        return OtherUri(text)
    return _sip_uri(scheme, rest)


def _sip_uri(scheme: str, rest: str) -> SipUri:
    # The user part may hold `;` and `?` (section 25.1), so the `@` is looked for first.
    user_info, at, remainder = rest.rpartition("@")
    if at and not user_info:
        raise MalformedSip(f"a SIP URI with an empty user part: {rest[:60]!r}")
    user, colon, password = user_info.partition(":")
    remainder, _, header_text = remainder.partition("?")
    host_port, _, parameter_text = remainder.partition(";")
    host, port = parse_host_port(host_port)
    return SipUri(
        host=host,
        user=unescape(user),
        port=port,
        scheme=scheme,
        password=unescape(password) if colon else None,
        parameters=_uri_parameters(parameter_text) if parameter_text else (),
        headers=_uri_headers(header_text) if header_text else (),
    )


def parse_host_port(text: str) -> tuple[str, int | None]:
    """Read `host`, `host:port`, `[v6]:port`; blanks around are dropped. Raise MalformedSip."""
    text = text.strip()
    if text.startswith("["):
        host, closed, rest = text.partition("]")
        host, separator, port = host + closed, rest[:1], rest[1:]
        if not _IPV6.fullmatch(host) or separator not in {"", ":"}:
            raise MalformedSip(f"no host: {text[:60]!r}")
    else:
        host, separator, port = text.partition(":")
        host = host.strip()
        if not _HOST_NAME.fullmatch(host):
            raise MalformedSip(f"no host: {text[:60]!r}")
    return host.lower(), number(port, MAX_PORT, "port") if separator else None


def _uri_parameters(text: str) -> Parameters:
    found: list[tuple[str, str | None]] = []
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if name:
            found.append((unescape(name).lower(), unescape(value) if equals else None))
    return tuple(found)


def _uri_headers(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition("=") for part in text.split("&") if part)
    return tuple((unescape(name), unescape(value)) for name, _, value in pairs)


# Section 19.1.4: these make two URIs differ even where only one of them has them.
_SIGNIFICANT = ("user", "ttl", "method", "maddr", "transport")


def same_uri(one: Uri, other: Uri) -> bool:
    """Whether two URIs are equivalent by RFC 3261 section 19.1.4."""
    if not isinstance(one, SipUri) or not isinstance(other, SipUri):
        return one == other
    if (one.scheme, one.user, one.password, one.host, one.port) != (
        other.scheme, other.user, other.password, other.host, other.port,
    ):  # fmt: skip
        return False
    return _same_parameters(dict(one.parameters), dict(other.parameters)) and _same_headers(
        one, other
    )


def _same_parameters(one: dict[str, str | None], other: dict[str, str | None]) -> bool:
    common = one.keys() & other.keys() | {
        name for name in _SIGNIFICANT if name in one or name in other
    }
    return all(_folded(one.get(name)) == _folded(other.get(name)) for name in common)


def _folded(value: str | None) -> str | None:
    return None if value is None else value.lower()


def _same_headers(one: SipUri, other: SipUri) -> bool:
    def folded(uri: SipUri) -> list[tuple[str, str]]:
        return sorted((name.lower(), value) for name, value in uri.headers)

    return folded(one) == folded(other)


class NameAddr(Struct, frozen=True, gc=False):
    """The value of From, To, Contact, Route and their like.

    ``parameters`` are the header's, not the URI's.
    """

    uri: Uri
    display: str = ""
    parameters: Parameters = ()

    def parameter(self, name: str) -> str | None:
        """The value of a parameter, "" for one without a value, None for none."""
        return find(self.parameters, name)

    @property
    def tag(self) -> str | None:
        """The dialog tag, None where there is none (an empty one counts as none)."""
        return find(self.parameters, "tag") or None

    def with_tag(self, tag: str) -> "NameAddr":
        """The same address with this tag instead of its own."""
        others = tuple(pair for pair in self.parameters if pair[0] != "tag")
        return replace(self, parameters=(*others, ("tag", tag)))

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_parameters(self.parameters)}"


def parse_name_addr(text: str) -> NameAddr:
    """Read a name-addr or addr-spec with its parameters. Raise MalformedSip."""
    text = text.strip()
    if text.startswith('"'):
        end = closing_quote(text, 0)
        display, rest = unquote(text[: end + 1]), text[end + 1 :].lstrip()
        if not rest.startswith("<"):
            raise MalformedSip(f"no URI in brackets after the display name: {text[:60]!r}")
    else:
        opening = text.find("<")
        if opening < 0:
            return _addr_spec(text)
        display, rest = text[:opening].strip(), text[opening:]
        if not _NO_DISPLAY.fullmatch(display):
            raise MalformedSip(f"a display name that should be quoted: {text[:60]!r}")
    uri, closed, tail = rest[1:].partition(">")
    if not closed:
        raise MalformedSip(f"no closing bracket: {text[:60]!r}")
    return NameAddr(parse_uri(uri.strip()), display, _after_address(tail))


def _addr_spec(text: str) -> NameAddr:
    # Section 20: without brackets, all parameters are the header's.
    uri, _, tail = text.partition(";")
    if "?" in uri or "," in uri:
        raise MalformedSip(f"a URI that should stand in brackets: {text[:60]!r}")
    return NameAddr(parse_uri(uri.strip()), "", parameters(tail) if tail else ())


def _after_address(tail: str) -> Parameters:
    tail = tail.strip()
    if not tail:
        return ()
    if not tail.startswith(";"):
        raise MalformedSip(f"no parameters after the address: {tail[:60]!r}")
    return parameters(tail[1:])
