"""Why an operation was not carried out, in the operations' own terms.

A binding translates each class to its own code; the message is for whoever asked.
"""

from typing import ClassVar, Self


class OperationError(Exception):
    """The root of all. ``kind`` is a stable name of the condition."""

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        """``detail`` explains beyond the message that clients know."""
        super().__init__(message)
        self.message = message
        self.detail = detail

    def again(self) -> Self:
        """The same refusal for somebody else: an exception is raised once."""
        return type(self)(self.message, detail=self.detail)


class NotAuthenticated(OperationError):
    """Nobody we know asked."""

    kind = "not_authenticated"


class TooSoon(OperationError):
    """Not now, but after a while."""

    def __init__(self, message: str, retry_after: int) -> None:
        """``retry_after`` is in seconds."""
        super().__init__(message, detail=f"Try again in {retry_after} s.")
        self.retry_after = retry_after

    def again(self) -> Self:
        """The same refusal for somebody else."""
        return type(self)(self.message, self.retry_after)


class TooManyAttempts(TooSoon):
    """Who asks has guessed too much, or too many ask to be let in. Nothing was looked at."""

    kind = "too_many_attempts"


class TooManyRequests(TooSoon):
    """A tenant asks faster than its limits allow."""

    kind = "too_many_requests"


class NotAllowed(OperationError):
    """Who asked may not do this."""

    kind = "not_allowed"


class InvalidParameter(OperationError):
    """A parameter is missing or can't be understood."""

    kind = "invalid_parameter"


class NotFound(OperationError):
    """The object has no name here."""

    kind = "not_found"


class Conflict(OperationError):
    """The object is not where it would have to be for this."""

    kind = "conflict"


class WrongState(OperationError):
    """The object's state does not allow this."""

    kind = "wrong_state"


class Unprocessable(OperationError):
    """What a parameter names can't be used for this."""

    kind = "unprocessable"


class OperationFailed(OperationError):
    """We tried and could not."""

    kind = "failed"


class AllocationFailed(OperationError):
    """A channel could not be made."""

    kind = "allocation_failed"


class NotSupported(OperationError):
    """There is no such way to do this here."""

    kind = "not_supported"


class StorageFull(OperationError):
    """There is no room for what shall be kept."""

    kind = "storage_full"


class Unavailable(OperationError):
    """Not now: the daemon is stopping."""

    kind = "unavailable"
