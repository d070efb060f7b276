"""Calls that phones make: each becomes a channel in the dialplan, or is refused with a status."""

from collections.abc import Mapping

import msgspec
import structlog

from stasisd.core import causes
from stasisd.core.limits import TooManyChannels
from stasisd.core.snapshots import Party
from stasisd.core.tenant import Draining, Tenant
from stasisd.media.control import MediaUnavailable, NoPortsLeft, Port
from stasisd.sip.causes import cause_of_status
from stasisd.sip.events import CallId, CallReceived
from stasisd.sip.headers import Field

from .accounts import add_channel, blank
from .calls import Calls
from .complaints import Complaints
from .description import NotAcceptable, SdpError
from .directory import Directory
from .leg import Leg
from .settings import SipAccount

log = structlog.get_logger(__name__)

BUSY_HERE = 486
STOPPING = "the daemon stops"


class Refused(Exception):
    """A call can't be taken: the status that says so, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class InboundLeg(Leg):
    """A call that a phone makes to us."""

    call: CallId
    called_us = True

    def __init__(self, calls: Calls, account: SipAccount, call: CallId) -> None:
        super().__init__(calls, account)
        self.call = call
        self._body = b""
        self._early_body = b""

    def negotiate(self, offer: bytes, port: Port) -> None:
        """Prepare our answer, or our offer where there is none. Raises Refused."""
        if not offer:
            # An offer may not stand in a 183 that nobody acknowledges (RFC 3261 section 13.2.1).
            self._body = self.description.offer()
            return
        try:
            self._body, remote = self.description.answer(offer)
        except NotAcceptable as problem:
            raise Refused(488, str(problem)) from None
        except SdpError as problem:
            raise Refused(400, str(problem)) from None
        self._early_body = self._body
        port.set_remote(remote)

    def answer(self) -> None:
        """200, with our description."""
        if not self.over:
            self._line.agent.answer(self.call, self._body, self._line.now(), fields=self._said())
            self._line.flush()

    def ring(self) -> None:
        """180."""
        if not self.over:
            self._line.agent.ring(self.call, self._line.now(), fields=self._said())
            self._line.flush()

    def progress(self) -> None:
        """183, with our description."""
        if not self.over:
            agent, now = self._line.agent, self._line.now()
            agent.progress(self.call, self._early_body, now, fields=self._said())
            self._line.flush()

    def _said(self) -> tuple[Field, ...]:
        self._identity.said()
        return self._identity.fields()

    def busy(self) -> None:
        """486: the call is over at once."""
        self._reject(BUSY_HERE, causes.USER_BUSY)

    def redirect(self, resource: str) -> None:
        """302 before the answer, REFER after it."""
        assert self.channel is not None
        if self.channel.is_up:
            super().redirect(resource)
            return
        contact = self._transfers.address_of(resource)
        self.over = True
        self._line.agent.redirect(self.call, contact, self._line.now())
        self._line.flush()
        self.channel.hangup()

    def refuse(self, status: int) -> None:
        """End a call that never got a channel."""
        self._reject(status, cause_of_status(status))
        self._calls.forget(self.call)

    def _reject(self, status: int, cause: int) -> None:
        if not self.over:
            self.over = True
            self._line.agent.reject(self.call, status, cause, self._line.now())
            self._line.flush()


class Arrivals:
    """Where inbound calls come in."""

    def __init__(
        self,
        calls: Calls,
        directory: Directory,
        tenants: Mapping[str, Tenant],
        complaints: Complaints,
    ) -> None:
        self._calls = calls
        self._directory = directory
        self._tenants = tenants
        self._complaints = complaints

    def leg(self, invite: CallReceived) -> InboundLeg:
        """What hears of the call from now on, whatever becomes of it."""
        account = self._directory.find(invite.endpoint)
        assert account is not None, "the user agent lets nobody else through"
        leg = InboundLeg(self._calls, account, invite.call)
        self._calls.add(invite.call, leg)
        return leg

    async def welcome(self, leg: InboundLeg, invite: CallReceived) -> None:
        """Send the call into the dialplan, or refuse it."""
        try:
            await self._admit(leg, invite)
        except Refused as refused:
            self._complaints.make(
                "call refused",
                invite.flow,
                endpoint=leg.account.name,
                status=str(refused.status),
                reason=str(refused),
            )
            leg.refuse(refused.status)
        except Exception:  # the barrier: a bug refuses one call
            log.exception("a bug ends a call on its arrival", endpoint=leg.account.name)
            leg.refuse(500)

    async def _admit(self, leg: InboundLeg, invite: CallReceived) -> None:
        tenant = self._tenants.get(leg.account.tenant)
        exten = invite.target.user
        if tenant is None or tenant.draining:
            raise Refused(503, STOPPING)
        if not tenant.router.exists(leg.account.context, exten, 1):
            raise Refused(404, f"there is no extension {exten!r} in {leg.account.context!r}")
        port = await _open(tenant)
        try:
            if not leg.over:  # not given up meanwhile
                self._begin(tenant, leg, invite, port)
        finally:
            if leg.channel is None:
                port.close()
                self._calls.forget(leg.call)

    def _begin(self, tenant: Tenant, leg: InboundLeg, invite: CallReceived, port: Port) -> None:
        assert port.address is not None
        leg.shown_at(self._calls.line.host_of(tenant, invite.flow))
        leg.description = self._calls.describe(leg.account, invite.flow, port.address[1])
        leg.negotiate(invite.body, port)
        shown = msgspec.structs.replace(
            blank(tenant, leg.account, invite.target.user),
            id=tenant.new_channel_id(),
            state="Ring",
            protocol_id=invite.sip_call_id,
            caller=Party(
                leg.account.caller_name or invite.from_.display, leg.account.caller_number
            ),
        )
        try:
            leg.channel = add_channel(tenant, leg, leg.account, shown)
        except Draining:
            raise Refused(503, STOPPING) from None
        except TooManyChannels as too_many:
            raise Refused(503, str(too_many)) from None
        leg.channel.attach(port)
        tenant.start(leg.channel, tenant.router.run)


async def _open(tenant: Tenant) -> Port:
    try:
        return await tenant.media.open_rtp()
    except (NoPortsLeft, MediaUnavailable) as unavailable:
        raise Refused(503, str(unavailable)) from None
