"""What one call leaves in the audit log: one entry, made when it is decided."""

from collections.abc import Callable

from caps.grant import Grant
from stasisd.core.audit_log import AuditLog
from stasisd.store.audit import Entry

from .asking import Asked
from .errors import NotAllowed, NotFound, OperationError, Unavailable

MOST_OBJECTS = 20  # names in one entry
MOST_OF_A_NAME = 200  # characters: what is asked for may be anything


class Trail:
    """Gathers what a call names. The caller's token is told by its id alone."""

    def __init__(
        self,
        log: AuditLog | None,
        grant: Grant,
        operation: str,
        asked: Asked | None,
        now: Callable[[], float],
    ) -> None:
        """``log`` is the tenant's, or the operators' for a grant of no tenant, if one is kept.

        Raises :class:`Unavailable` where it has no room for another entry.
        """
        if log is not None and log.is_full:
            raise Unavailable("The audit log can't be written", detail="see the daemon's log")
        self._log = log
        self._grant = grant
        self._operation = operation
        self._request_id = asked.cause.request_id if asked is not None else ""
        self._now = now
        self._objects: dict[str, None] = {}
        # Why an object was said to be absent that is there.
        self.hidden = ""
        self._told = False

    def names(self, kind: str, object_id: str) -> None:
        """The call is about this object."""
        if len(self._objects) < MOST_OBJECTS:
            self._objects[f"{kind}:{object_id[:MOST_OF_A_NAME]}"] = None

    def allow(self) -> None:
        """It may be done. Only the first word on a call is written."""
        self._tell("allow", "")

    def refuse(self, error: OperationError) -> None:
        """It is not done, and this is said of it."""
        if self.hidden or isinstance(error, NotAllowed):
            self._tell("deny", self.hidden or error.detail or error.message)
        else:
            self._tell("absent" if isinstance(error, NotFound) else "invalid", error.message)

    def _tell(self, outcome: str, reason: str) -> None:
        if self._told or self._log is None:
            return
        self._told = True
        self._log.record(
            Entry(
                at=self._now(),
                tenant=self._grant.tenant or "",
                token=self._grant.token_id,
                operation=self._operation,
                objects=tuple(self._objects),
                outcome=outcome,
                reason=reason,
                request=self._request_id,
            )
        )
