"""Channels that take another's place in a bridge, when that one transfers the others.

They are halves of a pair. Where the other is in an application, such a half enters that, which
hears whom it replaces, and then the bridge.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import trio

from . import dialing, stasis
from .assignment import Assignment
from .snapshots import ChannelSnapshot, Party
from .technology import AllocationFailed, Linker, NewChannel

if TYPE_CHECKING:
    from .bridge import Bridge
    from .channel import Channel
    from .supervision import Body
    from .tenant import Tenant

LOCAL = "Local"


def to_dialplan(
    replaced: "Channel",
    bridge: "Bridge",
    place: tuple[str, str, int],
    variables: Mapping[str, str],
) -> "Channel":
    """A channel that leads to a place of the dialplan. Raises :class:`AllocationFailed`."""
    context, exten, _ = place
    new = NewChannel(
        connected=_shown(replaced, bridge),
        variables=tuple(Assignment(name, value) for name, value in variables.items() if value),
    )
    new = dialing.on_behalf_of(replaced, new, dialled=False)
    channel = dialing.request(replaced.tenant, f"{LOCAL}/{exten}@{context}", new)
    assert channel.other_half is not None
    channel.other_half.go_to(*place)
    return channel


def _shown(replaced: "Channel", bridge: "Bridge") -> Party:
    """Who calls, for whom is called: the one who is transferred, or who does it for several."""
    others = [channel for channel in bridge.channels if channel is not replaced]
    caller = others[0] if len(others) == 1 else replaced
    return caller.snapshot.caller


def link(tenant: "Tenant") -> tuple["Channel", "Channel"]:
    """Two channels that hear each other, for two bridges. Raises :class:`AllocationFailed`."""
    technology: object = tenant.technologies.get(LOCAL)
    if not isinstance(technology, Linker):
        raise AllocationFailed(f"there is no technology {LOCAL!r} here")
    return technology.link(tenant)


def seat(channel: "Channel", replaced: "Channel") -> None:
    """Start the life of such a channel where another is, before that one leaves.

    That is in a bridge, an application, or both. One that is not answered is dialled there.
    """
    name, bridge = replaced.application_name, replaced.bridge
    if name is None:
        assert bridge is not None
        # At once, since such a bridge ends when there is but one in it; and so that who was
        # dialled by the replaced one goes on without it.
        bridge.join(channel)
        for member in bridge.channels:
            member.attempt.detached.set()
        channel.tenant.start(channel, _stay)
    else:
        channel.tenant.start(channel, _in_application(name, bridge, replaced.snapshot))


async def _stay(channel: "Channel") -> None:
    _dial(channel)
    await dialing.stay(channel)


def _in_application(name: str, bridge: "Bridge | None", replaced: ChannelSnapshot) -> "Body":
    async def body(channel: "Channel") -> None:
        assert channel.nursery is not None
        begun = trio.Event()
        if bridge is not None:
            channel.nursery.start_soon(_join, channel, bridge, begun)
        with channel.running("Stasis", name):
            await stasis.visit(channel, name, begun=begun, replaced=replaced)

    return body


async def _join(channel: "Channel", bridge: "Bridge", begun: trio.Event) -> None:
    await begun.wait()
    if bridge.destroyed:
        channel.hangup(soft=True)
        return
    bridge.join(channel)
    _dial(channel)


def _dial(channel: "Channel") -> None:
    if not channel.is_up:
        dialing.dial_held(channel)
