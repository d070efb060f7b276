"""Values that are written as text and mean more: addresses and ranges of ports."""

import ipaddress
import re
from typing import Self

import msgspec

MAX_PORT = 65535
MIN_RTP_PORT = 1024


class Address(msgspec.Struct, frozen=True):
    """Where to listen. Port 0 takes a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `192.0.2.1:5060` or `[2001:db8::1]:5060`; raises ValueError."""
        host, _, port = text.rpartition(":")
        if re.fullmatch(r"[0-9]{1,5}", port) is None or int(port) > MAX_PORT:
            raise ValueError("The port is a number up to 65535.")
        if host.startswith("[") and host.endswith("]"):
            return cls(str(ipaddress.IPv6Address(host[1:-1])), int(port))
        return cls(str(ipaddress.IPv4Address(host)), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class PortRange(msgspec.Struct, frozen=True):
    """UDP ports from `first` to `last`, both included. RTP takes the even, RTCP the odd."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `10000-20000`; raises ValueError."""
        match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text)
        if match is None:
            raise ValueError("Write the first and the last port with a dash between them.")
        first, last = int(match[1]), int(match[2])
        if not MIN_RTP_PORT <= first < last <= MAX_PORT:
            raise ValueError(f"Ports go upward, from {MIN_RTP_PORT} to {MAX_PORT}.")
        return cls(first, last)

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"
