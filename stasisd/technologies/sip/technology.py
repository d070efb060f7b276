"""``PJSIP/phone``: phones over SIP and RTP.

A sans-IO user agent in the middle (:mod:`.line`); here is what its events mean to channels and
endpoints, and how channels to phones are made.
"""

import time
from collections.abc import Callable, Iterable, Mapping

import msgspec
import trio

from stasisd.core.channel import Channel
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
from .settings import SipAccount, SipSettings
from .sockets import Sockets


class Sip:
    """The technology, one for all tenants: an account's tenant is its calls' tenant."""

    name = NAME

    def __init__(
        self,
        settings: SipSettings,
        tenants: Mapping[str, Tenant],
        accounts: Iterable[SipAccount],
        contacts: Contacts,
        *,
        open_wire: OpenWire = Sockets,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Adds itself and the accounts' endpoints to the tenants."""
        self._directory = directory = Directory(settings, accounts)
        self.line = Line(settings, open_wire)
        self.calls = Calls(self.line, settings, int(wall_clock()))
        self._complaints = Complaints()
        self._arrivals = Arrivals(self.calls, directory, tenants, self._complaints)
        self._tenants = tenants
        self._endpoints = {a.name: add_endpoint(tenants[a.tenant], a) for a in directory.all()}
        self._registrations = Registrations(self.line, self._endpoints, contacts, wall_clock)
        self._messages = Messages(self.line, self._endpoints)
        self.send_text, self.refer = self._messages.send_text, self._messages.refer
        self.objects = Objects(directory.all(), tenants.values(), self._apply)
        for tenant in tenants.values():
            tenant.technologies[NAME] = self
            tenant.configuration[CLASS] = self.objects

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

    def _apply(self, name: str, account: SipAccount | None) -> None:
        """An account that was made at run time came, changed, or is gone."""
        if account is not None:
            self._directory.put(account)
            if name not in self._endpoints:
                self._endpoints[name] = add_endpoint(self._tenants[account.tenant], account)
            return
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
        account = self._directory.find(resource)
        if account is None or account.tenant != tenant.name:
            raise AllocationFailed(f"there is no endpoint {resource!r}")
        bindings = self.line.agent.bindings(account.name, self.line.now())
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
