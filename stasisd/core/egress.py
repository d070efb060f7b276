"""Where this server may connect to on behalf of a tenant's programs.

A program names a URL, and the server fetches it; it names a host, and the server sends the media of
a call there. Without a rule it could reach what only the server can (its own ports, the networks
behind it, a cloud's metadata). So addresses are refused that are not of the public internet, unless
a setting allows their network.

A name is looked up once, and the connection goes to an address that was judged: a second look-up
could give another one.
"""

import ipaddress
from collections.abc import Iterable

import trio

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOPBACK = ("127.0.0.0/8", "::1/128")

# IPv6 addresses that stand for an IPv4 one (RFC 6052).
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name. Raises OSError."""
    found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Egress:
    """The rule of one tenant, for one purpose."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """``allowed`` are networks beyond the public internet, as ``10.1.0.0/16``."""
        self._allowed = [ipaddress.ip_network(network) for network in allowed]

    def permits(self, address: str) -> bool:
        """Whether this IP address may be connected to. What is none is refused."""
        try:
            real = _meant(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if any(real in network for network in self._allowed):
            return True
        return real.is_global and not real.is_multicast


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
