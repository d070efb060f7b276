"""The operation that gives a channel's media to a program outside."""

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec

from stasisd.core import dialing
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot
from stasisd.core.technology import MediaPeer, NewChannel

from .assignments import assignments
from .channel_origins import making
from .channel_places import MISSING_APP
from .declare import Create, Named, OneOf, Required, operation
from .errors import InvalidParameter, NotSupported
from .parameters import ApplicationName

# Transport and technology by encapsulation.
ENCAPSULATIONS = {
    "rtp": ("udp", "UnicastRTP"),
    "audiosocket": ("tcp", "AudioSocket"),
    "none": ("websocket", "WebSocket"),
}
HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+):(?P<port>[0-9]{1,5})")
ADDRESS = re.compile(rf"(?:ws://)?{HOST_AND_PORT.pattern}(?P<path>/[!-~]*)?")
AUDIOSOCKET, WEBSOCKET = "AudioSocket", "websocket"
UNSUPPORTED = "The encapsulation and/or transport is not supported"
SHOWN = ("UNICASTRTP_LOCAL_PORT", "UNICASTRTP_LOCAL_ADDRESS")


@operation(
    "channels.externalMedia",
    rest="POST /channels/externalMedia",
    errors={
        400: "Invalid parameters",
        403: "The server may not connect there",
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
    data: str = "",
    transport_data: Annotated[str, Named("transport_data")] = "",  # noqa: ARG001 - for WebSockets
    variables: dict[str, Any] | None = None,
) -> ChannelSnapshot:
    """Make a channel whose media goes to and comes from a program."""
    place = _place(external_host, websocket=transport == WEBSOCKET)
    if not format:
        raise InvalidParameter("format cannot be empty")
    technology = _technology(encapsulation, transport)
    server = connection_type == "server"
    if server and transport == WEBSOCKET:
        raise NotSupported(UNSUPPORTED, detail="WebSockets for media are opened by us")
    identity = _identity(data, server=server) if technology == AUDIOSOCKET else None
    wanted = NewChannel(channel_id=new.id or None, variables=assignments(variables))
    with making(new.tenant, new.id):
        peers = dialing.media_peers(new.tenant, technology)
        _check_format(format, peers.formats)
        peer = MediaPeer(**place, format=format, server=server, identity=identity)
        channel = await dialing.request_peer(new.tenant, peers, peer, wanted)
    dialing.originate(channel, dialing.into_application(app, ()), follower=app)
    # As in ARI: where its media is, is shown in this answer and not in events.
    where = tuple((name, channel.variables[name]) for name in SHOWN if name in channel.variables)
    shown = channel.snapshot
    return msgspec.structs.replace(shown, channelvars=where or shown.channelvars)


def _place(text: str, *, websocket: bool) -> dict[str, Any]:
    """Host and port, and the path of a WebSocket."""
    if not text:
        raise InvalidParameter("external_host is required for all but websocket server connections")
    found = (ADDRESS if websocket else HOST_AND_PORT).fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise InvalidParameter(
            "external_host must be [ws://]<host>:<port>[/<path>] for a websocket"
            if websocket
            else "external_host must be <host>:<port> for all transports other than websocket"
        )
    place = {"host": found["host"], "port": int(found["port"])}
    return place | {"path": found["path"] or "/"} if websocket else place


def _check_format(name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise InvalidParameter(
            f"Provided format ({name}) was not found",
            detail=f"formats of this encapsulation are {', '.join(known)}",
        )


def _technology(encapsulation: str, transport: str) -> str:
    if encapsulation not in ENCAPSULATIONS:
        raise NotSupported(UNSUPPORTED)
    fitting, technology = ENCAPSULATIONS[encapsulation]
    if transport != fitting:
        said = f"transport must be '{fitting}' for {encapsulation} encapsulation"
        if fitting == WEBSOCKET:
            raise NotSupported(UNSUPPORTED, detail=said)
        raise InvalidParameter(said)
    return technology


def _identity(data: str, *, server: bool) -> UUID:
    if server:
        raise InvalidParameter("connection_type must be 'client' for audiosocket encapsulation")
    try:
        return UUID(data)
    except ValueError:
        raise InvalidParameter("data must be a UUID for audiosocket encapsulation") from None
