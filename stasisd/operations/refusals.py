"""What the audit log tells of those who are not let in: within bounds, since anybody can try."""

from collections.abc import Callable

from stasisd.core.audit_log import AuditLog
from stasisd.credentials.throttle import Throttle
from stasisd.store.audit import Entry

from .errors import OperationError

LOGIN = "login"  # stands where an entry names the operation
AT_ONCE, INTERVAL = 20, 5.0  # entries of one address at once, and seconds to the next


class Refusals:
    """Entries in the operators' log: of whom a refused one is can't be said."""

    def __init__(self, log: AuditLog | None, now: Callable[[], float]) -> None:
        """``now`` is in seconds since the epoch. Without a log nothing is told."""
        self._log = log
        self._now = now
        self._throttle = Throttle(AT_ONCE, INTERVAL)
        self._left_out = 0

    def tell(self, error: OperationError, address: str, request_id: str) -> None:
        """Somebody showed something and was not let in. What was shown is not told."""
        if self._log is None:
            return
        now = self._now()
        if self._log.is_full or self._throttle.wait(address, now):
            self._left_out += 1
            return
        self._throttle.take(address, now)
        reason = error.detail or error.message
        if self._left_out:
            reason += f" ({self._left_out} refusals before were left out)"
            self._left_out = 0
        self._log.record(
            Entry(
                at=now,
                operation=LOGIN,
                outcome="deny",
                objects=(f"address:{address}",),
                reason=reason,
                request=request_id,
            )
        )
