"""Texts to and from phones, and asking a phone to call somebody."""

from collections.abc import Mapping

import structlog

from stasisd.core.endpoint import Endpoint
from stasisd.core.snapshots import TextMessage
from stasisd.core.technology import BadMessage, NotReachable
from stasisd.sip import events
from stasisd.sip.flow import Flow
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.registration import Binding
from stasisd.sip.requests import LONGEST_DATAGRAM
from stasisd.sip.uri import NameAddr, SipUri, parse_name_addr

from .accounts import NAME, key_of
from .line import Line

log = structlog.get_logger(__name__)

LONGEST = 65_536


class Messages:
    """``endpoints`` are core's, by the key of the account."""

    def __init__(self, line: Line, endpoints: Mapping[str, Endpoint]) -> None:
        self._line = line
        self._endpoints = endpoints
        self._sent: dict[events.RequestId, Endpoint] = {}

    def received(self, event: events.MessageReceived) -> None:
        """A phone sent a text."""
        endpoint = self._endpoints.get(event.endpoint)
        if endpoint is not None:
            endpoint.texted(TextMessage(str(event.from_.uri), str(event.to.uri), event.text))

    def answered(self, event: events.RequestAnswered) -> None:
        """A phone took a text or a referral, or did not."""
        endpoint = self._sent.pop(event.request, None)
        if endpoint is not None and event.status >= 300:
            log.info(
                "message refused",
                tenant=endpoint.tenant.name,
                endpoint=f"{NAME}/{endpoint.resource}",
                status=event.status,
                reason=event.reason,
            )

    def send_text(
        self, endpoint: Endpoint, sender: str, text: str, fields: Mapping[str, str]
    ) -> None:
        """Send a text to a phone. Raises NotReachable and BadMessage."""
        binding = self._binding(endpoint)
        longest = LONGEST if binding.flow.is_reliable else LONGEST_DATAGRAM
        if len(text.encode()) > longest:
            raise BadMessage(f"the body has more than {longest} bytes")
        try:
            name = self._line.agent.message(
                binding.uri,
                NameAddr(SipUri(binding.uri.host, endpoint.resource)),
                self._sender(endpoint, sender, binding.flow),
                binding.flow,
                text,
                self._line.now(),
                fields=list(fields.items()),
            )
        except MalformedSip as error:
            raise BadMessage(str(error)) from None
        self._wait_for(name, endpoint)

    def refer(
        self,
        endpoint: Endpoint,
        sender: str,
        target: str,
        fields: Mapping[str, str],
        *,
        to_us: bool,
    ) -> None:
        """Ask a phone to call. Raises NotReachable and BadMessage."""
        binding = self._binding(endpoint)
        try:
            name = self._line.agent.refer(
                binding.uri,
                NameAddr(SipUri(binding.uri.host, endpoint.resource)),
                self._sender(endpoint, sender, binding.flow),
                binding.flow,
                self._target(endpoint, target, binding.flow, to_us=to_us),
                self._line.now(),
                fields=list(fields.items()),
            )
        except MalformedSip as error:
            raise BadMessage(str(error)) from None
        self._wait_for(name, endpoint)

    def _wait_for(self, name: events.RequestId, endpoint: Endpoint) -> None:
        self._sent[name] = endpoint
        self._line.flush()

    def _binding(self, endpoint: Endpoint) -> Binding:
        bindings = self._line.agent.bindings(key_of(endpoint), self._line.now())
        if not bindings:
            raise NotReachable(f"{NAME}/{endpoint.resource} is not registered")
        return bindings[0]

    def _sender(self, endpoint: Endpoint, sender: str, flow: Flow) -> NameAddr:
        """An address as given, or that of a name here. Raises MalformedSip."""
        if ":" in sender:
            scheme, _, name = sender.partition(":")
            if scheme.lower() != NAME.lower():
                return parse_name_addr(sender)
            sender = name
        return NameAddr(self._here(endpoint, sender.rpartition("/")[2], flow))

    def _here(self, endpoint: Endpoint, name: str, flow: Flow) -> SipUri:
        return SipUri(self._line.host_of(endpoint.tenant, flow), name, flow.local[1])

    def _target(self, endpoint: Endpoint, target: str, flow: Flow, *, to_us: bool) -> NameAddr:
        """Whom to call: an endpoint here, directly or through us, or an address as given."""
        name = target.removeprefix(f"{NAME}/").removeprefix(f"{NAME.lower()}:")
        known = endpoint.tenant.endpoints.get((NAME, name))
        if known is None:
            if name != target:
                raise NotReachable(f"there is no endpoint {target!r}")
            return parse_name_addr(target)
        return NameAddr(self._here(endpoint, name, flow) if to_us else self._binding(known).uri)
