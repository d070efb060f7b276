"""Operations on bridges. This release connects two channels; see :mod:`stasisd.core.bridge`."""

from typing import Annotated

from stasisd.core.bridge import Bridge, BridgeFull
from stasisd.core.channel import Channel
from stasisd.core.snapshots import BridgeSnapshot

from .declare import Control, Create, Delete, Each, Named, Read, Required, operation
from .errors import Conflict, OperationFailed, Unprocessable

NOT_FOUND = {404: "Bridge not found"}
MEMBERS = {
    400: "Channel not found",
    404: "Bridge not found",
    409: "Bridge not in Stasis application, or full",
    422: "Channel not in Stasis application, or not in this bridge",
}
Channels = Annotated[
    list[Control[Channel]], Named("channel"), Required("Missing parameter channel")
]
# Attributes of a bridge's type that change nothing for two audio channels.
KNOWN_TYPES = {"mixing", "dtmf_events", "proxy_media"}


@operation("bridges.list", rest="GET /bridges")
def list_(bridges: Each[Bridge]) -> list[BridgeSnapshot]:
    """List all bridges."""
    return [bridge.snapshot for bridge in bridges]


@operation(
    "bridges.create",
    rest="POST /bridges",
    also={"createWithId": "POST /bridges/{bridgeId}"},
    errors={409: "Bridge with the same bridgeId already exists"},
)
def create(new: Create[Bridge], type: str = "", name: str = "") -> BridgeSnapshot:  # noqa: A002 - ARI's name
    """Make a bridge that mixes what its channels say."""
    unknown = {part.strip() for part in type.split(",") if part.strip()} - KNOWN_TYPES
    if unknown:
        raise OperationFailed(
            f"Unable to create bridge. Possible duplicate bridge id '{new.id or '(null)'}'",
            detail=f"unknown type {', '.join(sorted(unknown))}; "
            f"known are {', '.join(sorted(KNOWN_TYPES))}",
        )
    if new.id and new.id in new.tenant.bridges:
        raise Conflict(f"Bridge with id '{new.id}' already exists")
    return new.tenant.create_bridge(new.id or None, name=name).snapshot


@operation("bridges.get", rest="GET /bridges/{bridgeId}", errors=NOT_FOUND)
def get(bridge: Read[Bridge]) -> BridgeSnapshot:
    """Get one bridge."""
    return bridge.snapshot


@operation("bridges.destroy", rest="DELETE /bridges/{bridgeId}", errors=NOT_FOUND)
def destroy(bridge: Delete[Bridge]) -> None:
    """End a bridge; its channels stay in their applications."""
    bridge.destroy()


@operation("bridges.addChannel", rest="POST /bridges/{bridgeId}/addChannel", errors=MEMBERS)
def add_channel(bridge: Control[Bridge], channel: Channels) -> None:
    """Let channels join a bridge."""
    if bridge.snapshot.bridge_class != "stasis":
        raise Conflict("Bridge not in Stasis application")
    for joining in channel:
        if joining.visit is None:
            raise Unprocessable("Channel not in Stasis application")
    try:
        bridge.check_room(channel)
    except BridgeFull:
        raise Conflict("Bridge is full", detail="this release mixes two channels") from None
    for joining in channel:
        bridge.join(joining)


@operation("bridges.removeChannel", rest="POST /bridges/{bridgeId}/removeChannel", errors=MEMBERS)
def remove_channel(bridge: Control[Bridge], channel: Channels) -> None:
    """Take channels out of a bridge."""
    for leaving in channel:
        if leaving.bridge is not bridge:
            raise Unprocessable("Channel not in this bridge")
    for leaving in channel:
        bridge.leave(leaving)
