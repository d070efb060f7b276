"""Real UDP on loopback: latching, loosening, and what the kernel refuses."""

import select
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from stasisd.media.sockets import UdpTransport
from stasisd.media.timer import Timer
from stasisd.media.transport import Address
from stasisd.rtp.packet import wire_dtype

PORT = 28200
HOME: Address = ("127.0.0.1", PORT)


class Bench:
    """A transport and its matrices."""

    def __init__(self) -> None:
        self.transport = UdpTransport()
        self.received = np.zeros((8, 1024), np.uint8)
        self.packets = np.zeros(4, wire_dtype(160))
        self.transport.attach(self.received, self.packets)

    def receive(self) -> list[tuple[int, bytes]]:
        slots, lengths = np.zeros(8, np.int64), np.zeros(8, np.int64)
        count = self.transport.receive(slots, lengths)
        return [(int(slots[i]), self.received[i, : lengths[i]].tobytes()) for i in range(count)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for slot in list(bench.transport._rtp):
        bench.transport.close(slot)
    assert bench.transport.count() == 0


@pytest.fixture
def far() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(2)
        yield sock


@pytest.fixture
def other() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(2)
        yield sock


def test_latched_it_hears_one_loosened_it_hears_all(
    bench: Bench, far: socket.socket, other: socket.socket
) -> None:
    transport = bench.transport
    transport.open(2, *HOME)
    far.sendto(b"first", HOME)
    (stray,) = transport.strays()
    assert (stray.slot, stray.is_rtcp, stray.data) == (2, False, b"first")
    assert stray.sender == far.getsockname()
    transport.aim(2, stray.sender, latched=True)
    other.sendto(b"noise", HOME)
    for word in (b"one", b"two"):
        far.sendto(word, HOME)
    assert bench.receive() == [(2, b"one")]
    assert bench.receive() == [(2, b"two")]
    assert bench.receive() == []
    transport.aim(2, far.getsockname(), latched=False)
    other.sendto(b"heard", HOME)
    assert [stray.data for stray in transport.strays()] == [b"heard"]


def test_all_ways_of_sending(bench: Bench, far: socket.socket) -> None:
    transport = bench.transport
    transport.open(1, *HOME)
    bench.packets["payload"][1] = 9
    for latched in (False, True):
        transport.aim(1, far.getsockname(), latched=latched)
        transport.send([1])
        transport.send_one(1, b"event")
        assert far.recv(2048) == bytes(12) + b"\x09" * 160
        assert far.recv(2048) == b"event"
    host, port = far.getsockname()
    transport.aim(1, (host, port - 1), latched=True)
    transport.send_rtcp(1, b"report")
    data, sender = far.recvfrom(2048)
    assert (data, sender) == (b"report", ("127.0.0.1", PORT + 1))


def test_rtcp_is_heard_on_the_port_after(bench: Bench, far: socket.socket) -> None:
    bench.transport.open(0, *HOME)
    far.sendto(b"report", ("127.0.0.1", PORT + 1))
    (stray,) = bench.transport.strays()
    assert (stray.slot, stray.is_rtcp, stray.data) == (0, True, b"report")


def test_both_or_neither(bench: Bench, far: socket.socket) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", PORT + 1))
        with pytest.raises(OSError, match="in use"):
            bench.transport.open(0, *HOME)
        assert bench.transport.count() == 0
    bench.transport.open(0, *HOME)


def test_a_far_end_that_is_gone_is_normal(bench: Bench, far: socket.socket) -> None:
    bench.transport.open(0, *HOME)
    with socket.socket(type=socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()
    bench.transport.aim(0, address, latched=True)
    for _ in range(3):
        bench.transport.send([0])
        bench.transport.send([0])
        assert bench.receive() == []
    assert bench.transport.unsent == 3


def test_what_can_t_be_reached_is_counted(bench: Bench) -> None:
    bench.transport.open(0, *HOME)
    bench.transport.aim(0, ("::1", 5000), latched=True)
    bench.transport.send([0])
    bench.transport.send_one(0, b"x")
    bench.transport.send_rtcp(0, b"x")
    bench.transport.aim(0, ("127.0.0.1", 65535), latched=False)
    bench.transport.send_rtcp(0, b"x")
    assert bench.transport.unsent == 4


def test_ipv6(bench: Bench) -> None:
    bench.transport.open(0, "::1", PORT)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
        six.bind(("::1", 0))
        six.settimeout(2)
        six.sendto(b"hello", ("::1", PORT))
        (stray,) = bench.transport.strays()
        bench.transport.aim(0, stray.sender, latched=True)
        bench.transport.send_one(0, b"back")
        assert six.recv(100) == b"back"


def test_the_timer_is_absolute() -> None:
    timer = Timer()
    poll = select.epoll()
    poll.register(timer, select.EPOLLIN)
    assert poll.poll(0) == []
    due = time.monotonic() + 0.01
    timer.arm(due)
    assert poll.poll(2)
    assert time.monotonic() >= due
    timer.clear()
    assert poll.poll(0) == []
    timer.arm(time.monotonic() - 5)
    assert poll.poll(2)
    timer.arm(None)
    assert poll.poll(0) == []
    timer.clear()
    poll.close()
    timer.close()
