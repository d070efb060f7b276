"""An endpoint: what can be called and can call, whether it is reachable, and its channels."""

from typing import TYPE_CHECKING, Any

from . import events
from .snapshots import ContactSnapshot, EndpointSnapshot, TextMessage

if TYPE_CHECKING:
    from .tenant import Tenant

CREATED = "NonQualified"
REMOVED = "Removed"


class Endpoint:
    """Made once for each configured endpoint of a tenant; technologies report to it."""

    def __init__(self, tenant: "Tenant", technology: str, resource: str) -> None:
        """``technology`` and ``resource`` are the two halves of ``PJSIP/100``."""
        self.tenant = tenant
        self.technology = technology
        self.resource = resource
        self.topics = (f"endpoint:{technology}/{resource}", f"endpoint:{technology}")
        self.contacts: dict[str, ContactSnapshot] = {}
        self.channel_ids: dict[str, None] = {}  # in the order they came

    @property
    def snapshot(self) -> EndpointSnapshot:
        """The endpoint as it is now."""
        return EndpointSnapshot(
            technology=self.technology,
            resource=self.resource,
            state="online" if self.contacts else "offline",
            channel_ids=tuple(self.channel_ids),
        )

    def reachable_at(self, uri: str) -> None:
        """A contact was registered, or registered again."""
        was_online = bool(self.contacts)
        contact = ContactSnapshot(uri=uri, contact_status=CREATED, aor=self.resource)
        known = uri in self.contacts
        self.contacts[uri] = contact
        if not was_online:
            self._publish(events.EndpointStateChange)
            self._publish(events.PeerStatusChange, peer_status="Reachable")
        if not known:
            self._publish(events.ContactStatusChange, contact=contact)
        self.tenant.device_states.tell(f"{self.technology}/{self.resource}")

    def unreachable_at(self, uri: str) -> None:
        """A contact expired or was removed."""
        if self.contacts.pop(uri, None) is None:
            return
        contact = ContactSnapshot(uri=uri, contact_status=REMOVED, aor=self.resource)
        if not self.contacts:
            self._publish(events.EndpointStateChange)
            self._publish(events.PeerStatusChange, peer_status="Unreachable")
        self._publish(events.ContactStatusChange, contact=contact)
        self.tenant.device_states.tell(f"{self.technology}/{self.resource}")

    def texted(self, message: TextMessage) -> None:
        """The endpoint sent a text."""
        self._publish(events.TextMessageReceived, message=message)

    def _publish(self, event: type[events.EndpointEvent], **fields: Any) -> None:
        self.tenant.publish(event, self.topics, endpoint=self.snapshot, **fields)
