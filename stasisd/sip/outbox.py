"""What a user agent has to say, until somebody collects it."""

from collections import Counter

from .events import Event, MalformedReceived
from .flow import Flow


class Outbox:
    """Datagrams, events and counters; the first two are taken by draining."""

    def __init__(self) -> None:
        self._datagrams: list[tuple[Flow, bytes]] = []
        self._events: list[Event] = []
        self.counts: Counter[str] = Counter()

    def send(self, flow: Flow, data: bytes) -> None:
        """Queue bytes for a flow."""
        self.counts["sent"] += 1
        self._datagrams.append((flow, data))

    def emit(self, event: Event) -> None:
        """Queue an event."""
        self._events.append(event)

    def malformed(self, flow: Flow, error: Exception) -> None:
        """Count and report what can't be understood."""
        self.counts["malformed"] += 1
        self.emit(MalformedReceived(flow, str(error)))

    def drain_datagrams(self) -> list[tuple[Flow, bytes]]:
        """Take all datagrams."""
        drained, self._datagrams = self._datagrams, []
        return drained

    def drain_events(self) -> list[Event]:
        """Take all events."""
        drained, self._events = self._events, []
        return drained
