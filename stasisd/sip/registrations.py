"""Our own registrations with others (RFC 3261 section 10.2): for trunks and the demo's phone."""

from msgspec import Struct

from stasisd.credentials.digest import Credentials

from .events import Registered, RegistrationFailed, RegistrationId
from .flow import Flow
from .grammar import number_or
from .headers import Field, Headers
from .message import MAX_FORWARDS, REASONS, Request, Response
from .registration import MAX_EXPIRES
from .stack import Stack
from .transaction_layer import Purpose, Transaction
from .uri import NameAddr, SipUri

# A refresh comes this long before the end, or after nine tenths of a short time.
REFRESH_BEFORE = 30.0


class RefreshTimer(Struct, frozen=True, gc=False):
    """When a registration is to be refreshed."""

    registration: RegistrationId


class Registration(Struct):
    """One registration, as asked for; ``expires`` in seconds, 0 when it is taken back."""

    registrar: SipUri
    aor: NameAddr
    flow: Flow
    credentials: Credentials | None
    expires: int
    call_id: str
    cseq: int = 0


class Registrations:
    """Keeps our registrations in force until they are taken back or refused."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._registrations: dict[RegistrationId, Registration] = {}

    def register(
        self,
        registrar: SipUri,
        aor: NameAddr,
        flow: Flow,
        credentials: Credentials | None,
        expires: int,
        now: float,
    ) -> RegistrationId:
        """Register the user of ``aor``, reachable at our Contact on this flow."""
        name = RegistrationId(self._stack.token())
        registration = Registration(registrar, aor, flow, credentials, expires, self._stack.token())
        self._registrations[name] = registration
        self._send(name, registration, now)
        return name

    def unregister(self, name: RegistrationId, now: float) -> None:
        """Take a registration back."""
        registration = self._registrations.get(name)
        if registration is not None:
            registration.expires = 0
            self._send(name, registration, now)

    def refresh(self, name: RegistrationId, now: float) -> None:
        """Register once more, before the time is over."""
        registration = self._registrations.get(name)
        if registration is not None:
            self._send(name, registration, now)

    def _send(self, name: RegistrationId, registration: Registration, now: float) -> None:
        self._stack.deadlines.cancel(RefreshTimer(name))
        registration.cseq += 1
        user = registration.aor.uri.user
        headers: list[Field] = [
            ("Max-Forwards", str(MAX_FORWARDS)),
            ("From", str(registration.aor.with_tag(self._stack.token()))),
            ("To", str(registration.aor)),
            ("Call-ID", registration.call_id),
            ("CSeq", f"{registration.cseq} REGISTER"),
            self._stack.contact(registration.flow, user),
            ("Expires", str(registration.expires)),
        ]
        request = Request("REGISTER", str(registration.registrar), Headers(headers))
        self._stack.send(request, registration.flow, Purpose.REGISTER, name, now)

    def response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Take a response to a REGISTER. Raise MalformedSip."""
        name = RegistrationId(transaction.owner)
        registration = self._registrations.get(name)
        if registration is None or response.status < 200:
            return
        cseq = registration.cseq + 1
        if response.status == 423 and registration.expires:
            self._ask_for_longer(name, registration, response, now)
        elif self._stack.retry(transaction, response, registration.credentials, cseq, now):
            registration.cseq = cseq
        elif response.status < 300:
            self._accepted(name, registration, response, now)
        else:
            self._failed(name, response.status, response.reason)

    def _ask_for_longer(
        self, name: RegistrationId, registration: Registration, response: Response, now: float
    ) -> None:
        longest = response.number("Min-Expires", MAX_EXPIRES) or 0
        if longest <= registration.expires:
            self._failed(name, response.status, response.reason)
            return
        registration.expires = longest
        self._send(name, registration, now)

    def _accepted(
        self, name: RegistrationId, registration: Registration, response: Response, now: float
    ) -> None:
        if registration.expires == 0:
            self._registrations.pop(name, None)
            self._stack.outbox.emit(Registered(name, 0))
            return
        granted = self._granted(registration, response)
        early = min(REFRESH_BEFORE, granted / 10)
        self._stack.deadlines.set(RefreshTimer(name), now + max(1.0, granted - early))
        self._stack.outbox.emit(Registered(name, granted))

    def _granted(self, registration: Registration, response: Response) -> int:
        # The registrar lists all bindings; ours is known by its user and address.
        ours = self._stack.contact(registration.flow, registration.aor.uri.user)[1]
        for contact in response.contacts:
            granted = contact.parameter("expires")
            if f"<{contact.uri}>" == ours and granted is not None:
                return number_or(granted, MAX_EXPIRES, registration.expires)
        return response.number("Expires", MAX_EXPIRES) or registration.expires

    def failed(self, transaction: Transaction, status: int) -> None:
        """No final response came to a REGISTER."""
        self._failed(RegistrationId(transaction.owner), status, REASONS[status])

    def _failed(self, name: RegistrationId, status: int, reason: str) -> None:
        if self._registrations.pop(name, None) is not None:
            self._stack.outbox.emit(RegistrationFailed(name, status, reason))
