"""A channel's visit to a Stasis application: from StasisStart to StasisEnd."""

from typing import TYPE_CHECKING

import trio

from . import events

if TYPE_CHECKING:
    from .application import Application
    from .channel import Channel

STATUS = "STASISSTATUS"

# Context, extension and priority.
Place = tuple[str, str, int]


class Visit:
    """The application holds the channel until ``leave`` or the hangup."""

    def __init__(self, application: "Application") -> None:
        """Made by :func:`visit`; the channel shows it as ``channel.visit``."""
        self.application = application
        self.left = trio.Event()
        self.destination: Place | None = None

    def leave(self, destination: Place | None = None) -> None:
        """Let the channel go on at another place of the dialplan, or where it came from."""
        self.destination = destination
        self.left.set()


async def visit(channel: "Channel", name: str, args: tuple[str, ...] = ()) -> None:
    """Give the channel to the application ``name`` until it lets it go.

    ``STASISSTATUS`` is empty meanwhile, then SUCCESS, or FAILED where no socket serves such
    an application: nobody would answer the caller.
    """
    channel.set_variable(STATUS, "")
    application = channel.tenant.applications.get(name)
    if application is None or not application.is_served or channel.hungup:
        channel.log.warning("nobody serves the application, or no channel", application=name)
        channel.set_variable(STATUS, "FAILED")
        return
    try:
        await _hold(channel, application, args)
        if not channel.in_dialplan:  # nobody below us to return to
            await channel.tenant.router.run(channel, owner=False)
    finally:
        channel.set_variable(STATUS, "SUCCESS")


async def _hold(channel: "Channel", application: "Application", args: tuple[str, ...]) -> None:
    stay = Visit(application)
    topic = channel.topics[0]
    application.follow(topic)
    channel.visit = stay
    application.tell(events.StasisStart, channel=channel.snapshot, args=args)
    try:
        await stay.left.wait()
        await channel.wait_played()
    finally:
        # Before it leaves: an application whose channel hung up in a bridge goes on hearing
        # of the bridge until that is destroyed (recorded: subscribe_all).
        channel.visit = None
        if channel.bridge is not None:
            channel.bridge.leave(channel)
        application.tell(events.StasisEnd, channel=channel.snapshot)
        application.unfollow(topic)
    if stay.destination is not None:
        channel.jump(*stay.destination)
