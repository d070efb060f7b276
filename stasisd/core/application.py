"""A Stasis application: a name, what it follows, and the socket that hears it."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from . import events
from .bus import EVERYTHING, Mailbox, Subscription, Topic
from .snapshots import ApplicationSnapshot

if TYPE_CHECKING:
    from .tenant import Tenant


class Application:
    """Exists while a socket serves it or it follows something.

    What it follows is counted: a channel that is in the application and was also subscribed
    to is followed until both have ended.
    """

    def __init__(self, tenant: "Tenant", name: str) -> None:
        """Applications are made by :meth:`Tenant.serve_application`."""
        self.tenant = tenant
        self.name = name
        self.application_name = name  # for caveats
        self.topic: Topic = f"application:{name}"
        self._followed: Counter[Topic] = Counter()
        self._subscription: Subscription | None = None

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
        )

    @property
    def is_served(self) -> bool:
        """Whether a socket hears this application."""
        return self._subscription is not None and not self._subscription.mailbox.ended

    def connect(self, mailbox: Mailbox, *, everything: bool) -> Subscription:
        """Let a mailbox hear what the application follows, in place of the one before.

        The one replaced hears that it was, and then nothing more; it stays open.
        """
        if self._subscription is not None:
            self.tell(events.ApplicationReplaced)
            self._subscription.cancel()
        heard = (self.topic, *self._followed, *((EVERYTHING,) if everything else ()))
        self._subscription = mailbox.subscribe(self.tenant.bus, heard, label=self.name)
        return self._subscription

    def disconnect(self, subscription: Subscription) -> None:
        """The socket is gone. Safe to call for one that was replaced."""
        subscription.cancel()
        if self._subscription is subscription:
            self._subscription = None
            self._retire_if_idle()

    def tell(self, event: type[events.Event], **fields: Any) -> None:
        """Publish what is meant for this application alone."""
        self.tenant.publish(event, (self.topic,), to_everyone=False, app=self.name, **fields)

    def follow(self, topic: Topic) -> None:
        """Hear a topic, once more than before."""
        self._followed[topic] += 1
        if self._subscription is not None:
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
        if self._subscription is not None:
            self._subscription.discard(topic)
        self._retire_if_idle()

    def follows(self, topic: Topic) -> bool:
        """Whether the application hears this topic."""
        return topic in self._followed

    def _retire_if_idle(self) -> None:
        if self._subscription is not None or self._followed:
            return
        # Once given up, the name may have gone to a successor.
        if self.tenant.applications.get(self.name) is self:
            del self.tenant.applications[self.name]
