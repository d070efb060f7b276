"""A Stasis application: a name, what it follows, the log of what it heard, and who hears it."""

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import trio

from . import cause, events, orphans
from .bus import EVERYTHING, Delivery, Mailbox, Subscription, Topic
from .event_filter import EventFilter
from .journal import Journal
from .listener import Listener, Role, without
from .sharing import EVERYBODY, NOBODY, Sharing, Workers
from .snapshots import ApplicationSnapshot

if TYPE_CHECKING:
    from .tenant import Tenant


class Application:
    """Exists while a socket serves it or it follows something; its log outlives that a while.

    What it follows is counted: a channel that is in the application and was also subscribed
    to is followed until both have ended.
    """

    def __init__(self, tenant: "Tenant", name: str) -> None:
        """Applications are made by :meth:`Tenant.serve_application`."""
        self.tenant = tenant
        self.name = name
        self.application_name = name  # for caveats
        self.topic: Topic = f"application:{name}"
        self.filter = EventFilter()
        self.journal = Journal(tenant.numbers.begin(), tenant.settings.events)
        self.orphans = tenant.settings.orphans_of(name)
        self._sharing = Sharing(tenant)
        self._is_shared = False
        self._returned = trio.Event()  # of a socket that serves it
        self._names = itertools.count(1)  # of workers that have none
        # When the log of an application that nothing needs is given up.
        self.expires: float | None = None
        self._followed: Counter[Topic] = Counter()
        self._listeners: tuple[Listener, ...] = ()
        self._subscription = Subscription(tenant.bus, self, name)
        self._subscription.add(self.topic)

    @property
    def snapshot(self) -> ApplicationSnapshot:
        """The application as it is now."""

        def names(kind: str) -> tuple[str, ...]:
            prefix = f"{kind}:"
            followed = sorted(t for t in self._followed if t.startswith(prefix))
            return tuple(t.removeprefix(prefix) for t in followed)

        return ApplicationSnapshot(
            name=self.name,
            channel_ids=names("channel"),
            bridge_ids=names("bridge"),
            endpoint_ids=names("endpoint"),
            device_names=names("deviceState"),
            events_allowed=self.filter.allowed,
            events_disallowed=self.filter.disallowed,
        )

    # --- who hears it

    @property
    def is_served(self) -> bool:
        """Whether a socket takes this application's calls."""
        return any(listener.serves for listener in self._listeners)

    def connect(
        self,
        mailbox: Mailbox,
        *,
        everything: bool,
        role: Role = Role.SOLE,
        worker: str = "",
        resume: int | None = None,
    ) -> Listener:
        """Let a mailbox hear the application, in place of the one before.

        The one replaced hears that it was, and then nothing more; it stays open. Workers share
        the calls and replace none but who serves alone, and the one of the same name, whose
        calls they take over; observers replace nobody. ``resume`` is the number of the event
        that its client had last: what came after comes first, and where that is not all there
        any more it is told so.
        """
        if self.expires is not None:
            self._revive(keep_filter=resume is not None)
        if role is Role.WORKER:
            worker = worker or f"\0{next(self._names)}"  # which no client can say
        listener = Listener(mailbox=mailbox, everything=everything, role=role, worker=worker)
        for replaced in filter(listener.replaces, self._listeners):
            self._listeners = without(self._listeners, replaced)
            self.say(replaced, events.ApplicationReplaced)
        if resume is not None:
            self._resume(listener, resume)
        self._listeners = (*self._listeners, listener)
        self._hear_everything()
        if role is not Role.OBSERVER:
            self._is_shared = role is Role.WORKER
            self._returned.set()
        return listener

    def disconnect(self, listener: Listener) -> None:
        """The socket is gone. Safe to call for one that was replaced."""
        if listener not in self._listeners:
            return
        self._listeners = without(self._listeners, listener)
        if self._listeners:
            self._hear_everything()
        if listener.role is not Role.OBSERVER and not self.is_served:
            self._orphaned()
        self._retire_if_idle()

    def say(self, listener: Listener, event: type[events.SocketEvent], **fields: Any) -> None:
        """Tell one socket alone what is about itself: it has no number and is not kept."""
        said = event(timestamp=self.tenant.now(), app=self.name, **fields)
        listener.mailbox.deliver(Delivery(self.name, said))

    def _resume(self, listener: Listener, sequence: int) -> None:
        if not self.journal.reaches(sequence):
            oldest = self.journal.oldest
            self.say(listener, events.EventsLost, requested=sequence, oldest=oldest)
        if listener.role is Role.WORKER:
            self.journal.reassign(NOBODY, listener.worker)
            self._sharing.hand_over(NOBODY, listener.worker)
        missed = self.journal.after(sequence)
        listener.mailbox.replay(d for d in missed if listener.hears(d.workers))

    def _hear_everything(self) -> None:
        """As long as there is no other socket, what the last one wanted goes into the log."""
        if any(listener.everything for listener in self._listeners):
            self._subscription.add(EVERYTHING)
        else:
            self._subscription.discard(EVERYTHING)

    # --- what it hears

    def tell(self, event: type[events.Event], **fields: Any) -> None:
        """Publish what is meant for this application alone."""
        self.tenant.publish(event, (self.topic,), to_everyone=False, app=self.name, **fields)

    def put(self, label: str, event: events.Event) -> None:
        """Number an event, keep it, and hand it to who listens."""
        if self.expires is not None and event.timestamp >= self.expires:
            self.tenant.retired.drop(self.name)
            return
        if not self.filter.permits(type(event).__name__):
            return
        asked = cause.current()
        request_id = None if asked is None else asked.request_id
        workers = self._workers_for(event)
        delivery = self.journal.append(label, event, request_id, workers)
        if asked is not None:
            asked.sequences[self.name] = self.journal.last
        for listener in self._listeners:
            if listener.hears(workers):
                listener.mailbox.deliver(delivery)

    def _workers_for(self, event: events.Event) -> Workers:
        if not self._is_shared:
            return EVERYBODY
        there = [one.worker for one in self._listeners if one.role is Role.WORKER and one.serves]
        return self._sharing.workers_for(event, there)

    def follow(self, topic: Topic) -> None:
        """Hear a topic, once more than before."""
        self._followed[topic] += 1
        self._subscription.add(topic)

    def unfollow(self, topic: Topic) -> None:
        """Take one ``follow`` back."""
        if self._followed[topic] > 1:
            self._followed[topic] -= 1
        else:
            self.forget(topic)

    def forget(self, topic: Topic) -> None:
        """Hear a topic no more, however often it was followed."""
        self._followed.pop(topic, None)
        self._sharing.forget(topic)
        self._subscription.discard(topic)
        self._retire_if_idle()

    def follows(self, topic: Topic) -> bool:
        """Whether the application hears this topic."""
        return topic in self._followed

    # --- the end

    def dismiss(self, reason: str) -> None:
        """End all sockets that hear it, for this reason."""
        for listener in self._listeners:
            listener.mailbox.end(reason)

    def _orphaned(self) -> None:
        """Nobody serves it any more: see to its calls in time, if nobody comes."""
        if not self._returned.is_set() or self.tenant.draining:
            return  # they are being seen to, or their tenant ends
        self._returned = trio.Event()
        for policy in orphans.policies(self):
            self.tenant.start_soon(orphans.see_to, self, policy, self._returned)

    def _retire_if_idle(self) -> None:
        if self._listeners or self._followed:
            return
        if self.tenant.applications.get(self.name) is self:
            self._subscription.discard(self.topic)
            del self.tenant.applications[self.name]
            self.tenant.retired.keep(self)

    def _revive(self, *, keep_filter: bool) -> None:
        self._sharing = Sharing(self.tenant)  # it had no calls
        self.expires = None
        self._subscription.add(self.topic)
        if not keep_filter:
            self.filter = EventFilter()
            self.orphans = self.tenant.settings.orphans_of(self.name)

    def end(self) -> None:
        """Hear nothing more, for good."""
        self.tenant.numbers.passed(self.journal.last)
        self._subscription.cancel()
