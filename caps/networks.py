"""Which addresses two lists of networks let in. Pure."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def lets_in(permit: tuple[str, ...], deny: tuple[str, ...], address: str) -> bool:
    """Whether an address may come in: the narrowest network that holds it decides.

    Of two alike, the permitted one does. An address in none of them may come in where nothing is
    permitted in particular. What is no address or no network lets nobody in.
    """
    try:
        client = _plain(ipaddress.ip_address(address.partition("%")[0]))
        permitted = _narrowest(client, permit)
        denied = _narrowest(client, deny)
    except ValueError:
        return False
    if permitted is None and denied is None:
        return not permit
    return (-1 if permitted is None else permitted) >= (-1 if denied is None else denied)


def _plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address that came by an IPv6 socket, as what it is (RFC 4291, 2.5.5.2)."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _narrowest(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, texts: Iterable[str]
) -> int | None:
    """The prefix length of the narrowest network that holds the address."""
    networks = map(ipaddress.ip_network, texts)
    return max((network.prefixlen for network in networks if address in network), default=None)
