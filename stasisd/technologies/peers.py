"""What channels to programs have in common, whatever their media goes over."""

import socket

import trio

from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot, DialplanPosition
from stasisd.core.technology import AllocationFailed, Leg, MediaPeer, NewChannel
from stasisd.core.tenant import Tenant

RESOLVE_SECONDS = 5
CONNECT_SECONDS = 3


async def resolved(peer: MediaPeer) -> tuple[str, int]:
    """The peer's address, its name looked up. Raises AllocationFailed."""
    try:
        with trio.fail_after(RESOLVE_SECONDS):
            found = await trio.socket.getaddrinfo(
                peer.host.strip("[]"), peer.port, type=socket.SOCK_DGRAM
            )
    except trio.TooSlowError:
        raise AllocationFailed(f"{peer.host} could not be looked up in time") from None
    except (OSError, UnicodeError) as unknown:
        raise AllocationFailed(f"{peer.host}: {unknown}") from None
    host, port = found[0][4][:2]
    return str(host), int(port)


async def connected(host: str, port: int) -> trio.SocketStream:
    """A TCP connection. Raises AllocationFailed."""
    try:
        with trio.fail_after(CONNECT_SECONDS):
            return await trio.open_tcp_stream(host, port)
    except trio.TooSlowError:
        raise AllocationFailed(f"{host} port {port} does not answer") from None
    except OSError as refused:
        raise AllocationFailed(f"{host} port {port}: {refused}") from None


def add_peer_channel(
    tenant: Tenant, leg: Leg, name: str, new: NewChannel, *, dialstring: str
) -> Channel:
    """Make a channel that is ``Down`` and nowhere in the dialplan. Raises AllocationFailed."""
    channel = Channel(
        tenant,
        leg,
        ChannelSnapshot(
            id=new.channel_id or tenant.new_channel_id(),
            name=name,
            state="Down",
            dialplan=DialplanPosition("default", "s", 1),
            creationtime=tenant.now(),
            language=tenant.settings.language,
            channelvars=tenant.shown_variables({}),
        ),
        dialstring=dialstring,
    )
    tenant.add_channel(channel)
    return channel
