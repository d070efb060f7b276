"""Keys in INFO requests: application/dtmf-relay (`Signal=5`, `Duration=160`), application/dtmf."""

from .events import CallId, DtmfInfo
from .grammar import MalformedSip
from .message import Request

DIGITS = frozenset("0123456789ABCD*#")
# Some phones send the event numbers of RFC 4733.
_NUMBERED = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}

DEFAULT_DURATION = 100
MAX_DURATION = 60_000


def read(call: CallId, request: Request) -> DtmfInfo | None:
    """The key of an INFO, or None if it is about something else. Raise MalformedSip."""
    if not request.body:
        return None
    text = request.body.decode("utf-8", "replace")
    found = {"signal": text} if request.content_type == "application/dtmf" else _lines(text)
    signal = found.get("signal", "").strip().upper()
    digit = _NUMBERED.get(signal, signal)
    if digit not in DIGITS:
        raise MalformedSip(f"no DTMF signal: {signal[:24]!r}")
    return DtmfInfo(call, digit, _duration(found.get("duration", "")))


def _lines(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _duration(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 7:
        return min(int(text), MAX_DURATION)
    return DEFAULT_DURATION
