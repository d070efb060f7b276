"""Calls that we make to phones."""

import trio

from stasisd.core import causes
from stasisd.core.dialing import REFERRED_BY
from stasisd.core.technology import DialFailed
from stasisd.media.control import MediaUnavailable, NoPortsLeft, Port
from stasisd.sip import events
from stasisd.sip.events import By
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.headers import Field
from stasisd.sip.registration import Binding
from stasisd.sip.uac import checked_field
from stasisd.sip.uri import NameAddr, SipUri

from .calls import Calls
from .leg import Leg
from .settings import SipAccount

# Final responses that say how a dial attempt ended better than their Q.850 cause does.
DIAL_STATUS = {486: "BUSY", 600: "BUSY", 603: "BUSY", 408: "NOANSWER", 480: "NOANSWER"}
RINGING = 180
# Who calls where nobody is to be shown (RFC 3323 section 4.1).
ANONYMOUS = "anonymous"


class OutboundLeg(Leg):
    """A call that we make to a phone."""

    def __init__(self, calls: Calls, account: SipAccount, binding: Binding) -> None:
        """``binding`` is the contact to call, and the way to it."""
        super().__init__(calls, account)
        self._binding = binding
        self._rings = False
        self._settled = trio.Event()
        self._failed: DialFailed | None = None

    async def dial(self) -> None:
        """Open the media, invite, and wait for the final response."""
        assert self.channel is not None
        port = await self._open_media()
        self.channel.attach(port)
        assert port.address is not None
        self.description = self._calls.describe(self.account, self._binding.flow, port.address[1])
        self._invite()
        self.channel.attempt.begin()
        await self._settled.wait()
        if self._failed is not None:
            raise self._failed

    async def _open_media(self) -> Port:
        assert self.channel is not None
        try:
            return await self.channel.tenant.media.open_rtp()
        except (NoPortsLeft, MediaUnavailable) as unavailable:
            self.channel.log.warning("no media", reason=str(unavailable))
            raise DialFailed(causes.CONGESTION) from None

    def _invite(self) -> None:
        """Send the INVITE, over the way by which the phone registered."""
        assert self.channel is not None
        shown, uri, flow = self.channel.snapshot.connected, self._binding.uri, self._binding.flow
        agent, host = self._line.agent, self._line.host_of(self.channel.tenant, flow)
        self.shown_at(host)
        self._identity.said()
        self.call = agent.invite(
            uri,
            from_=NameAddr(SipUri(host, shown.number or ANONYMOUS), shown.name),
            to=NameAddr(SipUri(uri.host, self.account.name)),
            flow=flow,
            body=self.description.offer(),
            now=self._line.now(),
            fields=(*self._referred_by(), *self._identity.fields()),
        )
        self._calls.add(self.call, self)
        self.channel.change(protocol_id=agent.sip_call_id(self.call) or "")
        self._line.flush()

    def _referred_by(self) -> tuple[Field, ...]:
        """Who transferred the caller here (RFC 3892): a variable, that anybody may have set."""
        assert self.channel is not None
        value = self.channel.variables.get(REFERRED_BY)
        if not value:
            return ()
        try:
            return (checked_field(("Referred-By", value)),)
        except MalformedSip as problem:
            self.channel.log.warning("not sent", reason=str(problem))
            return ()

    def take(self, event: events.Event) -> None:
        """Act on an event of this call."""
        match event:
            case events.CallProgressed():
                self._progressed(event)
            case events.CallAnswered():
                self._answered(event.body)
            case events.CallRejected():
                self.over = True
                self._rejected(event)
            case events.CallEnded() if event.by is not By.LOCAL and not self._settled.is_set():
                self.over = True
                self._fail(event.cause)
            case _:
                super().take(event)

    def _progressed(self, event: events.CallProgressed) -> None:
        """Tell of ringing and of early media, each once: phones repeat themselves."""
        assert self.channel is not None
        if event.status == RINGING and not self._rings:
            self._rings = True
            self.channel.attempt.ringing()
        if event.body:
            has_media = self.description.settled
            if self._settle(event.body) and not has_media:
                self.channel.attempt.progressing()

    def _answered(self, body: bytes) -> None:
        # The answer may have come with a provisional response (RFC 3261 section 13.2.1).
        if body:
            self._settle(body)
        if self.description.settled:
            self._settled.set()
        else:
            self._fail(causes.INCOMPATIBLE)

    def _rejected(self, event: events.CallRejected) -> None:
        # To be sent elsewhere is no reason by itself, and we do not go there.
        cause = event.cause if event.status >= 400 else causes.INTERWORKING
        self._fail(cause, DIAL_STATUS.get(event.status))

    def _fail(self, cause: int, status: str | None = None) -> None:
        self._failed = DialFailed(cause, status)
        self._settled.set()
