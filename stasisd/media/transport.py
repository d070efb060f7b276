"""What the engine asks of the network; real sockets and virtual ones both give it."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Address = tuple[str, int]


class Stray(NamedTuple):
    """A datagram that is read with its sender: RTCP, or RTP of a port that is not latched yet."""

    slot: int
    is_rtcp: bool
    data: bytes
    sender: Address


class Transport(Protocol):
    """UDP sockets by slot: RTP, and RTCP on the port after it. Only `open` raises (OSError)."""

    def attach(self, received: NDArray[np.uint8], packets: NDArray[np.void]) -> None:
        """Learn where the RX and TX matrices are; called once, before all else."""

    def open(self, slot: int, host: str, port: int) -> None:
        """Bind both sockets, or neither."""

    def close(self, slot: int) -> None:
        """Close both."""

    def count(self) -> int:
        """How many sockets are open."""

    def aim(self, slot: int, target: Address, *, latched: bool) -> None:
        """Send to `target` from now on; hear only it where `latched`, else everyone."""

    def receive(self, slots: NDArray[np.int64], lengths: NDArray[np.int64]) -> int:
        """Read at most one packet of each latched port into the RX matrix; how many were read.

        `slots` and `lengths` are filled with what each row is.
        """

    def strays(self) -> list[Stray]:
        """Read everything else there is."""

    def send(self, slots: list[int]) -> None:
        """Send each slot's row of the TX matrix."""

    def send_one(self, slot: int, data: bytes) -> None:
        """Send one RTP packet that is not in the matrix."""

    def send_rtcp(self, slot: int, data: bytes) -> None:
        """Send one RTCP packet to the port after the RTP target."""
