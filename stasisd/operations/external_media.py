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
from .transport_data import TransportData
from .transport_data import read as read_transport_data

# Transport and technology by encapsulation.
ENCAPSULATIONS = {
    "rtp": ("udp", "UnicastRTP"),
    "audiosocket": ("tcp", "AudioSocket"),
    "none": ("websocket", "WebSocket"),
}
HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+):(?P<port>[0-9]{1,5})")
# Of a WebSocket; a URL with a scheme may go without a port.
URL = re.compile(
    r"(?:(?P<scheme>wss?)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]@?#]+)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[!-\"$-~]*)?"
)
CONNECTION = re.compile(r"[A-Za-z0-9_.-]+")
PORTS = {"ws": "80", "wss": "443"}
AUDIOSOCKET, WEBSOCKET = "AudioSocket", "websocket"
UNSUPPORTED = "The encapsulation and/or transport is not supported"
SHOWN = (
    "UNICASTRTP_LOCAL_PORT",
    "UNICASTRTP_LOCAL_ADDRESS",
    "MEDIA_WEBSOCKET_CONNECTION_ID",
    "MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE",
)


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
    transport_data: Annotated[str, Named("transport_data")] = "",
    variables: dict[str, Any] | None = None,
) -> ChannelSnapshot:
    """Make a channel whose media goes to and comes from a program."""
    server = connection_type == "server"
    place = _place(external_host, websocket=transport == WEBSOCKET, server=server)
    if not format:
        raise InvalidParameter("format cannot be empty")
    technology = _technology(encapsulation, transport)
    options = _options(transport_data, websocket=transport == WEBSOCKET, server=server)
    identity = _identity(data, server=server) if technology == AUDIOSOCKET else None
    wanted = NewChannel(channel_id=new.id or None, variables=assignments(variables))
    with making(new.tenant, new.id):
        peers = dialing.media_peers(new.tenant, technology)
        codec = options.format or format
        _check_format(codec, peers.formats)
        peer = MediaPeer(
            **place,
            format=codec,
            server=server,
            identity=identity,
            query=options.query,
            json=options.json,
            answers=options.answers,
        )
        channel = await dialing.request_peer(new.tenant, peers, peer, wanted)
    dialing.originate(channel, dialing.into_application(app, ()), follower=app)
    # As in ARI: where its media is, is shown in this answer and not in events.
    where = tuple((name, channel.variables[name]) for name in SHOWN if name in channel.variables)
    shown = channel.snapshot
    return msgspec.structs.replace(shown, channelvars=where or shown.channelvars)


def _place(text: str, *, websocket: bool, server: bool) -> dict[str, Any]:
    """Where the program is: fields of a MediaPeer."""
    if websocket and server:
        return {}
    if not text:
        raise InvalidParameter("external_host is required for all but websocket server connections")
    if websocket:
        return _websocket_place(text)
    found = HOST_AND_PORT.fullmatch(text)
    if found is None or not _is_port(found["port"]):
        raise InvalidParameter(
            "external_host must be <host>:<port> for all transports other than websocket"
        )
    return {"host": found["host"], "port": int(found["port"])}


def _websocket_place(text: str) -> dict[str, Any]:
    """A URL, or the name of a connection of the configuration."""
    if CONNECTION.fullmatch(text):
        return {"connection": text}
    found = URL.fullmatch(text)
    port = found and (found["port"] or PORTS.get(found["scheme"]))
    if found is None or not port or not _is_port(port):
        raise InvalidParameter(
            "external_host must be ws[s]://<host>[:<port>][/<path>], <host>:<port>[/<path>] or the"
            " name of a connection for a websocket"
        )
    return {
        "host": found["host"],
        "port": int(port),
        "path": found["path"] or "/",
        "secure": found["scheme"] == "wss",
    }


def _is_port(digits: str) -> bool:
    return 0 < int(digits) < 65536


def _options(text: str, *, websocket: bool, server: bool) -> TransportData:
    """What else is said of a WebSocket. As in Asterisk, other transports pass over it."""
    return read_transport_data(text, server=server) if websocket else TransportData()


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
