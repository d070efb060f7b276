"""Raw parameters of a request: the query, then a form, then the fields of a JSON object.

Nothing is typed here: which parameter means what is declared by the operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from stasisd.operations.errors import InvalidParameter

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


def segments(path: str) -> tuple[str, ...]:
    """The segments of a path, split first and percent-decoded after: an id may hold a slash."""
    if "%" not in path:
        return tuple(path.split("/"))
    return tuple(unquote(segment) for segment in path.split("/"))


def pairs(query: str) -> tuple[tuple[str, str], ...]:
    """The names and values of a query, decoded, in order; `+` is a space."""
    return tuple(parse_qsl(query, keep_blank_values=True)) if query else ()


def collect(query: Iterable[tuple[str, str]], content_type: str, body: bytes) -> dict[str, Any]:
    """Gather parameters by name: text, a list of text where repeated, or JSON values.

    A field of a JSON body takes the place of a parameter of the same name, unless it is null. A
    body of another content type is ignored. Raises `InvalidParameter` for a body that is not what
    its content type says.
    """
    kind = _kind(content_type) if body else ""
    gathered: dict[str, Any] = {}
    for name, value in [*query, *_form(body)] if kind == _FORM else query:
        if name not in gathered:
            gathered[name] = value
        elif isinstance(gathered[name], list):
            gathered[name].append(value)
        else:
            gathered[name] = [gathered[name], value]
    if kind == _JSON:
        gathered |= {name: value for name, value in _json(body).items() if value is not None}
    return gathered


def misread(content_type: str, body: bytes) -> str | None:
    """What became of a body that was not read as JSON, for who may not have meant that."""
    kind = _kind(content_type)
    if not body or kind == _JSON:
        return None
    if kind != _FORM:
        return f"the body was not read: its content type is {kind!r}, not {_JSON}"
    if body.lstrip().startswith(b"{"):
        return f"the body was read as a form: the content type of JSON is {_JSON}"
    return None


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True)
    except (UnicodeDecodeError, ValueError):
        raise _bad("a form is ASCII, with other characters percent-encoded") from None


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _bad("a JSON body has to be an object")
    return value


def _bad(detail: str) -> InvalidParameter:
    return InvalidParameter("Error parsing request body", detail=detail)
