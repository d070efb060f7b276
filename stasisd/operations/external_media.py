"""The operation that gives a channel's media to a program outside."""

import re
from typing import Annotated, Any

import msgspec

from stasisd.core import dialing
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot
from stasisd.core.technology import MediaPeer, NewChannel

from .assignments import assignments
from .channel_origins import FORMATS, making
from .channel_places import MISSING_APP
from .declare import Create, Named, OneOf, Required, operation
from .errors import InvalidParameter, NotSupported
from .parameters import ApplicationName

# Technology by encapsulation and transport.
TECHNOLOGIES = {("rtp", "udp"): "UnicastRTP"}
HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+):([0-9]{1,5})")
SHOWN = ("UNICASTRTP_LOCAL_PORT", "UNICASTRTP_LOCAL_ADDRESS")


@operation(
    "channels.externalMedia",
    rest="POST /channels/externalMedia",
    errors={
        400: "Invalid parameters",
        409: "The id is taken",
        501: "The encapsulation or transport is not supported",
    },
)
async def external_media(  # noqa: PLR0913 - ARI's parameters, each by its name
    new: Create[Channel],
    *,
    app: Annotated[ApplicationName, Required(MISSING_APP)],
    external_host: Annotated[str, Named("external_host")] = "",
    format: str = "",  # noqa: A002 - ARI's name
    encapsulation: str = "rtp",
    transport: str = "udp",
    connection_type: Annotated[
        str,
        Named("connection_type"),
        OneOf(("client", "server"), "connection_type must be client or server"),
    ] = "client",
    direction: Annotated[  # noqa: ARG001 - there is one only, and it is checked
        str, OneOf(("both",), "direction must be both")
    ] = "both",
    variables: dict[str, Any] | None = None,
) -> ChannelSnapshot:
    """Make a channel whose media goes to and comes from a program."""
    host, port = _place(external_host)
    _check_format(format)
    technology = _technology(encapsulation, transport)
    peer = MediaPeer(host=host, port=port, format=format, server=connection_type == "server")
    wanted = NewChannel(channel_id=new.id or None, variables=assignments(variables))
    with making():
        new.tenant.claim(*([new.id] if new.id else []))
        channel = await dialing.request_peer(new.tenant, technology, peer, wanted)
    dialing.originate(channel, dialing.into_application(app, ()), follower=app)
    # As in ARI: where its media is, is shown in this answer and not in events.
    where = tuple((name, channel.variables[name]) for name in SHOWN if name in channel.variables)
    return msgspec.structs.replace(channel.snapshot, channelvars=where)


def _place(text: str) -> tuple[str, int]:
    if not text:
        raise InvalidParameter("external_host is required for all but websocket server connections")
    found = HOST_AND_PORT.fullmatch(text)
    if found is None or not 0 < int(found[2]) < 65536:
        raise InvalidParameter(
            "external_host must be <host>:<port> for all transports other than websocket"
        )
    return found[1], int(found[2])


def _check_format(name: str) -> None:
    if not name:
        raise InvalidParameter("format cannot be empty")
    if name not in FORMATS:
        raise InvalidParameter(
            f"Provided format ({name}) was not found",
            detail=f"known formats are {', '.join(FORMATS)}",
        )


def _technology(encapsulation: str, transport: str) -> str:
    if encapsulation == "rtp" and transport != "udp":
        raise InvalidParameter("transport must be 'udp' for rtp encapsulation")
    technology = TECHNOLOGIES.get((encapsulation, transport))
    if technology is None:
        raise NotSupported("The encapsulation and/or transport is not supported")
    return technology
