"""The bindings that phones register with us, and their expiry."""

import math
from collections.abc import Iterable

from msgspec import Struct

from .authentication import Authenticator
from .events import BindingChanged
from .flow import Flow
from .headers import Field
from .registration import Binding, Outcome, register
from .stack import Stack
from .transaction_layer import Transaction


class BindingTimer(Struct, frozen=True, gc=False):
    """The deadline of a binding."""

    aor: str
    uri: str


class Registrar:
    """Keeps what `registration` decides; the shell persists what the events say."""

    def __init__(self, stack: Stack, authenticator: Authenticator) -> None:
        self._stack = stack
        self._authenticator = authenticator
        self._bindings: dict[str, tuple[Binding, ...]] = {}

    def bindings(self, aor: str, now: float) -> tuple[Binding, ...]:
        """An address's contacts, the preferred (highest q, then latest) first."""
        live = [each for each in self._bindings.get(aor, ())[::-1] if each.expires > now]
        return tuple(sorted(live, key=lambda binding: -binding.q))

    def restore(self, bindings: Iterable[Binding]) -> None:
        """Take over what an earlier run has persisted."""
        for binding in bindings:
            self._bindings[binding.aor] = (*self._bindings.get(binding.aor, ()), binding)
            self._set_timer(binding)

    def received(self, transaction: Transaction, flow: Flow, now: float) -> None:
        """Take a REGISTER. Raise MalformedSip."""
        request = transaction.request
        aor = self._stack.directory.name_of(request.to.uri, request.uri)
        if not self._authenticator.admits(transaction, aor, flow, now):
            return
        policy = self._stack.directory.policy(aor)
        outcome = register(aor, self._bindings.get(aor, ()), request, flow, now, policy)
        self._apply(aor, outcome)
        fields: list[Field] = []
        if outcome.status == 200:
            fields = [_contact(binding, now) for binding in outcome.bindings]
        elif outcome.status == 423:
            fields = [("Min-Expires", str(policy.minimum))]
        self._stack.reply(transaction, outcome.status, now, fields=fields)

    def _apply(self, aor: str, outcome: Outcome) -> None:
        self._store(aor, outcome.bindings)
        for binding in outcome.removed:
            self._removed(binding, "unregistered")
        for binding in outcome.changed:
            self._set_timer(binding)
            self._stack.outbox.emit(BindingChanged(binding))

    def _store(self, aor: str, bindings: tuple[Binding, ...]) -> None:
        if bindings:
            self._bindings[aor] = bindings
        else:
            self._bindings.pop(aor, None)

    def _removed(self, binding: Binding, reason: str) -> None:
        self._stack.deadlines.cancel(BindingTimer(binding.aor, str(binding.uri)))
        self._stack.outbox.emit(BindingChanged(binding, removed=True, reason=reason))

    def _set_timer(self, binding: Binding) -> None:
        self._stack.deadlines.set(BindingTimer(binding.aor, str(binding.uri)), binding.expires)

    def forget(self, aor: str) -> None:
        """Remove all bindings of an address that is no more."""
        self._drop(list(self._bindings.get(aor, ())), "the address is gone")

    def expired(self, due: BindingTimer) -> None:
        """Remove a binding whose time is over."""
        gone = [each for each in self._bindings.get(due.aor, ()) if str(each.uri) == due.uri]
        self._drop(gone, "expired")

    def flow_closed(self, flow: Flow) -> None:
        """Remove the bindings that came on a connection: nobody can be reached there any more."""
        every = [binding for bindings in self._bindings.values() for binding in bindings]
        self._drop([binding for binding in every if binding.flow == flow], "connection closed")

    def _drop(self, gone: list[Binding], reason: str) -> None:
        for binding in gone:
            left = (each for each in self._bindings[binding.aor] if each is not binding)
            self._store(binding.aor, tuple(left))
            self._removed(binding, reason)


def _contact(binding: Binding, now: float) -> Field:
    # Rounded up, so that what was just asked for comes back as asked.
    left = math.ceil(binding.expires - now)
    return ("Contact", f"<{binding.uri}>;expires={left}")
