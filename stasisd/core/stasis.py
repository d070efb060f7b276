"""A channel's visit to a Stasis application: from StasisStart to StasisEnd."""

from typing import TYPE_CHECKING

import trio

from . import events
from .cause import Ending
from .snapshots import ChannelSnapshot
from .summons import Summons, summon

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
        self.leaving = Ending()
        self.destination: Place | None = None

    def leave(self, destination: Place | None = None) -> None:
        """Let the channel go on at another place of the dialplan, or where it came from."""
        self.destination = destination
        self.leaving.by_now()
        self.left.set()


async def visit(
    channel: "Channel",
    name: str,
    args: tuple[str, ...] = (),
    *,
    begun: trio.Event | None = None,
    replaced: ChannelSnapshot | None = None,
) -> None:
    """Give the channel to the application ``name`` until it lets it go.

    ``STASISSTATUS`` is empty meanwhile, then SUCCESS, or FAILED where no socket serves such
    an application and none can be reached: nobody would answer the caller. ``begun`` is set when
    the application has it. ``replaced`` is a channel whose place it takes there.
    """
    channel.set_variable(STATUS, "")
    application = _served(channel, name)
    summons = summon(channel, name) if application is None and not channel.hungup else None
    try:
        if summons is not None:
            application = await summons.wait(channel)
        if application is None or channel.hungup:
            channel.log.warning("nobody serves the application, or no channel", application=name)
            channel.set_variable(STATUS, "FAILED")
            return
        stay = _begin(channel, application, args, replaced)
        await _visit(channel, stay, begun, summons)
    finally:
        if summons is not None:
            summons.over.set()


def _served(channel: "Channel", name: str) -> "Application | None":
    application = channel.tenant.applications.get(name)
    return application if application is not None and application.is_served else None


async def _visit(
    channel: "Channel", stay: Visit, begun: trio.Event | None, summons: Summons | None
) -> None:
    try:
        if summons is not None:
            summons.begin(stay)
        if begun is not None:
            begun.set()
        await _hold(channel, stay)
        if not channel.in_dialplan:  # nobody below us to return to
            await channel.tenant.router.run(channel, owner=False)
    finally:
        lost = summons is not None and summons.failed
        channel.set_variable(STATUS, "FAILED" if lost else "SUCCESS")


def _begin(
    channel: "Channel",
    application: "Application",
    args: tuple[str, ...],
    replaced: ChannelSnapshot | None,
) -> Visit:
    stay = channel.visit = Visit(application)
    _arrive(channel, application, args, replaced)
    return stay


def _arrive(
    channel: "Channel",
    application: "Application",
    args: tuple[str, ...],
    replaced: ChannelSnapshot | None = None,
) -> None:
    application.follow(channel.topics[0])
    application.tell(
        events.StasisStart, channel=channel.snapshot, args=args, replace_channel=replaced
    )


def _depart(channel: "Channel", application: "Application") -> None:
    application.tell(events.StasisEnd, channel=channel.snapshot)
    application.unfollow(channel.topics[0])


def move(channel: "Channel", name: str, args: tuple[str, ...]) -> None:
    """Give a channel that one application holds to another; it stays in its bridge.

    Where no socket serves that one, the present one is told so and keeps the channel.
    """
    assert channel.visit is not None, "only an application's channel can be moved"
    before, after = channel.visit.application, channel.tenant.applications.get(name)
    if after is None or not after.is_served:
        before.tell(
            events.ApplicationMoveFailed, channel=channel.snapshot, destination=name, args=args
        )
        return
    channel.visit.application = after
    if channel.bridge is not None:
        after.follow(channel.bridge.topics[0])
        before.unfollow(channel.bridge.topics[0])
    _depart(channel, before)
    _arrive(channel, after, args)


async def _hold(channel: "Channel", stay: Visit) -> None:
    try:
        await stay.left.wait()
        await channel.wait_played()
    finally:
        (channel.ending if channel.hungup else stay.leaving).take_over()
        # Before it leaves: an application whose channel hung up in a bridge goes on hearing
        # of the bridge until that is destroyed (recorded: subscribe_all).
        channel.visit = None
        if channel.bridge is not None:
            channel.bridge.leave(channel)
        _depart(channel, stay.application)
    if stay.destination is not None:
        channel.jump(*stay.destination)
