"""What channels to programs have in common, whatever their media goes over."""

import trio

from stasisd.core.channel import Channel
from stasisd.core.egress import look_up
from stasisd.core.snapshots import ChannelSnapshot, DialplanPosition
from stasisd.core.technology import AllocationFailed, Leg, NewChannel, OutOfReach
from stasisd.core.tenant import Tenant

RESOLVE_SECONDS = 5
CONNECT_SECONDS = 3


async def resolved(tenant: Tenant, host: str) -> list[str]:
    """A host's addresses that the tenant's rule permits, of which there is one at least.

    Raises OutOfReach where it permits none, and AllocationFailed where there is none.
    """
    found = await looked_up(host)
    permitted = [address for address in found if tenant.media_egress.permits(address)]
    if not permitted:
        raise OutOfReach(
            f"{host} is not on the public internet; the setting"
            f" tenants.{tenant.name}.egress.allowed_networks allows more networks"
        )
    return permitted


async def looked_up(host: str) -> list[str]:
    """A host's addresses, whatever they are. Raises AllocationFailed."""
    try:
        with trio.fail_after(RESOLVE_SECONDS):
            return await look_up(host.strip("[]"), 0)
    except trio.TooSlowError:
        raise AllocationFailed(f"{host} could not be looked up in time") from None
    except (OSError, UnicodeError) as unknown:
        raise AllocationFailed(f"{host}: {unknown}") from None


async def connected(addresses: list[str], port: int) -> trio.SocketStream:
    """A TCP connection to the first address that takes it. Raises AllocationFailed."""
    failed = ""
    with trio.move_on_after(CONNECT_SECONDS):
        for address in addresses:
            try:
                return await trio.open_tcp_stream(address, port)
            except OSError as refused:
                failed = f"{address} port {port}: {refused}"
        raise AllocationFailed(failed)
    raise AllocationFailed(f"{addresses[0]} port {port} does not answer")


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
