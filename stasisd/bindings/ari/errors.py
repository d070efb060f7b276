"""ARI's status codes for the conditions that operations name."""

from typing import Any

from stasisd.operations.errors import OperationError

STATUS = {
    "not_authenticated": 401,
    "too_many_attempts": 429,
    "not_allowed": 403,
    "invalid_parameter": 400,
    "not_found": 404,
    "conflict": 409,
    "wrong_state": 412,
    "unprocessable": 422,
    "too_many_requests": 429,
    "failed": 500,
    "allocation_failed": 500,
    "not_supported": 501,
    "unavailable": 503,
    "storage_full": 507,
}
# Clients know this one by another field.
FIELD = {"allocation_failed": "error"}


def status_of(error: OperationError) -> int:
    """The HTTP status of an error."""
    return STATUS.get(error.kind, 500)


def body_of(error: OperationError) -> dict[str, Any]:
    """The JSON of an error; ``detail`` is ours, beyond ARI."""
    body = {FIELD.get(error.kind, "message"): error.message}
    if error.detail is not None:
        body["detail"] = error.detail
    return body
