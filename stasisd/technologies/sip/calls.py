"""The calls there are: each has a leg, to which the user agent's events go."""

import secrets
from typing import Protocol

import structlog
import trio

from stasisd.core.channel import Channel
from stasisd.sip import events
from stasisd.sip.events import CallId
from stasisd.sip.flow import Flow

from .accounts import NAME
from .description import Description
from .line import Line
from .settings import SipAccount, SipSettings

log = structlog.get_logger(__name__)


class Side(Protocol):
    """What a call's events go to. ``channel`` is there once the call has begun."""

    account: SipAccount
    channel: Channel | None

    def take(self, event: events.Event) -> None:
        """Act on an event of this call."""

    def fail(self) -> None:
        """End the call after a bug."""


class Calls:
    """The legs by their calls, and what they share."""

    def __init__(self, line: Line, settings: SipSettings) -> None:
        self.line = line
        self._settings = settings
        self._sides: dict[CallId, Side] = {}
        self._quiet = trio.Event()

    def __len__(self) -> int:
        return len(self._sides)

    def add(self, call: CallId, side: Side) -> None:
        """Let this side hear of the call."""
        self._sides[call] = side

    def side(self, call: CallId | None) -> Side | None:
        """Who hears of a call, if there is such a call."""
        return self._sides.get(call) if call is not None else None

    def forget(self, call: CallId) -> None:
        """This side is over; what the far end must still be told is the user agent's."""
        self._sides.pop(call, None)
        self.look()

    def take(self, call: CallId, event: events.Event) -> None:
        """Pass an event on to its call's side; a bug in there ends that one call."""
        side = self._sides.get(call)
        if side is None:
            return
        try:
            side.take(event)
        except Exception:  # the barrier: a bug ends one call
            log.exception("a bug ends a call", endpoint=f"{NAME}/{side.account.name}")
            side.fail()

    def describe(self, account: SipAccount, flow: Flow, port: int) -> Description:
        """A description of media at this port, by an address that the far end can reach."""
        host = self._settings.media_address or self.line.reachable_host(flow)
        # By chance, so that no phone learns how many calls there are (RFC 8866 section 5.2).
        return Description((host, port), str(secrets.randbits(31)), account.codecs)

    # --- the end

    def _is_quiet(self) -> bool:
        return not self._sides and not self.line.agent.statistics()["calls"]

    def look(self) -> None:
        """Tell who waits for quiet, if there is."""
        if self._is_quiet():
            self._quiet.set()
            self._quiet = trio.Event()

    async def wait_quiet(self) -> None:
        """Wait until no call is left, and the last BYE is answered."""
        if not self._is_quiet():
            await self._quiet.wait()
