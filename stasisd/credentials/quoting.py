"""Quoted strings and lists of parameters, as SIP and HTTP write them (RFC 3261, 9110)."""

import re

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'(["\\])')
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Up to a comma that stands outside of quotes.
_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")*', re.DOTALL)


def quote(text: str) -> str:
    """Return a quoted string; what may not stand in one is dropped."""
    return '"' + _TO_ESCAPE.sub(r"\\\1", _UNPRINTABLE.sub("", text)) + '"'


def unquote(text: str) -> str:
    """Return what a quoted string says; other text comes back as it is."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return _ESCAPED.sub(r"\1", text[1:-1])
    return text


def parameters(text: str) -> dict[str, str] | None:
    """Read `name=value, name="value"`; names in lower case, what is no parameter left out.

    None where a quoted string does not end.
    """
    found, at = {}, 0
    while at <= len(text):
        match = _PART.match(text, at)
        assert match is not None, "it matches nothing, too"
        at = match.end() + 1
        if at <= len(text) and text[at - 1] != ",":
            return None
        name, equals, value = match[0].partition("=")
        if equals:
            found[name.strip().lower()] = unquote(value.strip())
    return found
