"""The real media engine in the test's own process, on virtual sockets and Trio's jumping clock.

Core's tests take the fixture `media`; those that look at packets take `network` besides.
"""

import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import numpy as np
import pytest
import trio
import trio.testing
from numpy.typing import NDArray

from stasisd.media.commands import Command, encode
from stasisd.media.control import LinkBroken, Media, MediaSettings
from stasisd.media.disk import InlineDisk
from stasisd.media.engine import Engine
from stasisd.media.reports import Report, decode_reports
from stasisd.media.sockets import StreamSocket
from stasisd.media.transport import Address, Stray
from stasisd.rtp import packet

__all__ = ["Far", "Network", "in_process", "media", "network"]


class Far:
    """A far end on the virtual network. `packets` are (time, datagram), `rtp` what they mean."""

    def __init__(self, network: "Network", address: Address) -> None:
        self._network = network
        self.address = address
        self.packets: list[tuple[float, bytes]] = []
        self._news = trio.Event()
        self._sequence = itertools.count(1000)
        self._timestamp = 16000

    def send(self, data: bytes, to: Address) -> None:
        self._network.deliver(data, self.address, to)

    def send_audio(
        self, octets: bytes, to: Address, *, payload_type: int = 0, sequence: int | None = None
    ) -> None:
        """Send one RTP packet, numbered on from the last one unless `sequence` is given."""
        number = next(self._sequence) if sequence is None else sequence
        made = packet.Packet(payload_type, number, self._timestamp, 0x1234, octets)
        self._timestamp += len(octets)
        self.send(packet.make(made), to)

    def arrive(self, data: bytes) -> None:
        self.packets.append((trio.current_time(), data))
        self._news.set()

    async def wait_packets(self, count: int) -> None:
        """Wait until so many packets have come."""
        while len(self.packets) < count:
            self._news = trio.Event()
            await self._news.wait()

    @property
    def rtp(self) -> list[packet.Packet]:
        return [packet.parse(data) for _, data in self.packets]

    def heard(self, payload_type: int = 0) -> bytes:
        """All octets of one payload type that came, in order."""
        return b"".join(p.payload for p in self.rtp if p.payload_type == payload_type)


class Network:
    """Addresses and what is on its way to them; datagrams arrive at once and in order."""

    def __init__(self) -> None:
        self.fars: dict[Address, Far] = {}
        self.arrived: dict[Address, list[tuple[bytes, Address]]] = defaultdict(list)
        self.refused: set[Address] = set()  # addresses that can't be bound

    def far(self, host: str = "192.0.2.1", port: int = 5004) -> Far:
        """A far end that answers at this address."""
        return self.fars.setdefault((host, port), Far(self, (host, port)))

    def deliver(self, data: bytes, sender: Address, to: Address) -> None:
        if to in self.fars:
            self.fars[to].arrive(data)
        elif to in self.arrived:
            self.arrived[to].append((data, sender))


class VirtualTransport:
    """The engine's sockets on a virtual network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._addresses: dict[int, Address] = {}
        self._targets: dict[int, Address] = {}
        self._latched: set[int] = set()

    def attach(self, received: NDArray[np.uint8], packets: NDArray[np.void]) -> None:
        self._received = received
        self._packets = packets

    def open(self, slot: int, host: str, port: int) -> None:
        if (host, port) in self._network.refused:
            raise OSError(98, "Address already in use")
        self._addresses[slot] = (host, port)
        for number in (port, port + 1):
            self._network.arrived[host, number] = []

    def close(self, slot: int) -> None:
        host, port = self._addresses.pop(slot)
        for number in (port, port + 1):
            del self._network.arrived[host, number]
        self._targets.pop(slot, None)
        self._latched.discard(slot)

    def count(self) -> int:
        return 2 * len(self._addresses)

    def aim(self, slot: int, target: Address, *, latched: bool) -> None:
        self._targets[slot] = target
        if latched:
            self._latched.add(slot)
        else:
            self._latched.discard(slot)

    def receive(self, slots: NDArray[np.int64], lengths: NDArray[np.int64]) -> int:
        count = 0
        for slot in self._latched:
            queue = self._network.arrived[self._addresses[slot]]
            while queue:
                data, sender = queue.pop(0)
                if sender == self._targets[slot]:
                    data = data[: self._received.shape[1]]
                    self._received[count, : len(data)] = np.frombuffer(data, np.uint8)
                    slots[count], lengths[count] = slot, len(data)
                    count += 1
                    break
        return count

    def strays(self) -> list[Stray]:
        return list(self._strays())

    def _strays(self) -> Iterator[Stray]:
        for slot, (host, port) in self._addresses.items():
            for number in (port, port + 1):
                if number == port and slot in self._latched:
                    continue
                queue = self._network.arrived[host, number]
                while queue:
                    data, sender = queue.pop(0)
                    yield Stray(slot, number > port, data, sender)

    def send(self, slots: list[int]) -> None:
        for slot in slots:
            self.send_one(slot, self._packets[slot].tobytes())

    def send_one(self, slot: int, data: bytes) -> None:
        self._network.deliver(data, self._addresses[slot], self._targets[slot])

    def send_rtcp(self, slot: int, data: bytes) -> None:
        (host, port), (far, far_port) = self._addresses[slot], self._targets[slot]
        self._network.deliver(data, (host, port + 1), (far, far_port + 1))


class InProcessLink:
    """Commands go into the engine as bytes, reports come out as bytes: as with a process."""

    def __init__(self, network: Network) -> None:
        counter = itertools.count(1)
        self.engine = Engine(
            VirtualTransport(network),
            InlineDisk(),
            InlineDisk(),
            random=lambda size: (next(counter) % 256**size).to_bytes(size),
        )
        self._work = trio.Event()
        self._news = trio.Event()
        self._reports: list[Report] = []
        self._death: str | None = None

    def send(self, command: Command, descriptor: int | None = None) -> None:
        stream = None if descriptor is None else StreamSocket(descriptor)
        if self._death is not None:
            if stream is not None:
                stream.close()
            raise LinkBroken(self._death)
        self.engine.receive(encode(command), stream)
        self._publish()
        self._work.set()

    async def receive(self) -> list[Report]:
        await self._news.wait()
        if self._death is not None:
            raise LinkBroken(self._death)
        self._news = trio.Event()
        reports, self._reports = self._reports, []
        return reports

    def _publish(self) -> None:
        reports = self.engine.reports()
        if reports:
            self._reports += decode_reports(encode(reports))
            self._news.set()

    def kill(self, reason: str = "killed by SIGKILL") -> None:
        """Die as a process would."""
        self._death = reason
        self._news.set()

    async def run(self) -> None:
        """Tick when it is due, and not at all while nothing is open."""
        while self._death is None:
            due = self.engine.next_tick(trio.current_time())
            if due is None:
                await self._work.wait()
                self._work = trio.Event()
                continue
            await trio.sleep_until(due)
            self.engine.tick(trio.current_time())
            self._publish()


def in_process(
    network: Network, links: list[InProcessLink] | None = None
) -> Callable[[], AbstractAsyncContextManager[InProcessLink]]:
    """What `Media` takes as its way to start a process; each that starts is added to `links`."""

    @asynccontextmanager
    async def start() -> AsyncIterator[InProcessLink]:
        link = InProcessLink(network)
        if links is not None:
            links.append(link)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            try:
                yield link
            finally:
                link.engine.shut_down()
            nursery.cancel_scope.cancel()

    return start


@pytest.fixture
def network() -> Network:
    """The virtual network of the fixture `media`."""
    return Network()


@pytest.fixture
async def media(network: Network, autojump_clock: trio.testing.MockClock) -> AsyncIterator[Media]:
    """A working `Media` without process, sockets or threads; files are read and written."""
    assert trio.lowlevel.current_clock() is autojump_clock, "the test must take autojump_clock"
    control = Media(MediaSettings(bind="192.0.2.100"), in_process(network))
    async with trio.open_nursery() as nursery:
        await nursery.start(control.run)
        yield control
        nursery.cancel_scope.cancel()
