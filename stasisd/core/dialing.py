"""Calling out: originate, and Dial from the dialplan."""

from typing import TYPE_CHECKING

import msgspec
import trio

from . import causes, stasis, variables
from .assignment import Assignment
from .snapshots import DIALS, Party
from .supervision import Body
from .technology import (
    AllocationFailed,
    DialFailed,
    HasFormats,
    MediaPeer,
    MediaPeers,
    NewChannel,
    Snooper,
    Snooping,
)

if TYPE_CHECKING:
    from .bridge import Bridge
    from .channel import Channel
    from .tenant import Tenant

# What an originated channel shows as its application until it has one.
DIALLING_APP = "AppDial2"
DIALLING_DATA = "(Outgoing Line)"
DEFAULT_TIMEOUT = 30.0
SNOOP = "Snoop"
PAIR = 2
# Who transferred a call, as a header has it; whom such a caller dials is told.
REFERRED_BY = "SIPREFERREDBYHDR"


def request(tenant: "Tenant", address: str, new: NewChannel) -> "Channel":
    """Make a channel to ``TECH/resource``. Raises :class:`AllocationFailed`, or
    :class:`~.variables.UnknownFunction` for a variable that can't be set.
    """
    name, _, resource = address.partition("/")
    technology = tenant.technologies.get(name)
    if technology is None:
        raise AllocationFailed(f"there is no technology {name!r} here")
    return _furnished(technology.request(tenant, resource, new), new)


def on_behalf_of(originator: "Channel", new: NewChannel, *, dialled: bool) -> NewChannel:
    """What a new channel takes from the one that it is made for, where nothing else is asked.

    Its codecs, its linked id and its account. One that is ``dialled`` at once also gets its
    language, its variables with names in ``_`` (for one generation) or ``__`` (for all), and shows
    it as calling.
    """
    leg: object = originator.leg
    formats = leg.formats() if isinstance(leg, HasFormats) else ()
    new = msgspec.structs.replace(new, formats=formats, originator=originator)
    if not dialled:
        return new
    inherited = (
        Assignment(name if name.startswith("__") else name[1:], value)
        for name, value in originator.variables.items()
        if name.startswith("_")
    )
    return msgspec.structs.replace(
        new,
        connected=new.connected if new.connected != Party() else originator.snapshot.caller,
        variables=(*inherited, *new.variables),
        language=originator.language,
    )


def media_peers(tenant: "Tenant", name: str) -> MediaPeers:
    """The technology of this name, for channels to media peers. Raises AllocationFailed."""
    technology: object = tenant.technologies.get(name)
    if not isinstance(technology, MediaPeers):
        raise AllocationFailed(f"there is no technology {name!r} here")
    return technology


async def request_peer(
    tenant: "Tenant", peers: MediaPeers, peer: MediaPeer, new: NewChannel
) -> "Channel":
    """Make a channel to a media peer. Raises what :func:`request` raises."""
    return _furnished(await peers.open_peer(tenant, peer, new), new)


def snoop(spied: "Channel", snooping: Snooping, new: NewChannel) -> "Channel":
    """Make a channel that listens in on another. Raises :class:`AllocationFailed`."""
    technology: object = spied.tenant.technologies.get(SNOOP)
    if not isinstance(technology, Snooper):
        raise AllocationFailed(f"there is no technology {SNOOP!r} here")
    return technology.snoop(spied, snooping, new)


def _furnished(channel: "Channel", new: NewChannel) -> "Channel":
    if new.originator is not None:
        channel.linked_id = new.originator.linked_id
        channel.music_class = new.originator.music_class
        if not channel.snapshot.accountcode:
            channel.change(accountcode=new.originator.snapshot.accountcode)
    if new.language:
        channel.change(language=new.language)
    if channel.other_half is not None:
        channel.other_half.linked_id = channel.linked_id
    try:
        for assignment in new.variables:
            variables.assign(channel, assignment)
    except variables.UnknownFunction:
        for half in (channel.other_half, channel):
            if half is not None:
                half.destroy()
        raise
    return channel


def follow(name: str, *channels: "Channel | None") -> None:
    """Let the application that asked for channels hear of them, if it is there."""
    for channel in channels:
        application = channel.tenant.applications.get(name) if channel is not None else None
        if channel is not None and application is not None:
            application.follow(channel.topics[0])


def into_application(name: str, args: tuple[str, ...]) -> Body:
    """The life of an answered channel that goes to a Stasis application."""

    async def body(channel: "Channel") -> None:
        data = ",".join((name, *args))
        with channel.running("Stasis", data, announce=False):
            await stasis.visit(channel, name, args)

    return body


async def into_dialplan(channel: "Channel") -> None:
    """The life of an answered channel that goes to the dialplan, at its position."""
    await channel.tenant.router.run(channel)


def originate(
    channel: "Channel",
    then: Body,
    *,
    seconds: float = DEFAULT_TIMEOUT,
    follower: str | None = None,
) -> None:
    """Start the life of a requested channel: dial, and when it is answered, ``then``.

    -1 ``seconds`` wait for ever. ``follower`` is the application that hears of it from now on.
    """
    channel.show_application(DIALLING_APP, DIALLING_DATA, announce=True)
    if follower is not None:
        follow(follower, channel, channel.other_half)

    async def body(channel: "Channel") -> None:
        if await dial(channel, seconds=seconds) == "ANSWER":
            await then(channel)

    channel.tenant.start(channel, body)


async def dial(channel: "Channel", *, seconds: float, caller: "Channel | None" = None) -> str:
    """Dial a requested channel until it answers, fails or ``seconds`` are over.

    Publishes how it goes and returns the dial status: ANSWER, or why not. The cause of a
    failure becomes the channel's.
    """
    attempt = channel.attempt
    attempt.caller = attempt.awaited_by = caller
    attempt.begin()
    try:
        with trio.fail_after(seconds if seconds >= 0 else float("inf")):
            await channel.leg.dial()
    except trio.TooSlowError:
        return _not_answered(channel, DialFailed(causes.NO_ANSWER))
    except DialFailed as failed:
        return _not_answered(channel, failed)
    attempt.answered()
    return "ANSWER"


def _not_answered(channel: "Channel", failed: DialFailed) -> str:
    status = failed.status or causes.dial_status(failed.cause)
    if channel.cause is None:
        channel.cause = failed.cause
    channel.attempt.tell(status)
    return status


async def enter(
    channel: "Channel", name: str, args: tuple[str, ...], *, heard: bool = True
) -> None:
    """Start the life of a requested channel in an application, which dials it when it likes.

    ``heard`` lets the application hear of it from its first event to its last. Returns when the
    application has the channel, or nobody serves it and the channel ends.
    """
    if heard:
        follow(name, channel)
    entered = trio.Event()

    async def body(channel: "Channel") -> None:
        try:
            with channel.running("Stasis", ",".join((name, *args))):
                await stasis.visit(channel, name, args, begun=entered)
        finally:
            entered.set()

    channel.tenant.start(channel, body)
    await entered.wait()


def dial_held(channel: "Channel", *, seconds: float = 0, caller: "Channel | None" = None) -> None:
    """Dial a channel that an application holds, and goes on holding; 0 seconds wait for ever.

    ``caller`` is shown in the events. Those in the bridge with the channel hear how it goes. One
    that does not answer is hung up.
    """
    assert channel.nursery is not None, "an application holds live channels only"
    channel.attempt.asked = True
    channel.attempt.caller = caller
    if caller is not None and channel.snapshot.connected == Party():
        channel.change(connected=caller.snapshot.caller)  # whom the far end shows as calling
    channel.nursery.start_soon(_reach, channel, seconds or float("inf"))


async def _reach(channel: "Channel", seconds: float) -> None:
    try:
        with trio.fail_after(seconds):
            await channel.leg.dial()
    except trio.TooSlowError:
        channel.hangup(causes.NO_ANSWER, soft=True, shown=causes.REQUESTED)
    except DialFailed as failed:
        _not_answered(channel, failed)
        channel.hangup(failed.cause)
    else:
        channel.attempt.answered()
    finally:
        channel.attempt.end()


async def call_and_bridge(caller: "Channel", address: str, *, seconds: float) -> str:
    """Dial ``address`` for a caller and connect the two until one of them leaves.

    Returns the dial status; why the call ended becomes the caller's ``dial_cause``. Cancelled (the
    caller hung up), the called party is hung up too.
    """
    referred_by = caller.variables.get(REFERRED_BY)
    shown = caller.snapshot
    identity = NewChannel(
        # Whom is called, as far as is known: it shows when this one calls somebody in turn.
        caller=shown.connected if shown.connected.number else Party(number=shown.dialplan.exten),
        connected=shown.caller,
        variables=(Assignment(REFERRED_BY, referred_by),) if referred_by else (),
    )
    try:
        callee = request(caller.tenant, address, identity)
    except AllocationFailed as failed:
        caller.log.info("dial failed", address=address, reason=str(failed))
        caller.dial_cause = causes.NO_ROUTE
        return "CHANUNAVAIL"
    attempt = _Attempt(caller, seconds)
    try:
        caller.tenant.start(callee, attempt.run)
        await attempt.settled.wait()
        caller.ring_stop()
        if attempt.status == "ANSWER":
            caller.answer()
            await _talk(caller, callee)
        caller.dial_cause = callee.cause
        return attempt.status
    finally:
        if not callee.attempt.detached.is_set():
            callee.release()


class _Attempt:
    """One called party: a channel with its own life, which the caller may end."""

    def __init__(self, caller: "Channel", seconds: float) -> None:
        self.caller = caller
        self.seconds = seconds
        self.status = "CHANUNAVAIL"
        self.settled = trio.Event()

    async def run(self, callee: "Channel") -> None:
        """Dial, and where it is answered stay until released."""
        try:
            self.status = await dial(callee, seconds=self.seconds, caller=self.caller)
            self.settled.set()
            if self.status == "ANSWER":
                await callee.attempt.detached.wait()
                await _go_on(callee)
        finally:
            self.settled.set()


async def _talk(caller: "Channel", callee: "Channel") -> None:
    bridge = caller.tenant.create_bridge(bridge_class=DIALS, creator="Dial")
    bridge.join(caller)
    bridge.join(callee)
    await stay(caller)


async def stay(channel: "Channel") -> None:
    """Stay in the bridge, or in one that a transfer moves the channel to, until alone there."""
    try:
        while channel.bridge is not None and len(channel.bridge.channels) > 1:
            await channel.bridge.changed.wait()
    finally:
        bridge = channel.bridge
        if bridge is not None:
            bridge.leave(channel)
            dissolve(bridge)


def dissolve(bridge: "Bridge") -> None:
    """End a bridge of Dial's that connects nobody any more; applications end their own."""
    if bridge.is_dials and len(bridge.channels) < PAIR:
        bridge.destroy()


async def _go_on(channel: "Channel") -> None:
    """The life of a dialled channel that was transferred: where it is now, then the dialplan."""
    await stay(channel)
    if channel.jumped:
        await channel.tenant.router.run(channel)
