"""One request as the gate gets it: who is named as the cause of what it changes, and its key."""

from stasisd.core.cause import Cause


class Asked:
    """A request's own id and its Idempotency-Key; then what the gate says about its answer.

    ``application`` is the one in whose name it is, where the way by which it came says so.

    ``sequences`` has the number of the last event that the request caused, by the application
    that heard it, as far as the grant may read those. ``replayed`` says that nothing was done,
    since the answer is that of an earlier request.
    """

    def __init__(
        self,
        request_id: str,
        idempotency_key: str | None = None,
        application: str | None = None,
    ) -> None:
        self.cause = Cause(request_id)
        self.idempotency_key = idempotency_key
        self.application = application
        self.sequences: dict[str, int] = {}
        self.replayed = False
