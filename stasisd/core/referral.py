"""A transfer that a far end asks for and that is left to an application: ``ChannelTransfer``."""

from typing import TYPE_CHECKING, Any

import msgspec

from . import events
from .transfer import peer_of

if TYPE_CHECKING:
    from .channel import Channel


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Where the far end wants its call to go.

    ``destination`` is an extension. ``protocol_id`` and ``parameters`` name a call that the new
    one shall stand for, as the technology names it. ``referred_by`` is who wants it, if told.
    """

    destination: str
    protocol_id: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    referred_by: str | None = None


def tell(
    source: "Channel", wanted: Wanted, replaced: "Channel | None", state: str | None = None
) -> None:
    """Publish what ``source``'s far end wants, and how it goes by now; None has not begun.

    ``replaced`` is the other call of the far end, where it is one here.
    """
    other = replaced if replaced is not None and not replaced.destroyed else None
    source.tenant.publish(
        events.ChannelTransfer,
        source.topics,
        state=state,
        destination=wanted.destination,
        protocol_id=wanted.protocol_id,
        parameters=wanted.parameters,
        referred_by=wanted.referred_by,
        **_place("source", source),
        **(_place("destination", other) if other is not None else {}),
    )


def _place(side: str, channel: "Channel") -> dict[str, Any]:
    """A channel, whom it talks to and where: flat, since hearing looks for objects in fields."""
    peer, bridge = peer_of(channel), channel.bridge
    return {
        f"{side}_channel": channel.snapshot,
        f"{side}_connected": peer.snapshot if peer is not None else None,
        f"{side}_bridge": bridge.snapshot if bridge is not None else None,
    }
