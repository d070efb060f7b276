"""Transfers: a party of a call sends the one it talks to elsewhere, or puts two of its calls
together. Its own legs then end.

What moves depends on whose bridge it is, as in Asterisk:

- Out of a bridge of Dial's with two parties, the other party moves: to the dialplan, or into the
  bridge of the other call.
- A bridge of an application, or of more parties, stays as it is. A channel takes the transferer's
  place in it, whose other half is where the transfer leads to (see :mod:`.stand_in`).
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from . import events
from .dialing import dissolve
from .stand_in import link, seat, to_dialplan
from .technology import AllocationFailed

if TYPE_CHECKING:
    from .bridge import Bridge
    from .channel import Channel

SUCCESS, INVALID, FAIL = "Success", "Invalid", "Fail"
PAIR = 2
# Variables of those who are transferred: the name of the channel that did it.
BLIND, ATTENDED = "BLINDTRANSFER", "ATTENDEDTRANSFER"

Place = tuple[str, str, int]
T = TypeVar("T")


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


def _moves(bridge: "Bridge") -> bool:
    """Whether those in the bridge may be moved: it is one of Dial's, with two parties."""
    return bridge.is_dials and len(bridge.channels) == PAIR


# --- to a place of the dialplan


def blind(
    transferer: "Channel", context: str, exten: str, variables: Mapping[str, str] | None = None
) -> None:
    """Send whom the transferer talks to into the dialplan, with these variables.

    An empty one is taken away. Raises :class:`CannotTransfer`.
    """
    bridge = transferer.bridge
    if bridge is None or len(bridge.channels) < PAIR:
        _tell_blind(transferer, bridge, context, exten, result=INVALID)
        raise CannotTransfer("it is not in a bridge with another channel")
    if not transferer.tenant.router.exists(context, exten, 1):
        raise NoSuchPlace(f"there is no extension {exten!r} in {context!r}")
    marks = {BLIND: transferer.name, **(variables or {})}
    peer = peer_of(transferer)
    if peer is not None and _moves(bridge):
        for name, value in marks.items():
            if value:
                peer.set_variable(name, value)
            else:
                peer.unset_variable(name)
        _tell_blind(transferer, bridge, context, exten)
        _send(peer, (context, exten, 1))
    else:
        _replace(transferer, bridge, (context, exten, 1), marks)
    _dismiss(transferer, bridge)


def _replace(
    transferer: "Channel", bridge: "Bridge", place: Place, marks: Mapping[str, str]
) -> None:
    context, exten, _ = place
    try:
        stand_in = to_dialplan(transferer, bridge, place, marks)
    except AllocationFailed as failed:
        _tell_blind(transferer, bridge, context, exten, result=FAIL)
        raise CannotTransfer(str(failed)) from None
    _tell_blind(transferer, bridge, context, exten, replace_channel=stand_in.snapshot)
    seat(stand_in, transferer)


def _tell_blind(
    transferer: "Channel",
    bridge: "Bridge | None",
    context: str,
    exten: str,
    result: str = SUCCESS,
    **fields: Any,
) -> None:
    peer = peer_of(transferer)
    transferer.tenant.publish(
        events.BridgeBlindTransfer,
        _followed(transferer),
        channel=transferer.snapshot,
        transferee=peer.snapshot if peer is not None else None,
        bridge=bridge.snapshot if bridge is not None else None,
        exten=exten,
        context=context,
        result=result,
        is_external=True,
        **fields,
    )


def _send(channel: "Channel", place: Place) -> None:
    """Let a channel of a bridge of Dial's go on elsewhere in the dialplan."""
    assert channel.bridge is not None
    channel.jump(*place)
    channel.attempt.detached.set()
    channel.bridge.leave(channel)


def _dismiss(channel: "Channel", bridge: "Bridge | None") -> None:
    if bridge is not None:
        bridge.leave(channel)
        dissolve(bridge)
    channel.hangup(soft=True)


# --- to another call of the transferer's


def attended(first: "Channel", second: "Channel") -> None:
    """Connect those whom one party talks to in two calls. Raises :class:`CannotTransfer`.

    One of the two may be a call to nobody but an application.
    """
    here, there = first.bridge, second.bridge
    try:
        if here is not None and there is not None:
            _connect(first, here, second, there)
        elif here is not None:
            _take_over(first, second, first, here, second)
        elif there is not None:
            _take_over(first, second, second, there, first)
        else:
            raise CannotTransfer("neither of its two calls is in a bridge")
    except CannotTransfer:
        _tell_attended(first, second, result=INVALID, destination_type="fail")
        raise
    _dismiss(first, here)
    _dismiss(second, there)


def _connect(first: "Channel", here: "Bridge", second: "Channel", there: "Bridge") -> None:
    if here is there:
        raise CannotTransfer("its two calls are in one bridge")
    if here.kind.holding or there.kind.holding:
        raise CannotTransfer("a holding bridge connects nobody")
    if not (here.is_dials and there.is_dials):
        _link(first, here, second)
        return
    # Of two calls the transferee moves to the target; a conference does not move to a call.
    target, source = (there, here) if _moves(here) or not _moves(there) else (here, there)
    _mark(first, here)
    _tell_attended(first, second, destination_type="bridge", destination_bridge=target.id)
    merged = not _moves(source)
    here.leave(first)
    there.leave(second)
    for channel in (*here.channels, *there.channels):
        channel.attempt.detached.set()
    for channel in list(source.channels):
        target.join(channel)
    if merged:
        first.tenant.publish(
            events.BridgeMerged,
            (*target.topics, *source.topics),
            bridge=target.snapshot,
            bridge_from=source.snapshot,
        )


def _link(first: "Channel", here: "Bridge", second: "Channel") -> None:
    one, other = _allocated(lambda: link(first.tenant))
    _mark(first, here)
    _tell_attended(
        first,
        second,
        destination_type="link",
        destination_link_first_leg=one.snapshot,
        destination_link_second_leg=other.snapshot,
    )
    seat(one, first)
    seat(other, second)


def _take_over(
    first: "Channel", second: "Channel", bridged: "Channel", bridge: "Bridge", alone: "Channel"
) -> None:
    """Let those in the bridge have what the other call is in: an application."""
    if len(bridge.channels) < PAIR or not (alone.visit is not None or alone.in_dialplan):
        raise CannotTransfer("one of its calls is with nobody")
    here, peer = alone.snapshot.dialplan, peer_of(bridged)
    place = (here.context, here.exten, here.priority)
    moving = peer if alone.visit is None and _moves(bridge) else None
    ways: tuple[Channel, ...] = ()
    if alone.visit is not None:
        ways = _allocated(lambda: link(first.tenant))
    elif moving is None:
        marks = {ATTENDED: first.name}
        ways = (_allocated(lambda: to_dialplan(bridged, bridge, place, marks)),)
    _mark(first, bridge)
    _tell_attended(
        first,
        second,
        destination_type="application",
        destination_application=here.app_name,
        replace_channel=ways[0].snapshot if ways else None,
    )
    if moving is not None:
        _send(moving, place)
    for way, replaced in zip(ways, (bridged, alone), strict=False):
        seat(way, replaced)


def _allocated(allocate: Callable[[], T]) -> T:
    try:
        return allocate()
    except AllocationFailed as failed:
        raise CannotTransfer(str(failed)) from None


def _mark(transferer: "Channel", bridge: "Bridge") -> None:
    for channel in bridge.channels:
        if channel is not transferer:
            channel.set_variable(ATTENDED, transferer.name)


def _tell_attended(
    first: "Channel", second: "Channel", result: str = SUCCESS, **fields: Any
) -> None:
    here, there = first.bridge, second.bridge
    transferee, target = peer_of(first), peer_of(second)
    first.tenant.publish(
        events.BridgeAttendedTransfer,
        _followed(first, second),
        transferer_first_leg=first.snapshot,
        transferer_second_leg=second.snapshot,
        transferee=transferee.snapshot if transferee is not None else None,
        transfer_target=target.snapshot if target is not None else None,
        transferer_first_leg_bridge=here.snapshot if here is not None else None,
        transferer_second_leg_bridge=there.snapshot if there is not None else None,
        result=result,
        is_external=True,
        **fields,
    )


def _followed(*transferers: "Channel") -> list[str]:
    """The topics of those who are concerned: all in the bridges, and the bridges."""
    topics: dict[str, None] = {}
    for transferer in transferers:
        bridge = transferer.bridge
        channels = bridge.channels if bridge is not None else [transferer]
        for concerned in (bridge, *channels):
            if concerned is not None:
                topics.update(dict.fromkeys(concerned.topics))
    return list(topics)
