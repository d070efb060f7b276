"""Raw parameters of a request: the query, then a form, or the fields of a JSON object.

Nothing is typed here: which parameter means what is declared by the operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from .answers import BadBodyError
from .exchange import HttpRequest

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class RawParameters(msgspec.Struct, frozen=True):
    """`named`: values of the query, then those of a form, in order. `fields`: the JSON object."""

    named: Mapping[str, list[str]]
    fields: Mapping[str, object]


def collect(request: HttpRequest) -> RawParameters:
    """Gather the parameters of a request. A body of another content type is ignored.

    Raises `BadBodyError` for a body that is not what its content type says.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    pairs = [*request.query]
    fields: Mapping[str, object] = {}
    if request.body and content_type == _FORM:
        pairs += _form(request.body)
    elif request.body and content_type == _JSON:
        fields = _json(request.body)
    named: dict[str, list[str]] = {}
    for name, value in pairs:
        named.setdefault(name, []).append(value)
    return RawParameters(named, fields)


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True)
    except UnicodeDecodeError:
        raise BadBodyError("a form is ASCII, with other characters percent-encoded") from None


def _json(body: bytes) -> Mapping[str, object]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBodyError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadBodyError("a JSON body has to be an object")
    return value
