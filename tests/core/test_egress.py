"""Which addresses this server may connect to for programs."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.core.egress import Egress


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"])
def test_the_public_internet_is_permitted(address: str) -> None:
    assert Egress().permits(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1",
        "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
        "fd00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::",
        "2001:0:0:0:0:0:80ff:fffe", "localhost", "", "127.1", "0x7f000001",
    ],
)  # fmt: skip
def test_other_networks_are_refused(address: str) -> None:
    assert not Egress().permits(address)


def test_a_network_may_be_allowed() -> None:
    egress = Egress(["10.1.0.0/16", "fd00:1::/32"])
    assert egress.permits("10.1.2.3")
    assert egress.permits("::ffff:10.1.2.3")
    assert egress.permits("fd00:1::5")
    assert not egress.permits("10.2.0.1")
    assert egress.permits("93.184.216.34")


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_as_what_it_stands_for(address: ipaddress.IPv4Address) -> None:
    egress, number = Egress(), int(address)
    judged = egress.permits(str(address))
    for disguise in (
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ):
        assert egress.permits(str(disguise)) == judged, disguise
