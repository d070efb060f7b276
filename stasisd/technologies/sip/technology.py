"""``PJSIP/endpoint``: phones over SIP and RTP.

A sans-IO user agent in the middle; here are its sockets, its clock, and what its events mean to
channels and endpoints. Everything that acts on the user agent is synchronous and flushes what
the agent wants sent, so a BYE leaves also from ``finally``.
"""

import itertools
import secrets
import socket
import time
from collections.abc import Iterable, Mapping

import msgspec
import structlog
import trio

from stasisd.core.channel import Channel
from stasisd.core.endpoint import Endpoint
from stasisd.core.snapshots import ChannelSnapshot, DialplanPosition, Party
from stasisd.core.technology import AllocationFailed, NewChannel
from stasisd.core.tenant import Draining, Tenant
from stasisd.media.control import MediaUnavailable, NoPortsLeft, Port
from stasisd.sip import events
from stasisd.sip.causes import cause_of_status
from stasisd.sip.endpoint import Endpoint as UserAgent
from stasisd.sip.events import CallId
from stasisd.sip.flow import Address, Flow
from stasisd.sip.registration import Binding
from stasisd.sip.settings import Settings, Transport
from stasisd.sip.uri import NameAddr, SipUri, parse_uri
from stasisd.store.contacts import Contact, Contacts

from .description import Description, NotAcceptable, SdpError
from .directory import Directory
from .leg import InboundLeg, Leg, OutboundLeg
from .settings import SipAccount, SipSettings
from .sockets import Connected, Sockets

log = structlog.get_logger(__name__)

NAME = "PJSIP"
ANY_INTERFACE = {"0.0.0.0", "::"}  # noqa: S104 - to compare with, not to bind
# An address for documentation (RFC 5737): the way there is the way to everybody.
ELSEWHERE = ("192.0.2.1", 9)
# Bindings changed that the database has not taken yet; beyond, the oldest is lost to a restart.
UNSAVED = 1000


class Sip:
    """The technology, one for all tenants: an account's tenant is its calls' tenant."""

    name = NAME

    def __init__(
        self,
        settings: SipSettings,
        tenants: Mapping[str, Tenant],
        accounts: Iterable[SipAccount],
        contacts: Contacts,
    ) -> None:
        """Adds itself and the accounts' endpoints to the tenants."""
        self._settings = settings
        self._tenants = tenants
        self._directory = Directory(settings, accounts)
        self._contacts = contacts
        self._legs: dict[CallId, Leg] = {}
        self._arriving: set[CallId] = set()
        self._kick = trio.Event()
        self._quiet = trio.Event()
        self._sessions = itertools.count(int(time.time()))
        self._unsaved, self._to_save = trio.open_memory_channel[events.BindingChanged](UNSAVED)
        self.addresses: list[Address] = []
        self.agent: UserAgent
        self._sockets: Sockets
        self._nursery: trio.Nursery
        for account in self._directory.all():
            tenant = tenants[account.tenant]
            tenant.technologies[NAME] = self
            tenant.endpoints[NAME, account.name] = Endpoint(tenant, NAME, account.name)

    # --- the service

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Raises CannotListen before anything else has begun."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._sockets = Sockets(nursery)
            try:
                self.agent = UserAgent(
                    Settings(
                        transports=await self._listen(),
                        realm=self._settings.realm,
                        algorithms=self._settings.algorithms,
                    ),
                    self._directory,
                    token=lambda: secrets.token_hex(8),
                    secret=secrets.token_bytes(32),
                )
                await self._load_bindings()
                nursery.start_soon(self._hear)
                nursery.start_soon(self._watch_clock)
                nursery.start_soon(self._save_bindings)
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._sockets.close()

    async def _listen(self) -> tuple[Transport, ...]:
        given, made = self._settings, []
        port = given.port
        if given.udp:
            local = self._sockets.listen_udp(given.host, port)
            port = local[1]  # a port that was found free serves both transports
            made.append(Transport("udp", local, self._advertised(local)))
        if given.tcp:
            local = await self._sockets.listen_tcp(given.host, port)
            made.append(Transport("tcp", local, self._advertised(local)))
        self.addresses = [transport.local for transport in made[:1]]
        return tuple(made)

    def _advertised(self, local: Address) -> Address:
        """What Via and Contact say: one address for all peers."""
        if self._settings.advertised_address is not None:
            return self._settings.advertised_address, local[1]
        if local[0] in ANY_INTERFACE:
            return _interface_towards(ELSEWHERE), local[1]
        return local

    def now(self) -> float:
        """The user agent's clock."""
        return trio.current_time()

    async def _hear(self) -> None:
        while True:
            for heard in await self._sockets.receive():
                if isinstance(heard, Connected):
                    self._connected(heard)
                elif heard.data:
                    self.agent.receive(heard.data, heard.flow, self.now())
                else:
                    self.agent.flow_closed(heard.flow, self.now())
                self._process()

    def _connected(self, heard: Connected) -> None:
        if heard.connection is None:
            self.agent.flow_closed(heard.flow, self.now())
        else:
            self.agent.flow_opened(heard.flow, heard.connection)

    async def _watch_clock(self) -> None:
        while True:
            due = self.agent.next_timeout()
            with trio.move_on_at(float("inf") if due is None else due):
                await self._kick.wait()
            self.agent.handle_timeout(self.now())
            self._process()
            # After the processing, which kicks too: what is next due is asked for at once anyway.
            self._kick = trio.Event()

    def flush(self) -> None:
        """Send what the user agent wants sent; its events are taken up by our own task."""
        for flow, data in self.agent.datagrams_to_send(self.now()):
            self._sockets.send(flow, data)
        self._kick.set()

    def _process(self) -> None:
        """Act on all events there are, and send what comes of it."""
        self.flush()
        while happened := self.agent.events():
            for event in happened:
                self._take(event)
            self.flush()
        if self._is_quiet():
            self._quiet.set()

    def _is_quiet(self) -> bool:
        return not self._legs and not self.agent.statistics()["calls"]

    async def wait_quiet(self) -> None:
        """Wait until no call is left, and the last BYE is answered."""
        while not self._is_quiet():
            self._quiet = trio.Event()
            await self._quiet.wait()

    def _take(self, event: events.Event) -> None:
        match event:
            case events.CallReceived():
                self._arriving.add(event.call)
                self._nursery.start_soon(self._welcome, event)
            case events.BindingChanged():
                self._binding_changed(event)
            case events.ConnectionWanted():
                self._sockets.connect(event.flow)
            case events.CloseWanted():
                self._sockets.disconnect(event.flow)
            case events.MalformedReceived():
                self._complain("malformed SIP", event.flow, error=event.error)
            case events.AuthenticationFailed():
                self._complain("authentication failed", event.flow, user=event.username)
            case events.Registered() | events.RegistrationFailed():
                pass  # this endpoint registers nowhere
            case _:
                self._arriving.discard(event.call)
                leg = self._legs.get(event.call)
                if leg is not None:
                    leg.take(event)

    def _complain(self, what: str, flow: Flow, **details: str) -> None:
        log.warning(what, source=f"{flow.remote[0]}:{flow.remote[1]}", **details)

    # --- calls in

    async def _welcome(self, event: events.CallReceived) -> None:
        """Turn a call that a phone makes into a channel in the dialplan."""
        account = self._directory.find(event.endpoint)
        assert account is not None, "the user agent lets nobody else through"
        tenant = self._tenants[account.tenant]
        exten = event.target.user
        if tenant.draining:
            self._refuse(event.call, 503)
        elif not tenant.router.exists(account.context, exten, 1):
            self._refuse(event.call, 404)
        else:
            try:
                port = await tenant.media.open_rtp()
            except (NoPortsLeft, MediaUnavailable) as unavailable:
                log.warning("call refused", reason=str(unavailable))
                self._refuse(event.call, 503)
            else:
                self._begin(event, account, tenant, port)

    def _begin(
        self, event: events.CallReceived, account: SipAccount, tenant: Tenant, port: Port
    ) -> None:
        if event.call not in self._arriving:  # given up meanwhile
            port.close()
            return
        leg = InboundLeg(self, account, event.call)
        assert port.address is not None
        leg.description = self.describe(account, event.flow, port.address[1])
        try:
            if event.body:
                leg.answer_body, remote = leg.description.answer(event.body)
                port.set_remote(remote)
            else:
                leg.answer_body = leg.description.offer()
            leg.channel = self._channel(tenant, leg, account, event)
            tenant.add_channel(leg.channel)
        except (NotAcceptable, SdpError, Draining) as problem:
            port.close()
            status = {NotAcceptable: 488, Draining: 503}.get(type(problem), 400)
            self._refuse(event.call, status)
            return
        self._arriving.discard(event.call)
        self._legs[event.call] = leg
        leg.channel.attach(port)
        tenant.start(leg.channel, tenant.router.run)

    def _channel(
        self, tenant: Tenant, leg: Leg, account: SipAccount, event: events.CallReceived
    ) -> Channel:
        caller = Party(account.caller_name or event.from_.display, account.caller_number)
        position = DialplanPosition(account.context, event.target.user, 1)
        return self._make(tenant, leg, account, "Ring", position, caller, event.sip_call_id)

    def _make(
        self,
        tenant: Tenant,
        leg: Leg,
        account: SipAccount,
        state: str,
        position: DialplanPosition,
        caller: Party,
        protocol_id: str = "",
        *,
        new: NewChannel | None = None,
    ) -> Channel:
        return Channel(
            tenant,
            leg,
            ChannelSnapshot(
                id=(new and new.channel_id) or tenant.new_channel_id(),
                name=f"{NAME}/{account.name}-{tenant.new_name_suffix()}",
                state=state,
                protocol_id=protocol_id,
                caller=caller,
                connected=new.connected if new is not None else Party(),
                dialplan=position,
                creationtime=tenant.now(),
                language=tenant.settings.language,
                channelvars=tenant.shown_variables({}),
            ),
            endpoint=(NAME, account.name),
            dialstring=account.name,
        )

    def _refuse(self, call: CallId, status: int) -> None:
        if call in self._arriving:
            self._arriving.discard(call)
            self.agent.reject(call, status, cause_of_status(status), self.now())
            self.flush()

    # --- calls out

    def request(self, tenant: Tenant, resource: str, new: NewChannel) -> Channel:
        """Make a channel to a registered endpoint. Raises AllocationFailed."""
        account = self._directory.find(resource)
        if account is None or account.tenant != tenant.name:
            raise AllocationFailed(f"there is no endpoint {resource!r}")
        bindings = self.agent.bindings(account.name, self.now())
        if not bindings:
            raise AllocationFailed(f"endpoint {resource!r} is not registered")
        wanted = tuple(name for name in new.formats if name in account.codecs)
        if wanted:
            account = msgspec.structs.replace(account, codecs=wanted)
        leg = OutboundLeg(self, account, bindings[0])
        position = DialplanPosition(account.context, "s", 1)
        leg.channel = self._make(tenant, leg, account, "Down", position, new.caller, new=new)
        tenant.add_channel(leg.channel)
        return leg.channel

    def invite(self, leg: OutboundLeg, binding: Binding, offer: bytes) -> CallId:
        """Send the INVITE of a leg, over the way by which the phone registered."""
        shown = leg.channel.snapshot.connected
        host = self._reachable_host(binding.flow)
        call = self.agent.invite(
            binding.uri,
            from_=NameAddr(SipUri(host, shown.number or "anonymous"), shown.name),
            to=NameAddr(SipUri(binding.uri.host, leg.account.name)),
            flow=binding.flow,
            body=offer,
            now=self.now(),
        )
        self._legs[call] = leg
        leg.channel.change(protocol_id=self.agent.sip_call_id(call) or "")
        self.flush()
        return call

    def describe(self, account: SipAccount, flow: Flow, port: int) -> Description:
        """A description of media at this port, by an address that the far end can reach."""
        host = self._settings.media_address or self._reachable_host(flow)
        return Description((host, port), str(next(self._sessions)), account.codecs)

    def _reachable_host(self, flow: Flow) -> str:
        """Our address as somebody on this flow reaches it."""
        if self._settings.advertised_address is not None:
            return self._settings.advertised_address
        host = flow.local[0]
        return _interface_towards(flow.remote) if host in ANY_INTERFACE else host

    def forget(self, leg: Leg) -> None:
        """A leg's channel is over."""
        if leg.call is not None:
            self._legs.pop(leg.call, None)
        if self._is_quiet():
            self._quiet.set()

    # --- registrations

    def _binding_changed(self, event: events.BindingChanged) -> None:
        account = self._directory.find(event.binding.aor)
        if account is None:
            return
        endpoint = self._tenants[account.tenant].endpoints[NAME, account.name]
        uri = str(event.binding.uri)
        if event.removed:
            endpoint.unreachable_at(uri)
        else:
            endpoint.reachable_at(uri)
        try:
            self._unsaved.send_nowait(event)
        except trio.WouldBlock:
            log.warning(
                "a registration is not saved: the database is behind", endpoint=account.name
            )

    async def _save_bindings(self) -> None:
        async for event in self._to_save:
            account = self._directory.find(event.binding.aor)
            if account is None:
                continue
            contact = _contact(account.tenant, event.binding, time.time() - self.now())
            if event.removed:
                await self._contacts.update(account.tenant, account.name, remove=[contact.uri])
            else:
                await self._contacts.update(account.tenant, account.name, put=[contact])

    async def _load_bindings(self) -> None:
        offset = time.time() - self.now()
        for contact in await self._contacts.unexpired(time.time()):
            account = self._directory.find(contact.aor)
            local = next((a for a in self.addresses), None)
            uri = parse_uri(contact.uri)
            if account is None or local is None or not isinstance(uri, SipUri):
                continue
            if contact.transport != "udp":  # its connection ended with the last daemon
                continue
            flow = Flow("udp", local, (contact.source_host, contact.source_port))
            binding = Binding(
                aor=contact.aor,
                uri=uri,
                expires=contact.expires - offset,
                call_id=contact.call_id,
                cseq=contact.cseq,
                flow=flow,
                q=contact.q,
                user_agent=contact.user_agent,
            )
            self.agent.restore_bindings([binding])
            self._tenants[account.tenant].endpoints[NAME, account.name].reachable_at(contact.uri)


def _contact(tenant: str, binding: Binding, offset: float) -> Contact:
    """A binding as it is stored; ``offset`` makes seconds since the epoch of our clock's."""
    return Contact(
        tenant=tenant,
        aor=binding.aor,
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


def _interface_towards(remote: Address) -> str:
    """The address of the interface that leads to somebody: the routing table knows."""
    family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((remote[0], remote[1] or 9))
        except OSError:
            return "127.0.0.1"
        host: str = probe.getsockname()[0]
        return host
