"""Which addresses lists of networks let in, and the caveat at the door."""

import ipaddress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caps.caveats import Networks, decode, encode
from caps.errors import Denied
from caps.grant import Grant
from caps.networks import lets_in

ALL = ("0.0.0.0/0", "::/0")


@pytest.mark.parametrize(
    ("permit", "deny", "address", "may"),
    [
        ((), (), "192.0.2.1", True),
        (("192.0.2.0/24",), (), "192.0.2.1", True),
        (("192.0.2.0/24",), (), "198.51.100.1", False),
        ((), ("192.0.2.0/24",), "192.0.2.1", False),
        ((), ("192.0.2.0/24",), "198.51.100.1", True),
        (("10.0.0.0/8",), ALL, "10.1.1.1", True),
        (("10.0.0.0/8",), ("10.1.0.0/16",), "10.1.1.1", False),
        (("10.0.0.0/8",), ("10.1.0.0/16",), "10.2.1.1", True),
        (("10.1.1.1",), ("10.1.1.1",), "10.1.1.1", True),
        (("192.0.2.0/24",), (), "::ffff:192.0.2.1", True),
        (("2001:db8::/32",), (), "2001:db8::1", True),
        (("fe80::/10",), (), "fe80::1%eth0", True),
        (("192.0.2.0/24",), (), "2001:db8::1", False),
        ((), (), "", False),
        (("nonsense",), (), "192.0.2.1", False),
    ],
)
def test_the_narrowest_network_decides(
    permit: tuple[str, ...], deny: tuple[str, ...], address: str, may: bool
) -> None:
    assert lets_in(permit, deny, address) is may


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_network_permits_what_it_holds(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int
) -> None:
    assume(address.version == 4 or address.ipv4_mapped is None)
    length = min(length, address.max_prefixlen)
    network = str(ipaddress.ip_network(f"{address}/{length}", strict=False))
    assert lets_in((network,), (), str(address))
    assert lets_in((network,), ALL, str(address))
    assert not lets_in((), (network,), str(address))


def test_the_caveat_is_taken_out_at_the_door() -> None:
    caveat = Networks(("192.0.2.0/24",), ())
    assert decode(encode(caveat)) == caveat
    grant = Grant(tenant="t", key_id="k", token_id="i", caveats=(caveat,))
    assert grant.admit("192.0.2.1").caveats == ()
    assert grant.admit(None).caveats == ()
    with pytest.raises(Denied):
        grant.admit("198.51.100.1")
    plain = grant.admit(None)
    assert plain.admit("anything") is plain
