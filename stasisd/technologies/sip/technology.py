"""``PJSIP/phone``: phones over SIP and RTP.

A sans-IO user agent in the middle (:mod:`.line`); here is what its events mean to channels and
endpoints, and how channels to phones are made.
"""

import time
from collections.abc import Callable, Collection, Iterable

import msgspec
import trio

from stasisd.core.channel import Channel
from stasisd.core.endpoint import Endpoint
from stasisd.core.technology import AllocationFailed, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.sip import events
from stasisd.sip.flow import Address
from stasisd.store.contacts import Contacts

from .accounts import NAME, add_channel, add_endpoint, blank
from .calls import Calls
from .complaints import Complaints
from .directory import Directory
from .inbound import Arrivals
from .line import Line, OpenWire
from .messages import Messages
from .objects import CLASS, Objects
from .outbound import OutboundLeg
from .registrations import Registrations
from .settings import SipAccount, SipSettings, key
from .sockets import Sockets


class Sip:
    """The technology, one for all tenants: an account's tenant is its calls' tenant."""

    name = NAME

    def __init__(
        self,
        settings: SipSettings,
        contacts: Contacts,
        *,
        open_wire: OpenWire = Sockets,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """It knows no tenant yet."""
        self._directory = Directory(settings)
        self.line = Line(settings, open_wire)
        self.calls = Calls(self.line, settings)
        self._complaints = Complaints()
        self._tenants: dict[str, Tenant] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._arrivals = Arrivals(self.calls, self._directory, self._tenants, self._complaints)
        self._registrations = Registrations(self.line, self._endpoints, contacts, wall_clock)
        self._messages = Messages(self.line, self._endpoints)
        self.send_text, self.refer = self._messages.send_text, self._messages.refer
        self.objects = Objects(self._apply, self._withdraw)

    def add(self, tenant: Tenant, accounts: Iterable[SipAccount]) -> None:
        """Serve a tenant, which gets the accounts as its endpoints. Its domains must be free."""
        fixed = tuple(accounts)
        self._tenants[tenant.name] = tenant
        self._directory.serve(tenant.name, tenant.settings.domains)
        tenant.technologies[NAME] = self
        tenant.configuration[CLASS] = self.objects
        self.objects.add(tenant, fixed)
        for account in fixed:
            self._apply(account)

    def reserve(self, tenant: str, domains: Collection[str]) -> None:
        """Have a tenant's hosts for nobody else, while it is not served: nobody is let in."""
        self._directory.serve(tenant, domains)

    def remove(self, tenant: Tenant) -> None:
        """Serve a tenant no more. Its hosts stay its own; see :meth:`release`."""
        if self._tenants.pop(tenant.name, None) is None:
            return
        for account in self._directory.of(tenant.name):
            self._withdraw(account.key)
        self.objects.remove(tenant)

    def release(self, tenant: str) -> None:
        """Let others have a tenant's hosts."""
        self._directory.leave(tenant)

    @property
    def addresses(self) -> list[Address]:
        """Where phones reach us: UDP's address, or TCP's where there is no UDP."""
        return [transport.local for transport in self.line.transports[:1]]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Raises CannotListen before anything else has begun."""
        async with trio.open_nursery() as nursery:
            await self.line.open(self._directory, nursery)
            await self._registrations.load()
            nursery.start_soon(self._registrations.save)
            nursery.start_soon(self._complaints.run)
            task_status.started()
            while True:
                for event in await self.line.receive():
                    self._take(event, nursery)
                self.calls.look()

    def _apply(self, account: SipAccount) -> None:
        """An account came, or changed."""
        self._directory.put(account)
        if account.key not in self._endpoints:
            endpoint = add_endpoint(self._tenants[account.tenant], account)
            self._endpoints[account.key] = endpoint

    def _withdraw(self, name: str) -> None:
        """An account is gone."""
        self._directory.remove(name)
        self.line.agent.forget_bindings(name)
        self._registrations.forget(self._endpoints.pop(name))
        self.line.flush()

    async def wait_quiet(self) -> None:
        """Wait until no call is left, and the last BYE is answered."""
        await self.calls.wait_quiet()

    def _take(self, event: events.Event, nursery: trio.Nursery) -> None:
        match event:
            case events.CallReceived():
                nursery.start_soon(self._arrivals.welcome, self._arrivals.leg(event), event)
            case events.BindingChanged():
                self._registrations.take(event)
            case events.MalformedReceived():
                self._complaints.make("malformed SIP", event.flow, error=event.error)
            case events.AuthenticationFailed():
                self._complaints.make("authentication failed", event.flow, user=event.username)
            case events.Registered() | events.RegistrationFailed():
                pass  # this endpoint registers nowhere
            case events.MessageReceived():
                self._messages.received(event)
            case events.RequestAnswered():
                self._messages.answered(event)
            case events.ReferralProgressed():
                pass  # ARI does not tell how a referral goes
            case events.ConnectionWanted() | events.CloseWanted():
                pass  # the line has done it
            case _:
                self.calls.take(event.call, event)

    def request(self, tenant: Tenant, resource: str, new: NewChannel) -> Channel:
        """Make a channel to a registered endpoint. Raises AllocationFailed."""
        account = self._directory.find(key(tenant.name, resource))
        if account is None:
            raise AllocationFailed(f"there is no endpoint {resource!r}")
        bindings = self.line.agent.bindings(account.key, self.line.now())
        if not bindings:
            raise AllocationFailed(f"endpoint {resource!r} is not registered")
        leg = OutboundLeg(self.calls, _limited(account, new.formats), bindings[0])
        shown = msgspec.structs.replace(
            blank(tenant, account, "s"),
            id=new.channel_id or tenant.new_channel_id(),
            caller=new.caller,
            connected=new.connected,
        )
        channel = leg.channel = add_channel(tenant, leg, account, shown)
        return channel


def _limited(account: SipAccount, formats: tuple[str, ...]) -> SipAccount:
    """The account with these codecs only, best first, where it has any of them."""
    wanted = tuple(name for name in formats if name in account.codecs)
    return msgspec.structs.replace(account, codecs=wanted) if wanted else account
