"""The user agent: bytes and verbs in, bytes and events out (see the package's docstring)."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from stasisd.credentials.digest import Credentials

from .call import CallState
from .dispatch import Dispatch
from .events import By, CallId, Event, RegistrationId, RequestId
from .flow import Flow
from .grammar import MalformedSip
from .headers import Field
from .parts import Parts
from .registration import Binding
from .settings import Directory, Settings
from .uri import NameAddr, SipUri, Uri


class Endpoint:
    """A SIP user agent and registrar without I/O, clock or chance.

    ``now`` is in seconds on one monotonous clock. ``token`` returns a new unguessable string of
    letters and digits each time; ``secret`` signs nonces. A verb on a call that is over does
    nothing, because its user may not have seen the event yet; one that does not fit the call's
    state raises WrongState. Nothing that comes from the network raises.
    """

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        *,
        token: Callable[[], str],
        secret: bytes,
    ) -> None:
        self._parts = Parts(settings, directory, token, secret)
        self._dispatch = Dispatch(self._parts)

    # The network's side.

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take a datagram, or what came on a connection."""
        for message in self._parts.stack.transport.receive(data, flow, now):
            try:
                self._dispatch.take(message, flow, now)
            except MalformedSip as error:
                self._parts.stack.transport.refuse(message, 400, flow, error)

    def flow_opened(self, wanted: Flow, connection: int) -> Flow:
        """Tell that a wanted connection is there; returns its flow."""
        flow = self._parts.stack.transport.opened(wanted, connection)
        self._parts.stack.transactions.flow_opened(wanted, flow)
        return flow

    def flow_closed(self, flow: Flow, now: float) -> None:
        """Tell that a connection is gone, or that a wanted one can't be had."""
        self._parts.stack.transport.closed(flow)
        self._parts.registrar.flow_closed(flow)
        self._dispatch.tell(self._parts.stack.transactions.flow_closed(flow, now), now)

    def datagrams_to_send(self, now: float) -> list[tuple[Flow, bytes]]:
        """Take what is to be sent, each on its flow, in order."""
        self.handle_timeout(now)
        return self._parts.stack.outbox.drain_datagrams()

    def next_timeout(self) -> float | None:
        """When handle_timeout is to be called, or None."""
        return self._parts.stack.deadlines.next()

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        while (due := self._parts.stack.deadlines.pop_due(now)) is not None:
            self._dispatch.due(due, now)

    def events(self) -> list[Event]:
        """Take what has happened, in order."""
        return self._parts.stack.outbox.drain_events()

    def statistics(self) -> Mapping[str, int]:
        """Counters since the start, and how much there is of what now."""
        counts = dict(self._parts.stack.outbox.counts)
        counts["calls"] = len(self._parts.calls)
        counts["transactions"] = len(self._parts.stack.transactions)
        counts["deadlines"] = len(self._parts.stack.deadlines)
        return counts

    # Calls that come in.

    def ring(self, call: CallId, now: float, *, fields: Sequence[Field] = ()) -> None:
        """Tell the caller that it rings here (180). ``fields`` are more headers, as below."""
        self._parts.incoming.ring(call, fields, now)

    def progress(
        self, call: CallId, body: bytes, now: float, *, fields: Sequence[Field] = ()
    ) -> None:
        """Open the way for media before the answer (183 with SDP)."""
        self._parts.incoming.progress(call, body, fields, now)

    def answer(
        self, call: CallId, body: bytes, now: float, *, fields: Sequence[Field] = ()
    ) -> None:
        """Answer (200). ``body`` is our answer, or our offer if the caller's INVITE had none."""
        self._parts.incoming.answer(call, body, fields, now)

    def reject(
        self,
        call: CallId,
        status: int | None,
        cause: int,
        now: float,
        reason: str | None = None,
    ) -> None:
        """Refuse a call with a status and a Q.850 cause; None takes the cause's status."""
        self._parts.incoming.reject(call, status, cause, now, reason)

    def redirect(self, call: CallId, contact: Uri, now: float, status: int = 302) -> None:
        """Send the caller to another address."""
        self._parts.incoming.redirect(call, contact, status, now)

    # Calls that go out.

    def invite(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        body: bytes,
        now: float,
        *,
        credentials: Credentials | None = None,
        fields: Sequence[Field] = (),
    ) -> CallId:
        """Call ``target`` over a flow, with our offer. ``fields`` are more headers.

        Raise MalformedSip for a header that can't be sent.
        """
        return self._parts.outgoing.invite(target, to, from_, flow, body, credentials, fields, now)

    # Any call.

    def hangup(self, call: CallId, cause: int, now: float) -> None:
        """End a call with a Q.850 cause, whatever its state: refuse it, cancel it, or leave it."""
        found = self._parts.calls.get(call)
        if found is None:
            return
        if found.state is CallState.INCOMING:
            self._parts.incoming.reject(call, None, cause, now)
        elif found.state in {CallState.CALLING, CallState.PROCEEDING}:
            self._parts.outgoing.give_up(found, cause, By.LOCAL, now)
        elif found.state is CallState.ANSWERED:
            # A callee may not send BYE before the ACK has come (section 15).
            self._parts.calls.end(found, CallState.LEAVING, cause, By.LOCAL, now)
        elif found.state is CallState.CONFIRMED:
            self._parts.calls.bye(found, cause, By.LOCAL, now)

    def reinvite(
        self, call: CallId, body: bytes, now: float, *, fields: Sequence[Field] = ()
    ) -> None:
        """Offer another session. Raise WrongState while an offer of either side is under way.

        A glare (491) is tried again by itself, unless the peer's offer comes meanwhile.
        """
        self._parts.offers.make(call, body, fields, now)

    def takes_updates(self, call: CallId) -> bool:
        """Whether the peer has said that it understands UPDATE, and not refused one."""
        found = self._parts.calls.get(call)
        return found is not None and found.takes_updates

    def update(self, call: CallId, fields: Sequence[Field], now: float) -> None:
        """Tell headers by UPDATE; Updated says how that went.

        Raise WrongState while an offer or an update is under way. A glare is tried again by itself.
        """
        self._parts.updates.make(call, fields, now)

    def accept_offer(self, call: CallId, body: bytes, now: float) -> None:
        """Answer the peer's offer, or make ours where its re-INVITE had none."""
        self._parts.offers.accept(call, body, now)

    def reject_offer(self, call: CallId, now: float, status: int = 488) -> None:
        """Refuse the peer's offer; the session goes on as it was."""
        self._parts.offers.reject(call, status, now)

    def accept_referral(self, call: CallId, now: float) -> None:
        """Take on a transfer that the peer asks for, and tell it that it is tried."""
        self._parts.referrals.accept(call, now)

    def reject_referral(self, call: CallId, status: int, now: float) -> None:
        """Refuse a transfer; the call goes on."""
        self._parts.referrals.reject(call, status, now)

    def report_referral(self, call: CallId, status: int, now: float) -> None:
        """Tell how a transfer goes that was accepted; a final status ends it."""
        self._parts.referrals.report(call, status, now)

    def refer_call(
        self, call: CallId, refer_to: NameAddr, referred_by: str | None, now: float
    ) -> None:
        """Ask the peer to call somebody else instead of us.

        ``referred_by`` is who wants it, as a header has it; None for us. Raise WrongState while
        it is asked already, MalformedSip for a header that can't be sent.
        """
        self._parts.sent_referrals.send(call, refer_to, referred_by, now)

    def sip_call_id(self, call: CallId) -> str | None:
        """The Call-ID that the peer knows the call by, or None where it is over."""
        found = self._parts.calls.get(call)
        return found.sip_call_id if found is not None else None

    # Registrations.

    def bindings(self, aor: str, now: float) -> tuple[Binding, ...]:
        """Where a registered phone is: the preferred and latest first."""
        return self._parts.registrar.bindings(aor, now)

    def restore_bindings(self, bindings: Iterable[Binding]) -> None:
        """Take over bindings that an earlier run has persisted, their times on this clock."""
        self._parts.registrar.restore(bindings)

    def forget_bindings(self, aor: str) -> None:
        """Remove all bindings of an address that is no more."""
        self._parts.registrar.forget(aor)

    def register(
        self,
        registrar: SipUri,
        aor: NameAddr,
        flow: Flow,
        now: float,
        *,
        credentials: Credentials | None = None,
        expires: int = 3600,
    ) -> RegistrationId:
        """Register ``aor`` with a registrar, and keep it registered."""
        return self._parts.registrations.register(registrar, aor, flow, credentials, expires, now)

    def unregister(self, registration: RegistrationId, now: float) -> None:
        """Take a registration of ours back."""
        self._parts.registrations.unregister(registration, now)

    # Single requests.

    def message(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        text: str,
        now: float,
        *,
        fields: Sequence[Field] = (),
        credentials: Credentials | None = None,
    ) -> RequestId:
        """Send a text (RFC 3428). Raise MalformedSip for a field that can't be sent."""
        return self._parts.requests.message(target, to, from_, flow, text, fields, credentials, now)

    def refer(
        self,
        target: SipUri,
        to: NameAddr,
        from_: NameAddr,
        flow: Flow,
        refer_to: NameAddr,
        now: float,
        *,
        fields: Sequence[Field] = (),
        credentials: Credentials | None = None,
    ) -> RequestId:
        """Ask somebody to call another address (RFC 3515). Raise MalformedSip as ``message``."""
        return self._parts.requests.refer(
            target, to, from_, flow, refer_to, fields, credentials, now
        )
