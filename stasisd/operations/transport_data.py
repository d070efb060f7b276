"""What ``transport_data`` of external media says: options as in the dial strings of Asterisk.

Only WebSockets have some: letters without a separator, each once, and most with a value in
brackets: ``f(json)nv(call=17,lang=de)``.
"""

import re

import msgspec

from .errors import InvalidParameter

_OPTION = re.compile(r"([a-z])(?:\(([^()]*)\))?")
_CONTROL_FORMATS = {"plain-text": False, "plain": False, "json": True}
# A name or value that needs no encoding in a URL, or has it (RFC 3986, section 3.4).
_ENCODED = re.compile(r"(?:[A-Za-z0-9._~!$'*:@/?+-]|%[0-9A-Fa-f]{2})+")
KNOWN = "c(FORMAT), f(json|plain-text), n, p and v(NAME=VALUE,...)"


class TransportData(msgspec.Struct, frozen=True, kw_only=True):
    """The options that were given.

    ``format`` replaces that of the request. ``query`` is added to the URL.
    """

    format: str | None = None
    json: bool = False
    answers: bool = True
    query: str = ""


def read(text: str, *, server: bool) -> TransportData:
    """The options in a text; ``server`` says that we open nothing. Raises InvalidParameter."""
    options = _options(text)
    if server and "v" in options:
        raise InvalidParameter("transport_data has no v() where the program opens the WebSocket")
    control = options.get("f", "plain-text").lower()
    if control not in _CONTROL_FORMATS:
        raise InvalidParameter("f() in transport_data must be json or plain-text")
    return TransportData(
        format=options.get("c") or None,
        json=_CONTROL_FORMATS[control],
        answers="n" not in options,
        query=_query(options.get("v", "")),
    )


def _options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    end = 0
    while end < len(text):
        found = _OPTION.match(text, end)
        if found is None or found[1] not in "cfnpv" or found[1] in options:
            raise InvalidParameter(
                "transport_data can't be understood", detail=f"expected options of {KNOWN}"
            )
        options[found[1]] = found[2] or ""
        end = found.end()
    return options


def _query(text: str) -> str:
    """``a=1,b=2`` as the query of a URL."""
    pairs = text.split(",") if text else []
    for pair in pairs:
        if any(_ENCODED.fullmatch(part) is None for part in pair.split("=", 1)):
            raise InvalidParameter(
                "v() in transport_data must be NAME=VALUE,... with values as in a URL",
                detail=f"'{pair}' has to be percent-encoded",
            )
    return "&".join(pairs)
