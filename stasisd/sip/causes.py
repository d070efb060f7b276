"""Why calls end, in SIP's words and in Q.850's: RFC 3398 and RFC 3326.

Where RFC 3398 and what exchanges do in practice differ, practice wins, since applications know
calls by these numbers: 408 is 18, 480 is 19, 603 is 21, and so on.
"""

from collections.abc import Mapping

from msgspec import Struct

from stasisd.credentials.quoting import quote

from .grammar import MalformedSip, find, number, parameters
from .headers import Field, Headers

NORMAL_CLEARING = 16
INTERWORKING = 127
CONGESTION = 34
RECOVERY_ON_TIMER_EXPIRE = 102
MAX_CAUSE = 127

# RFC 3398 section 8.2.6.1, and practice.
CAUSE_OF_STATUS: Mapping[int, int] = {
    401: 21, 403: 21, 404: 1, 405: 127, 407: 21, 408: 18, 409: 41, 410: 1, 411: 127, 413: 127,
    414: 127, 415: 127, 420: 3, 480: 19, 481: 127, 482: 127, 483: 19, 484: 28, 485: 1, 486: 17,
    487: 127, 488: 58, 491: 127, 493: 127, 500: 38, 501: 29, 502: 27, 503: 34, 504: 102, 505: 127,
    600: 17, 603: 21, 604: 1, 606: 58,
}  # fmt: skip

# RFC 3398 section 7.2.4.1, and practice.
STATUS_OF_CAUSE: Mapping[int, int] = {
    1: 404, 2: 404, 3: 404, 17: 486, 18: 408, 19: 480, 20: 480, 21: 403, 22: 410, 27: 502,
    28: 484, 29: 501, 31: 480, 34: 503, 38: 500, 41: 503, 42: 503, 47: 503, 55: 403, 57: 403,
    58: 488, 65: 488, 66: 503, 70: 488, 79: 501, 87: 403, 88: 503, 102: 504, 111: 500, 127: 500,
}  # fmt: skip

# Where a call is given up before its answer for no reason that has a status: "Decline".
DECLINE = 603


def cause_of_status(status: int) -> int:
    """The Q.850 cause that a final status stands for."""
    found = CAUSE_OF_STATUS.get(status)
    if found is not None:
        return found
    if 500 <= status < 600:
        return CONGESTION
    return INTERWORKING if status >= 400 else NORMAL_CLEARING


def status_of_cause(cause: int) -> int:
    """The status with which an unanswered call is refused for a Q.850 cause."""
    return STATUS_OF_CAUSE.get(cause, DECLINE)


class Reason(Struct, frozen=True, gc=False):
    """A Reason value (RFC 3326): a protocol (`Q.850`, `SIP`), its cause, and words."""

    protocol: str
    cause: int | None = None
    text: str = ""

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        return f"{self.protocol}{cause}" + (f";text={quote(self.text)}" if self.text else "")


def parse_reason(text: str) -> Reason:
    """Read one Reason value. Raise MalformedSip."""
    protocol, _, tail = text.partition(";")
    found = parameters(tail)
    cause = find(found, "cause")
    return Reason(
        protocol.strip(),
        number(cause, 999, "Reason's cause") if cause else None,
        find(found, "text") or "",
    )


def q850_of(headers: Headers) -> int | None:
    """The Q.850 cause of a message's Reason, or None. Malformed ones count as absent."""
    try:
        for value in headers.values("Reason"):
            reason = parse_reason(value)
            if reason.protocol.upper() == "Q.850" and reason.cause is not None:
                return min(reason.cause, MAX_CAUSE)
    except MalformedSip:
        pass
    return None


def cause_of_response(status: int, headers: Headers) -> int:
    """The cause of a refusal: the Reason's where one is given, else the status's."""
    given = q850_of(headers)
    return cause_of_status(status) if given is None else given


def reason_field(cause: int) -> Field:
    """The Reason header for a Q.850 cause."""
    return ("Reason", str(Reason("Q.850", cause)))
