"""Whom a phone is told that it talks to (RFC 3325, and Remote-Party-ID before it).

Nothing is told unless the endpoint's settings ask for it. INVITEs and the answers to them say it
as they go; when it changes in the call, a request of its own does: UPDATE where the phone takes
that, else a re-INVITE. It waits for what is under way, and only the latest is told then.
"""

from typing import TYPE_CHECKING

from stasisd.core.snapshots import Party
from stasisd.sip.call import WrongState
from stasisd.sip.events import CallId
from stasisd.sip.headers import Field
from stasisd.sip.uri import NameAddr, SipUri

from .line import Line
from .settings import SipAccount

if TYPE_CHECKING:
    from .leg import Leg


class Identity:
    """One call's. ``called_us`` says who made it; ``host`` is where all are said to be."""

    def __init__(self, leg: "Leg", line: Line, account: SipAccount, *, called_us: bool) -> None:
        self._leg = leg
        self._line = line
        self._account = account
        self._called_us = called_us
        self.host = ""
        self._told: tuple[Field, ...] = ()

    def fields(self) -> tuple[Field, ...]:
        """The headers that say it now; none where nobody is known."""
        channel, account = self._leg.channel, self._account
        party = channel.snapshot.connected if channel is not None else Party()
        if not party.number:
            return ()
        address = NameAddr(SipUri(self.host, party.number), party.name)
        side = "called" if self._called_us else "calling"
        older = f"{address};party={side};privacy=off;screen=no"
        found = (
            ("P-Asserted-Identity", str(address), account.send_pai),
            ("Remote-Party-ID", older, account.send_rpid),
        )
        return tuple((name, value) for name, value, wanted in found if wanted)

    def said(self) -> None:
        """What ``fields`` gave is on its way."""
        self._told = self.fields()

    def forget(self) -> None:
        """What was said last did not arrive."""
        self._told = ()

    def catch_up(self) -> None:
        """Tell the phone, if it has not been told of the one it talks to now."""
        leg, fields = self._leg, self.fields()
        if leg.call is None or leg.over or not fields or fields == self._told:
            return
        if not self._account.send_connected_line:
            return
        try:
            self._send(leg, leg.call, fields)
        except WrongState:
            pass  # not answered yet, or something is under way: its end brings us here again

    def _send(self, leg: "Leg", call: CallId, fields: tuple[Field, ...]) -> None:
        agent = self._line.agent
        if not agent.takes_updates(call):
            leg.offer_again()
            return
        agent.update(call, fields, self._line.now())
        self.said()
        self._line.flush()
