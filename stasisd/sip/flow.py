"""Where messages come from and go to."""

from msgspec import Struct

# Host without brackets, and port.
Address = tuple[str, int]


class Flow(Struct, frozen=True, gc=False):
    """A way on which datagrams or a stream go to and fro.

    ``transport`` is "udp" or "tcp". ``local`` is the address of one of our transports, also for
    connections that we opened ourselves. ``connection`` is the shell's number for an open TCP
    connection; a TCP flow without one is a wish.
    """

    transport: str
    local: Address
    remote: Address
    connection: int | None = None

    @property
    def is_reliable(self) -> bool:
        """Whether nothing is lost on the way, so that nothing is repeated."""
        return self.transport != "udp"
