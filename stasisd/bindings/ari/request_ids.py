"""The id of a request: the client's own where it is fit to be repeated, else a new one."""

import re
import uuid

# It goes into logs, into a response header and into events.
_FIT = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


def request_id(given: str | None) -> str:
    """Return the client's own request id if it is short and plain, else a new one."""
    if given is not None and _FIT.fullmatch(given):
        return given
    return uuid.uuid4().hex
