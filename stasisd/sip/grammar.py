"""The small parts of SIP's grammar (RFC 3261 section 25) that all headers are made of.

Reading is lenient where RFC 4475 shows that a receiver should be (blanks around separators, any
case, escapes in quoted strings); what has no meaning at all raises `MalformedSip`.
"""

import re
from collections.abc import Iterable

from stasisd.credentials.quoting import quote, unquote

# A parameter without `=` has the value None.
Parameters = tuple[tuple[str, str | None], ...]

_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_DIGITS = re.compile(r"[0-9]+")


class MalformedSip(ValueError):
    """The peer's message breaks RFC 3261's grammar; the text says where."""


def is_token(text: str) -> bool:
    """Whether the text is a token: a method, a header's name, an option tag."""
    return _TOKEN.fullmatch(text) is not None


def number(text: str, most: int, what: str) -> int:
    """Read decimal digits up to ``most``; ``what`` names them in the error."""
    digits = text.strip()
    # The length check keeps a million digits from being converted.
    if not _DIGITS.fullmatch(digits) or len(digits) > 20 or int(digits) > most:
        raise MalformedSip(f"{what} is not a number up to {most}: {text[:24]!r}")
    return int(digits)


def number_or(text: str, most: int, otherwise: int) -> int:
    """Read decimal digits up to ``most``; anything else is ``otherwise``."""
    try:
        return number(text, most, "")
    except MalformedSip:
        return otherwise


def token_or_quoted(text: str) -> str:
    """Return the text as a parameter's value: bare where it is a token."""
    return text if is_token(text) else quote(text)


def closing_quote(text: str, opening: int) -> int:
    """The index of the quote that closes the one at ``opening``. Raise MalformedSip."""
    at = opening + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == '"':
            return at
        at += 1
    raise MalformedSip(f"a quoted string does not end: {text[opening : opening + 40]!r}")


def split(text: str, separator: str) -> list[str]:
    """Split at separators that stand outside of quotes and angle brackets; parts are stripped."""
    if '"' not in text and "<" not in text:
        return [part.strip() for part in text.split(separator)]
    parts, start, at = [], 0, 0
    while at < len(text):
        character = text[at]
        if character == '"':
            at = closing_quote(text, at)
        elif character == "<":
            # An unclosed bracket is for the reader of the part to refuse.
            closing = text.find(">", at)
            at = len(text) if closing < 0 else closing
        elif character == separator:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    parts.append(text[start:].strip())
    return parts


def parameters(text: str) -> Parameters:
    """Read `;name=value;flag`; names become lower case, quotes of values are taken off."""
    found = []
    for part in split(text, ";"):
        if not part:
            continue
        name, equals, value = part.partition("=")
        found.append((name.strip().lower(), unquote(value.strip()) if equals else None))
    return tuple(found)


def format_parameters(found: Iterable[tuple[str, str | None]]) -> str:
    """Write header parameters, each with its semicolon."""
    return "".join(
        f";{name}" if value is None else f";{name}={_parameter_value(value)}"
        for name, value in found
    )


def _parameter_value(value: str) -> str:
    # A host (IPv6 in brackets, `received`) stands bare though it is no token.
    return value if _HOST.fullmatch(value) else token_or_quoted(value)


_HOST = re.compile(r"\[?[0-9A-Fa-f:.]+\]?")


def find(found: Parameters, name: str) -> str | None:
    """The value of a parameter: "" for one without a value, None for none."""
    for key, value in found:
        if key == name:
            return value or ""
    return None
