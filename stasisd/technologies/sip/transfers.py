"""Transfers of one call: what its phone asks for by REFER, and what we ask of it.

What the phone asks for is done by core, or left to an application, which then reports how it goes
(``PJSIP_TRANSFER_HANDLING``).
"""

import re
from typing import TYPE_CHECKING

from stasisd.core import transfer
from stasisd.core.channel import Channel
from stasisd.core.dialing import REFERRED_BY
from stasisd.core.referral import Wanted, tell
from stasisd.core.technology import CannotRedirect, NoTransfer
from stasisd.core.transfer import CannotTransfer, NoSuchPlace
from stasisd.sip.call import WrongState
from stasisd.sip.events import CallReferred, ReferReceived
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.uri import NameAddr, SipUri, Uri, parse_uri

from .accounts import NAME, key_of
from .calls import Calls

if TYPE_CHECKING:
    from .leg import Leg

# A channel's variable: where its phone's transfers look for extensions, if not in its own context.
CONTEXT = "TRANSFER_CONTEXT"
DIALLED = {"sip", "sips", "tel"}
# What a phone is told of a transfer that an application does, by ARI's name of the state.
STATUS_OF = {
    "channel_progress": 100,
    "channel_answered": 200,
    "channel_unavailable": 503,
    "channel_declined": 603,
}
# The address in ``sip:user@host`` or ``endpoint/sip:user@host``.
SIP_ADDRESS = re.compile(r"(?:[^\s/]+/)?(sips?:[^\s<>\"]+)", re.IGNORECASE)
# How our own REFER ended, as dialplans know it of other channels.
OUTCOME, OUTCOME_STATUS = "TRANSFERSTATUS", "TRANSFERSTATUSPROTOCOL"


class Refused(Exception):
    """A transfer can't be done: the status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Transfers:
    """``by_application`` says who does what the phone asks for from now on."""

    def __init__(self, leg: "Leg", calls: Calls) -> None:
        self._leg = leg
        self._calls = calls
        self._line = calls.line
        self.by_application = False
        # What an application was told of last; the user agent knows whether it is over.
        self._wanted: Wanted | None = None
        self._replaced: Channel | None = None

    # --- the phone asks

    def asked(self, event: ReferReceived) -> None:
        """Do what the phone asks for, leave it to an application, or refuse it."""
        agent, now, by_application = self._line.agent, self._line.now(), self.by_application
        try:
            channel = self._channel()
            if by_application:
                self._hand_over(channel, event)
            else:
                self._do(channel, event)
        except Refused as refused:
            agent.reject_referral(event.call, refused.status, now)
            return
        agent.accept_referral(event.call, now)
        if not by_application:
            # Before our BYE, which follows when the channel's tasks have ended.
            agent.report_referral(event.call, 200, now)

    def _channel(self) -> Channel:
        channel = self._leg.channel
        if channel is None or channel.hungup:
            raise Refused(480)
        return channel

    def _do(self, channel: Channel, event: ReferReceived) -> None:
        try:
            if event.replaces is not None:
                other = self._other(channel, event)
                if other is None:
                    raise Refused(404)
                transfer.attended(channel, other)
            else:
                context = channel.variables.get(CONTEXT) or self._leg.account.context
                exten = _extension(event.refer_to.uri)
                transfer.blind(channel, context, exten, _told(event, context))
        except NoSuchPlace:
            raise Refused(404) from None
        except CannotTransfer as problem:
            channel.log.info("transfer refused", reason=str(problem))
            raise Refused(603) from None

    def _hand_over(self, channel: Channel, event: ReferReceived) -> None:
        uri, replaces = event.refer_to.uri, event.replaces
        self._wanted = Wanted(
            # What a call stands for says enough: its address may be that of a device.
            destination=uri.user if replaces is not None else _extension(uri),
            protocol_id=replaces.sip_call_id if replaces is not None else None,
            parameters=(("from", replaces.from_tag), ("to", replaces.to_tag)) if replaces else (),
            referred_by=event.referred_by,
        )
        self._replaced = self._other(channel, event)
        tell(channel, self._wanted, self._replaced)

    def _other(self, channel: Channel, event: ReferReceived) -> Channel | None:
        """The phone's other call, if it is one and is this phone's."""
        side = self._calls.side(event.replaces.call) if event.replaces is not None else None
        if side is None or side.account.key != self._leg.account.key:
            return None
        other = side.channel
        if other is None or other.tenant is not channel.tenant or other.hungup:
            return None
        return other

    # --- an application reports

    def report(self, state: str) -> None:
        """Tell the phone how the transfer goes, and applications that it was told.

        Raises NoTransfer.
        """
        wanted, channel = self._wanted, self._leg.channel
        if wanted is None or channel is None or self._leg.over:
            raise NoTransfer
        self._notify(STATUS_OF[state])
        tell(channel, wanted, self._replaced, state)

    def _notify(self, status: int) -> None:
        assert self._leg.call is not None
        try:
            self._line.agent.report_referral(self._leg.call, status, self._line.now())
        except WrongState:  # it has ended, or the phone said that it does not listen any more
            self._wanted = self._replaced = None
            raise NoTransfer from None
        self._line.flush()

    def give_up(self) -> None:
        """The call ends here: a transfer that nobody reported the end of has failed."""
        if self._wanted is not None:
            try:
                self._notify(STATUS_OF["channel_unavailable"])
            except NoTransfer:
                pass

    # --- we ask

    def redirect(self, resource: str) -> None:
        """Send the phone of an answered call elsewhere. Raises CannotRedirect."""
        leg = self._leg
        if leg.call is None or leg.channel is None or leg.over or not leg.channel.is_up:
            raise CannotRedirect("the call is not answered")
        try:
            self._line.agent.refer_call(
                leg.call,
                NameAddr(self.address_of(resource)),
                leg.channel.variables.get(REFERRED_BY),
                self._line.now(),
            )
        except (WrongState, MalformedSip) as problem:
            raise CannotRedirect(str(problem)) from None
        self._line.flush()

    def address_of(self, resource: str) -> SipUri:
        """A SIP address, or where an endpoint of the tenant is. Raises CannotRedirect."""
        assert self._leg.channel is not None
        address = SIP_ADDRESS.fullmatch(resource)
        found = _uri(address[1]) if address is not None else None
        endpoint = self._leg.channel.tenant.endpoints.get((NAME, resource))
        if endpoint is not None:
            bindings = self._line.agent.bindings(key_of(endpoint), self._line.now())
            found = bindings[0].uri if bindings else None
        if found is None:
            raise CannotRedirect(f"{NAME}/{resource} is no registered endpoint or SIP address")
        return found

    def referred(self, event: CallReferred) -> None:
        """The phone tells how its own call goes; when it is answered, ours ends."""
        channel = self._leg.channel
        if event.status < 200 or channel is None:
            return
        succeeded = event.status < 300
        channel.set_variable(OUTCOME, "SUCCESS" if succeeded else "FAILURE")
        channel.set_variable(OUTCOME_STATUS, "0" if succeeded else str(event.status))
        if succeeded:
            channel.hangup(soft=True)


def _extension(uri: Uri) -> str:
    if uri.scheme not in DIALLED:
        raise Refused(416)
    if not uri.user:
        raise Refused(404)
    return uri.user


def _told(event: ReferReceived, context: str) -> dict[str, str]:
    """What a transfer leaves as variables, for the dialplan and for the INVITE that it makes."""
    return {
        "SIPTRANSFER": "yes",
        "SIPREFERRINGCONTEXT": context,
        "SIPREFERTOHDR": str(event.refer_to.uri),
        REFERRED_BY: event.referred_by or "",
    }


def _uri(text: str) -> SipUri | None:
    try:
        uri = parse_uri(text)
    except MalformedSip:
        return None
    return uri if isinstance(uri, SipUri) else None
