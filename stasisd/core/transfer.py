"""Transfers: a party of a call sends the one it talks to elsewhere, or puts two of its calls
together. Its own legs then end.
"""

from typing import TYPE_CHECKING

from . import events
from .dialing import dissolve

if TYPE_CHECKING:
    from .bridge import Bridge
    from .channel import Channel

SUCCESS = "Success"
PAIR = 2


class CannotTransfer(Exception):
    """The channel is not in a call that can be transferred; the message says why."""


class NoSuchPlace(CannotTransfer):
    """The dialplan has no such extension."""


def peer_of(channel: "Channel") -> "Channel | None":
    """The only other one in the channel's bridge, if there is just one."""
    if channel.bridge is None or len(channel.bridge.channels) != PAIR:
        return None
    one, other = channel.bridge.channels
    return other if one is channel else one


def blind(transferer: "Channel", context: str, exten: str) -> None:
    """Send whom the transferer talks to into the dialplan. Raises :class:`CannotTransfer`."""
    transferee, bridge = peer_of(transferer), transferer.bridge
    if transferee is None or bridge is None:
        raise CannotTransfer("it is not in a bridge with one other channel")
    if not transferer.tenant.router.exists(context, exten, 1):
        raise NoSuchPlace(f"there is no extension {exten!r} in {context!r}")
    transferer.tenant.publish(
        events.BridgeBlindTransfer,
        (*bridge.topics, *transferer.topics, *transferee.topics),
        channel=transferer.snapshot,
        transferee=transferee.snapshot,
        bridge=bridge.snapshot,
        exten=exten,
        context=context,
        result=SUCCESS,
        is_external=True,
    )
    _send(transferee, (context, exten, 1))
    _dismiss(transferer, bridge)


def _send(channel: "Channel", place: tuple[str, str, int]) -> None:
    if channel.visit is not None:
        channel.visit.leave(place)
        return
    assert channel.bridge is not None
    channel.jump(*place)
    channel.attempt.detached.set()
    channel.bridge.leave(channel)


def _dismiss(channel: "Channel", bridge: "Bridge") -> None:
    bridge.leave(channel)
    dissolve(bridge)
    channel.hangup(soft=True)


def attended(first: "Channel", second: "Channel") -> None:
    """Connect those whom one party talks to in two calls. Raises :class:`CannotTransfer`.

    One bridge takes in the channels of the other: an application's rather than one of Dial's.
    """
    here, there = first.bridge, second.bridge
    if here is None or there is None or here is there:
        raise CannotTransfer("its two calls are not in two bridges")
    if here.kind.holding or there.kind.holding:
        raise CannotTransfer("a holding bridge connects nobody")
    target, source = (there, here) if _is_dials(here) and not _is_dials(there) else (here, there)
    _tell_attended(first, here, second, there, target)
    here.leave(first)
    there.leave(second)
    moved = list(source.channels)
    for channel in (*here.channels, *there.channels):
        channel.attempt.detached.set()
    for channel in moved:
        target.join(channel)
    first.tenant.publish(
        events.BridgeMerged,
        (*target.topics, *source.topics),
        bridge=target.snapshot,
        bridge_from=source.snapshot,
    )
    _dismiss(first, here)
    _dismiss(second, there)


def _is_dials(bridge: "Bridge") -> bool:
    return bridge.snapshot.bridge_class == "basic"


def _tell_attended(
    first: "Channel", here: "Bridge", second: "Channel", there: "Bridge", target: "Bridge"
) -> None:
    transferee, other = peer_of(first), peer_of(second)
    followed = {*here.topics, *there.topics, *first.topics, *second.topics}
    for channel in (*here.channels, *there.channels):
        followed.update(channel.topics)
    first.tenant.publish(
        events.BridgeAttendedTransfer,
        sorted(followed),
        transferer_first_leg=first.snapshot,
        transferer_second_leg=second.snapshot,
        transferee=transferee.snapshot if transferee is not None else None,
        transfer_target=other.snapshot if other is not None else None,
        transferer_first_leg_bridge=here.snapshot,
        transferer_second_leg_bridge=there.snapshot,
        result=SUCCESS,
        is_external=True,
        destination_type="bridge",
        destination_bridge=target.id,
    )
