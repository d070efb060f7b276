"""Answers that are remembered by the key of their request, so that a retry does nothing twice.

A key belongs to the grant that used it: another one's is another key. While the first request is
at work, those that repeat it wait for its answer. All outcomes are remembered, refusals too. One
that was broken off is remembered as such: to do it again could do it twice.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import trio

from caps.grant import Grant
from stasisd.core.cause import Cause

from .asking import Asked
from .errors import (
    InvalidParameter,
    OperationError,
    OperationFailed,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)

REMEMBERED_SECONDS = 3600.0
KEYS_OF_ONE_GRANT = 1000
GRANTS_OF_ONE_TENANT = 100

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_pack = msgspec.json.Encoder(order="sorted").encode


class _Outcome:
    """What became, or is becoming, of the first request with a key."""

    def __init__(self, fingerprint: bytes, cause: Cause, expires: float) -> None:
        self.fingerprint = fingerprint
        self.cause = cause
        self.expires = expires
        self.known = trio.Event()
        self.result: Any = None
        self.error: OperationError | None = None


# By key, the oldest first; and by grant, the one that used a key last at the end.
_Outcomes = OrderedDict[str, _Outcome]
_Grants = OrderedDict[tuple[Any, ...], _Outcomes]


class Remembered:
    """The outcomes of the last hour: the newest thousand of each grant, within bounds.

    Whoever holds a token can make many narrower ones of it, so the grants of a tenant are bounded,
    too; those of one tenant can't drive out another's.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` is in seconds; the bounds are those of this module."""
        self._now = now
        self._tenants: dict[str | None, _Grants] = {}

    async def perform(
        self,
        grant: Grant,
        operation: str,
        raw: Mapping[str, Any],
        asked: Asked,
        act: Callable[[], Awaitable[Any]],
    ) -> Any:
        """The result of ``act``, or of the earlier request with this key.

        Raises what that raised, and :class:`Unprocessable` where it was another request.
        """
        key = asked.idempotency_key
        if key is None or not _KEY.fullmatch(key):
            raise InvalidParameter("Idempotency-Key is 1 to 255 visible ASCII characters")
        fingerprint = hashlib.sha256(_pack([operation, raw])).digest()
        outcomes = self._of(grant)
        outcome = outcomes.get(key)
        if outcome is None:
            outcome = outcomes[key] = _Outcome(
                fingerprint, asked.cause, self._now() + REMEMBERED_SECONDS
            )
            await _settle(outcome, act)
            if isinstance(outcome.error, Unavailable | TooManyRequests):  # asked again, later
                outcomes.pop(key, None)
        else:
            if outcome.fingerprint != fingerprint:
                raise Unprocessable(
                    "Idempotency-Key was used for another request",
                    detail="repeat a request as it was, or give the new one a key of its own",
                )
            await outcome.known.wait()
            asked.replayed = True
            asked.cause = outcome.cause
        if outcome.error is not None:
            raise outcome.error.again()
        return outcome.result

    def _of(self, grant: Grant) -> _Outcomes:
        """What is remembered for this grant, after what is too old or too much has gone."""
        grants = self._tenants.setdefault(grant.tenant, OrderedDict())
        owner = (grant.token_id, grant.caveats)
        outcomes = grants.setdefault(owner, OrderedDict())
        grants.move_to_end(owner)
        while len(grants) > GRANTS_OF_ONE_TENANT:
            grants.popitem(last=False)
        now = self._now()
        for key, outcome in list(outcomes.items()):
            if outcome.expires > now and len(outcomes) < KEYS_OF_ONE_GRANT:
                break
            if outcome.known.is_set():
                del outcomes[key]
        return outcomes


async def _settle(outcome: _Outcome, act: Callable[[], Awaitable[Any]]) -> None:
    """Carry out the first request; whatever becomes of it is known afterwards."""
    outcome.error = OperationFailed(
        "The request was broken off", detail="whether it took effect is not known"
    )
    try:
        outcome.result = await act()
        outcome.error = None
    except OperationError as error:
        outcome.error = error
    finally:
        outcome.known.set()
