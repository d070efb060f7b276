"""Where phones are: the user agent's bindings as core's endpoints, and kept across a restart."""

from collections.abc import Callable, Mapping

import structlog
import trio

from stasisd.core.endpoint import Endpoint
from stasisd.sip.events import BindingChanged
from stasisd.sip.flow import Flow
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.registration import Binding
from stasisd.sip.uri import SipUri, parse_uri, same_uri
from stasisd.store.contacts import Contact, Contacts
from stasisd.store.errors import StoreError

from .line import Line
from .settings import key

log = structlog.get_logger(__name__)

# How long the end may take to save what is not saved yet.
LAST_SECONDS = 2.0


class Registrations:
    """``endpoints`` are core's, by the key of the account."""

    def __init__(
        self,
        line: Line,
        endpoints: Mapping[str, Endpoint],
        contacts: Contacts,
        wall_clock: Callable[[], float],
    ) -> None:
        self._line = line
        self._endpoints = endpoints
        self._contacts = contacts
        self._wall_clock = wall_clock
        # By tenant, name and URI: the binding as it is to be stored, None for none.
        self._unsaved: dict[tuple[str, str], dict[str, Binding | None]] = {}
        self._changed = trio.Event()

    def take(self, event: BindingChanged) -> None:
        """A phone registered, or is gone."""
        binding = event.binding
        endpoint = self._endpoints.get(binding.aor)
        if endpoint is None:
            return
        if event.removed:
            self._remove(endpoint, str(binding.uri))
            return
        for uri in _other_spellings(endpoint, binding.uri):
            self._remove(endpoint, uri)
        endpoint.reachable_at(str(binding.uri))
        self._note(endpoint, str(binding.uri), binding)

    def _remove(self, endpoint: Endpoint, uri: str) -> None:
        endpoint.unreachable_at(uri)
        self._note(endpoint, uri, None)

    def forget(self, endpoint: Endpoint) -> None:
        """An endpoint is no more: nobody is reachable there."""
        for uri in list(endpoint.contacts):
            self._remove(endpoint, uri)
        endpoint.tenant.forget_endpoint(endpoint)

    def _note(self, endpoint: Endpoint, uri: str, binding: Binding | None) -> None:
        whose = endpoint.tenant.name, endpoint.resource
        self._unsaved.setdefault(whose, {})[uri] = binding
        self._changed.set()

    async def save(self) -> None:
        """Store what changes, until cancelled; then what is left."""
        try:
            while True:
                await self._changed.wait()
                self._changed = trio.Event()
                await self._save_all()
        finally:
            with trio.move_on_after(LAST_SECONDS, shield=True):
                await self._save_all()

    async def _save_all(self) -> None:
        while self._unsaved:
            whose, bindings = self._unsaved.popitem()
            try:
                await self._save(*whose, bindings)
            except trio.Cancelled:  # it may not have been done
                self._unsaved[whose] = bindings | self._unsaved.get(whose, {})
                raise

    async def _save(self, tenant: str, name: str, bindings: Mapping[str, Binding | None]) -> None:
        offset = self._wall_clock() - self._line.now()
        put = [contact(tenant, name, kept, offset) for kept in bindings.values() if kept]
        gone = [uri for uri, kept in bindings.items() if kept is None]
        try:
            await self._contacts.update(tenant, name, put=put, remove=gone)
        except StoreError as error:
            log.warning("registration not saved", endpoint=f"PJSIP/{name}", reason=str(error))

    async def load(self) -> None:
        """Take over what an earlier run has stored. Raises the store's errors."""
        await self._contacts.purge(self._wall_clock())
        for stored in await self._contacts.unexpired(self._wall_clock()):
            endpoint = self._endpoints.get(key(stored.tenant, stored.aor))
            binding = self._binding(stored)
            if binding is None or endpoint is None:
                continue
            self._line.agent.restore_bindings([binding])
            endpoint.reachable_at(stored.uri)

    def _binding(self, stored: Contact) -> Binding | None:
        """The binding, if its phone can still be reached; a connection ended with its daemon."""
        local, uri = self._line.local("udp"), _sip_uri(stored.uri)
        if stored.transport != "udp" or local is None or uri is None:
            return None
        return Binding(
            aor=key(stored.tenant, stored.aor),
            uri=uri,
            expires=stored.expires - self._wall_clock() + self._line.now(),
            call_id=stored.call_id,
            cseq=stored.cseq,
            flow=Flow("udp", local, (stored.source_host, stored.source_port)),
            q=stored.q,
            user_agent=stored.user_agent,
        )


def _sip_uri(text: str) -> SipUri | None:
    try:
        uri = parse_uri(text)
    except MalformedSip:
        return None
    return uri if isinstance(uri, SipUri) else None


def _other_spellings(endpoint: Endpoint, uri: SipUri) -> list[str]:
    """Contacts that the user agent takes for the same (RFC 3261 section 19.1.4)."""
    others = [known for known in endpoint.contacts if known != str(uri)]
    return [known for known in others if same_uri(parse_uri(known), uri)]


def contact(tenant: str, name: str, binding: Binding, offset: float) -> Contact:
    """A binding as it is stored; ``offset`` makes seconds since the epoch of our clock's."""
    return Contact(
        tenant=tenant,
        aor=name,
        uri=str(binding.uri),
        expires=binding.expires + offset,
        call_id=binding.call_id,
        cseq=binding.cseq,
        q=binding.q,
        transport=binding.flow.transport,
        source_host=binding.flow.remote[0],
        source_port=binding.flow.remote[1],
        user_agent=binding.user_agent,
    )
