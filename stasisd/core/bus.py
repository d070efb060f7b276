"""A tenant's message bus.

``publish`` is synchronous: it puts the event into the mailbox of every subscription of its topics
before it returns, in one order that all readers see. A mailbox is a bounded queue and a wake-up;
its reader drains it whole. Who reads too slowly is cut off, never waited for. The last message
in a mailbox is :class:`Ended`, once.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec
import trio

from .events import Event

# A topic names one source of events: "channel:ID", "bridge:ID", "endpoint:TECH/RESOURCE",
# "application:NAME", or EVERYTHING.
Topic = str
EVERYTHING: Topic = "*"

DEFAULT_LIMIT = 10_000
DEFAULT_BYTES = 16 << 20


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The final message of a mailbox, and why it ended."""

    reason: str


class Delivery(NamedTuple):
    """An event and the label of the subscription that heard it.

    What an application heard has more: its number there, the id of the request that caused it,
    its size in bytes, and the workers that it is for (none: for all).
    """

    label: str
    event: Event
    sequence: int | None = None
    caused_by: str | None = None
    size: int = 0
    workers: tuple[str, ...] = ()


class Sink(Protocol):
    """What a subscription puts events into; it must not fail."""

    def put(self, label: str, event: Event) -> None:
        """Take one event."""


class Mailbox:
    """Where a reader gets what its subscriptions hear, in order."""

    def __init__(self, limit: int = DEFAULT_LIMIT, limit_bytes: int = DEFAULT_BYTES) -> None:
        """``limit`` bounds the messages that may wait, ``limit_bytes`` the sizes that they say."""
        self.ended = False
        self._limit = self._room = limit
        self._limit_bytes = self._room_bytes = limit_bytes
        self._queue: list[Delivery | Ended] = []
        self._wakeup = trio.Event()
        self._subscriptions: list[Subscription] = []

    def subscribe(
        self, bus: "Bus", topics: Iterable[Topic] = (), label: str = ""
    ) -> "Subscription":
        """Hear topics of a bus in this mailbox, each event with the label."""
        subscription = Subscription(bus, self, label)
        self._subscriptions.append(subscription)
        for topic in topics:
            subscription.add(topic)
        return subscription

    def put(self, label: str, event: Event) -> None:
        """Queue one event; a full mailbox ends instead."""
        self.deliver(Delivery(label, event))

    def deliver(self, delivery: Delivery) -> None:
        """Queue what an application heard; a full mailbox ends instead."""
        if self.ended:
            return
        if self._room <= 0:
            self.end(f"read too slowly: {self._limit} messages were waiting")
            return
        if self._room_bytes < delivery.size:
            self.end(f"read too slowly: {self._limit_bytes} bytes were waiting")
            return
        self._room -= 1
        self._room_bytes -= delivery.size
        self._queue.append(delivery)
        self._wakeup.set()

    def replay(self, deliveries: Iterable[Delivery]) -> None:
        """Queue what was heard before, within the bounds of whoever kept it."""
        self._queue += deliveries
        self._wakeup.set()

    def end(self, reason: str = "unsubscribed") -> None:
        """Cancel all subscriptions and queue the final message. Idempotent."""
        if self.ended:
            return
        self.ended = True
        for subscription in self._subscriptions:
            subscription.cancel()
        self._queue.append(Ended(reason))
        self._wakeup.set()

    async def receive(self) -> list[Delivery | Ended]:
        """Wait for messages and take all there are, oldest first.

        After :class:`Ended` has been taken it waits for ever, so a reader stops at it.
        """
        while not self._queue:
            await self._wakeup.wait()
        taken, self._queue = self._queue, []
        self._room, self._room_bytes = self._limit, self._limit_bytes
        self._wakeup = trio.Event()
        return taken


class Subscription:
    """The topics that one label of a sink hears. :meth:`Mailbox.subscribe` makes a mailbox's."""

    def __init__(self, bus: "Bus", sink: Sink, label: str) -> None:
        self.sink = sink
        self.label = label
        self.cancelled = False
        self._bus = bus
        self._topics: set[Topic] = set()

    def add(self, topic: Topic) -> None:
        """Hear this topic too. Nothing happens once it was cancelled."""
        if not self.cancelled and topic not in self._topics:
            self._topics.add(topic)
            self._bus.attach(topic, self)

    def discard(self, topic: Topic) -> None:
        """Hear this topic no more."""
        if topic in self._topics:
            self._topics.discard(topic)
            self._bus.detach(topic, self)

    def cancel(self) -> None:
        """Hear nothing more, ever. The mailbox stays open for its other subscriptions."""
        self.cancelled = True
        for topic in list(self._topics):
            self.discard(topic)


class Bus:
    """Routes events from topics to subscriptions."""

    def __init__(self) -> None:
        # Tuples, replaced whole: whoever ends in the middle of a fan-out can't disturb it.
        self._routes: dict[Topic, tuple[Subscription, ...]] = {}

    def publish(self, event: Event, topics: Iterable[Topic], *, to_everyone: bool = True) -> None:
        """Hand the event to all who hear one of the topics: once each, in one step.

        ``to_everyone`` includes those who hear everything; what is addressed to one
        application only goes without.
        """
        listening = self._routes.get(EVERYTHING, ()) if to_everyone else ()
        for topic in topics:
            more = self._routes.get(topic)
            if more:
                listening = listening + more if listening else more
        for subscription in dict.fromkeys(listening):
            subscription.sink.put(subscription.label, event)

    def attach(self, topic: Topic, subscription: Subscription) -> None:
        """Route a topic to a subscription; use :meth:`Subscription.add`."""
        self._routes[topic] = (*self._routes.get(topic, ()), subscription)

    def detach(self, topic: Topic, subscription: Subscription) -> None:
        """End what :meth:`attach` began; use :meth:`Subscription.discard`."""
        left = tuple(s for s in self._routes.get(topic, ()) if s is not subscription)
        if left:
            self._routes[topic] = left
        else:
            self._routes.pop(topic, None)

    def retire(self, topic: Topic) -> None:
        """An object is gone: forget who heard it."""
        for subscription in self._routes.get(topic, ()):
            subscription.discard(topic)

    def statistics(self) -> dict[str, int]:
        """How many topics are heard, and by how many subscriptions in all."""
        return {
            "topics": len(self._routes),
            "routes": sum(len(route) for route in self._routes.values()),
        }
