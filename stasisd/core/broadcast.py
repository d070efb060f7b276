"""A call that is offered to several applications at once: the first that claims it has it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from . import events
from .stasis import STATUS, visit

if TYPE_CHECKING:
    from .application import Application
    from .channel import Channel


class AlreadyClaimed(Exception):
    """Another application was first."""


class NotOffered(Exception):
    """The call is not offered to this application, or not any more."""


class Broadcast:
    """One offer of a channel; ``offered`` says to which applications, by name."""

    def __init__(
        self, channel: "Channel", offered: Callable[[str], bool], *, tell_claimed: bool
    ) -> None:
        """``tell_claimed`` lets all of them hear who was first."""
        self.channel = channel
        self.winner: str | None = None
        self.over = False
        self.claimed = trio.Event()
        self._offered = offered
        self._tell_claimed = tell_claimed

    def tell(self, event: type[events.ChannelEvent], **fields: str) -> None:
        """Tell all applications that a socket serves and that this was offered to."""
        for application in list(self.channel.tenant.applications.values()):
            if application.is_served and self._offered(application.name):
                application.tell(event, channel=self.channel.snapshot, **fields)

    def claim(self, application: "Application") -> None:
        """Let the application have the call.

        Raises :class:`AlreadyClaimed` or :class:`NotOffered`.
        """
        if not self._offered(application.name):
            raise NotOffered
        if self.winner is not None:
            raise AlreadyClaimed
        if self.over or self.channel.hungup or not application.is_served:
            raise NotOffered
        self.winner = application.name
        self.claimed.set()
        if self._tell_claimed:
            self.tell(events.CallClaimed, winner_app=application.name)


async def broadcast(
    channel: "Channel",
    seconds: float,
    offered: Callable[[str], bool],
    args: tuple[str, ...] = (),
    *,
    tell_claimed: bool = False,
) -> None:
    """Offer the channel, and give it to the application that claims it first.

    ``STASISSTATUS`` is ``TIMEOUT`` where none does in time, else what :func:`~.stasis.visit`
    makes it.
    """
    offer = channel.broadcast = Broadcast(channel, offered, tell_claimed=tell_claimed)
    caller, called = channel.snapshot.caller.number, channel.snapshot.dialplan.exten
    offer.tell(events.CallBroadcast, caller_number=caller, called_number=called)
    try:
        with trio.move_on_after(seconds):
            await offer.claimed.wait()
    finally:
        offer.over = True
    if offer.winner is None:
        channel.set_variable(STATUS, "TIMEOUT")
    else:
        await visit(channel, offer.winner, args)
