"""Applications that nothing needs any more, kept a while for the log of what they heard."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from .journal import EventLimits

if TYPE_CHECKING:
    from .application import Application


class Retired:
    """Applications that nothing needs any more, with their logs, for who comes back in time."""

    def __init__(self, limits: EventLimits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._kept: OrderedDict[str, Application] = OrderedDict()

    def keep(self, application: "Application") -> None:
        """Keep one for its time; the oldest goes where there are too many."""
        application.expires = self._now() + self._limits.log_seconds
        self._kept[application.name] = application
        self._expire()
        while len(self._kept) > self._limits.logs:
            self.drop(next(iter(self._kept)))

    def take(self, name: str) -> "Application | None":
        """Take one back, if it is still here."""
        self._expire()
        return self._kept.pop(name, None)

    def drop(self, name: str) -> None:
        """Give one up."""
        application = self._kept.pop(name, None)
        if application is not None:
            application.end()

    def _expire(self) -> None:
        now = self._now()
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if oldest.expires is not None and oldest.expires > now:
                return
            self.drop(oldest.name)
