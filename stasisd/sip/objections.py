"""What is wrong with a request before anybody looks at what it wants (RFC 3261 section 8.2)."""

from collections.abc import Callable

from msgspec import Struct

from .grammar import MalformedSip
from .headers import Field
from .message import Request
from .stack import ALLOW, EXTENSIONS, METHODS, SDP

# Methods that exist, but that we do not do: 405 instead of 501.
KNOWN_METHODS = frozenset(
    {*METHODS, "MESSAGE", "NOTIFY", "PRACK", "PUBLISH", "SUBSCRIBE", "UPDATE"}
)

MAX_HOPS = 255

# Which bodies a method takes; one that is not listed takes any, and ignores it.
ACCEPTED = {
    "INVITE": frozenset({SDP}),
    "INFO": frozenset({"application/dtmf-relay", "application/dtmf"}),
    "MESSAGE": frozenset({"text/plain"}),
}


class Objection(Struct, frozen=True):
    """The response that turns a request down."""

    status: int
    fields: tuple[Field, ...] = ()
    reason: str | None = None


def _shape(request: Request) -> Objection | None:
    # Section 8.1.1: what each request must have; reading it raises. A From without tag and an
    # INVITE without Contact are of RFC 2543, and taken.
    if request.cseq.method != request.method:
        return Objection(400, reason="CSeq has another method")
    _ = (request.via, request.to, request.from_, request.call_id)
    _ = (request.contacts, request.record_route)
    request.number("Max-Forwards", MAX_HOPS)
    request.number("Expires")
    return None


def _method(request: Request) -> Objection | None:
    if request.method in METHODS:
        return None
    return Objection(405 if request.method in KNOWN_METHODS else 501, (ALLOW,))


def _scheme(request: Request) -> Objection | None:
    return None if request.uri.scheme in {"sip", "sips", "tel"} else Objection(416)


def _hops(request: Request) -> Objection | None:
    return Objection(483) if request.number("Max-Forwards") == 0 else None


def _extensions(request: Request) -> Objection | None:
    # A CANCEL's Require is ignored (section 8.2.2.3).
    unknown = request.headers.tokens("Require") - set(EXTENSIONS)
    if not unknown or request.method == "CANCEL":
        return None
    return Objection(420, (("Unsupported", ", ".join(sorted(unknown))),))


def _content(request: Request) -> Objection | None:
    accepted = ACCEPTED.get(request.method)
    if accepted is None or not request.body:
        return None
    encoding = (request.headers.get("Content-Encoding") or "identity").lower()
    if request.content_type in accepted and encoding == "identity":
        return None
    fields = (("Accept", ", ".join(sorted(accepted))), ("Accept-Encoding", "identity"))
    return Objection(415, fields)


_CHECKS: tuple[Callable[[Request], Objection | None], ...] = (
    _shape, _method, _scheme, _hops, _extensions, _content,
)  # fmt: skip


def objection(request: Request) -> Objection | None:
    """The first objection to a request, or None."""
    try:
        return next((found for check in _CHECKS if (found := check(request)) is not None), None)
    except MalformedSip as error:
        return Objection(400, reason=f"Bad Request ({error})")
