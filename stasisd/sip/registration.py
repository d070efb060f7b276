"""A registrar's decisions (RFC 3261 section 10.3): pure, on frozen bindings.

`register` takes an address of record's current bindings and a REGISTER, and returns the new
bindings and the response's status. It changes nothing itself.
"""

from collections.abc import Iterable

from msgspec import Struct

from .flow import Flow
from .grammar import number_or
from .message import Request
from .uri import NameAddr, SipUri, same_uri

MAX_EXPIRES = 2**32 - 1


class Policy(Struct, frozen=True):
    """Bounds of registrations, in seconds, and how many contacts an address may have.

    With ``remove_existing`` a contact too many replaces the oldest, else it is refused.
    """

    minimum: int = 60
    maximum: int = 7200
    default: int = 3600
    max_contacts: int = 10
    remove_existing: bool = True


DEFAULT_POLICY = Policy()


class Binding(Struct, frozen=True):
    """One contact of an address of record. ``expires`` is a time on the caller's clock.

    ``flow`` is whence it registered; calls go back over it.
    """

    aor: str
    uri: SipUri
    expires: float
    call_id: str
    cseq: int
    flow: Flow
    q: float = 1.0
    user_agent: str = ""


class Outcome(Struct, frozen=True):
    """What becomes of a REGISTER: the status, and the address's bindings from now on.

    ``changed`` were made or refreshed; ``removed`` are gone.
    """

    status: int
    bindings: tuple[Binding, ...]
    changed: tuple[Binding, ...] = ()
    removed: tuple[Binding, ...] = ()


class _Refused(Exception):
    """The request can't be carried out; the status says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def register(
    aor: str,
    bindings: Iterable[Binding],
    request: Request,
    flow: Flow,
    now: float,
    policy: Policy = DEFAULT_POLICY,
) -> Outcome:
    """Carry out one REGISTER as a whole, or not at all. Raise MalformedSip for a malformed one."""
    current = tuple(binding for binding in bindings if binding.expires > now)
    try:
        if request.headers.values("Contact") == ["*"]:
            return _remove_all(current, request)
        wanted = _distinct(_wanted(aor, request, flow, now, policy))
        return _merge(current, [(new, _older(current, new)) for new in wanted], now, policy)
    except _Refused as refused:
        return Outcome(refused.status, current)


def _remove_all(current: tuple[Binding, ...], request: Request) -> Outcome:
    # Step 6: the star stands alone and with Expires: 0.
    if request.number("Expires", MAX_EXPIRES) != 0:
        raise _Refused(400)
    for binding in current:
        _check_order(binding, request.call_id, request.cseq.number)
    return Outcome(200, (), removed=current)


def _wanted(
    aor: str, request: Request, flow: Flow, now: float, policy: Policy
) -> Iterable[Binding]:
    if "*" in request.headers.values("Contact"):
        raise _Refused(400)
    for contact in request.contacts:
        if not isinstance(contact.uri, SipUri):
            raise _Refused(416)
        yield Binding(
            aor=aor,
            uri=contact.uri,
            expires=now + _lifetime(request, contact, policy),
            call_id=request.call_id,
            cseq=request.cseq.number,
            flow=flow,
            q=_q(contact),
            user_agent=request.headers.get("User-Agent") or "",
        )


def _lifetime(request: Request, contact: NameAddr, policy: Policy) -> int:
    own = contact.parameter("expires")
    if own is not None:
        # Section 10.2.1.1: a malformed one counts as 3600.
        asked: int | None = number_or(own, MAX_EXPIRES, 3600)
    else:
        asked = request.number("Expires", MAX_EXPIRES)
    if asked is None:
        return policy.default
    if 0 < asked < policy.minimum:
        raise _Refused(423)
    return min(asked, policy.maximum)


def _q(contact: NameAddr) -> float:
    text = contact.parameter("q") or "1"
    whole, _, fraction = text.partition(".")
    if (
        whole not in {"0", "1"}
        or not (fraction or "0").isascii()
        or not (fraction or "0").isdigit()
    ):
        return 1.0
    return min(1.0, float(text[:5]))


def _distinct(wanted: Iterable[Binding]) -> list[Binding]:
    # Of a contact that stands in one request twice, the last word counts.
    distinct: list[Binding] = []
    for binding in wanted:
        distinct = [other for other in distinct if not same_uri(other.uri, binding.uri)]
        distinct.append(binding)
    return distinct


def _older(current: tuple[Binding, ...], wanted: Binding) -> Binding | None:
    for binding in current:
        if same_uri(binding.uri, wanted.uri):
            _check_order(binding, wanted.call_id, wanted.cseq)
            return binding
    return None


def _check_order(binding: Binding, call_id: str, cseq: int) -> None:
    # Step 7: within one Call-ID, an older request must not undo a newer one.
    if binding.call_id == call_id and cseq <= binding.cseq:
        raise _Refused(500)


def _merge(
    current: tuple[Binding, ...],
    wanted: list[tuple[Binding, Binding | None]],
    now: float,
    policy: Policy,
) -> Outcome:
    replaced = [old for _, old in wanted if old is not None]
    changed = tuple(new for new, _ in wanted if new.expires > now)
    kept = tuple(binding for binding in current if binding not in replaced)
    refreshed = [old for new, old in wanted if old is not None and new.expires > now]
    removed = [old for old in replaced if old not in refreshed]
    excess = len(kept) + len(changed) - policy.max_contacts
    if excess > 0:
        if not policy.remove_existing or len(changed) > policy.max_contacts:
            raise _Refused(403)
        oldest = sorted(kept, key=lambda binding: binding.expires)[:excess]
        removed += oldest
        kept = tuple(binding for binding in kept if binding not in oldest)
    return Outcome(200, kept + changed, changed, tuple(removed))
