"""Which request caused what happens: every event can name it.

The request in whose course something happens is a context variable, so tasks that it starts go on
in its name: a playback's end still says who asked to play. What outlives one request and is ended
by another takes that one's name over, by :func:`caused_by`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cause:
    """A request, and the last event that it caused so far in each application."""

    __slots__ = ("request_id", "sequences")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.sequences: dict[str, int] = {}


_current: ContextVar[Cause | None] = ContextVar("cause", default=None)


def current() -> Cause | None:
    """The request in whose course we run, if any."""
    return _current.get()


@contextmanager
def caused_by(cause: Cause | None) -> Iterator[None]:
    """Run the block in the course of this request; with None, of no request."""
    token = _current.set(cause)
    try:
        yield
    finally:
        _current.reset(token)


class Ending:
    """Which request ended something that another one began.

    Who ends it says ``by_now``, the first one counts. The task that was ended and still has to
    tell goes on in that request's name, or in none, if it was no request.
    """

    def __init__(self) -> None:
        self._known = False
        self._cause: Cause | None = None

    def by_now(self) -> None:
        """It is ended in the course of what runs now."""
        if not self._known:
            self._known, self._cause = True, current()

    def take_over(self) -> None:
        """Let the rest of this task be in the course of what ended it, if anything did."""
        if self._known:
            _current.set(self._cause)
