"""The virtual network itself: the other tests stand on it."""

import pytest

from tests.support.network import Address, Stuck, VirtualNetwork

A, B = ("192.0.2.1", 1), ("192.0.2.2", 2)


class Ticker:
    """Sends a numbered datagram to ``other`` each second, and notes what comes."""

    def __init__(self, other: Address, count: int) -> None:
        self.other = other
        self.left = count
        self.due: float | None = 1000.0
        self.outbox: list[tuple[Address, bytes]] = []
        self.heard: list[tuple[float, bytes]] = []

    def receive(self, data: bytes, source: Address, now: float) -> None:
        self.heard.append((now, data))

    def datagrams_to_send(self, now: float) -> list[tuple[Address, bytes]]:
        drained, self.outbox = self.outbox, []
        return drained

    def next_timeout(self) -> float | None:
        return self.due if self.left else None

    def handle_timeout(self, now: float) -> None:
        self.left -= 1
        self.outbox.append((self.other, b"%d" % self.left))
        self.due = now + 1.0


def network(count: int, seed: int = 1, **options: float) -> tuple[VirtualNetwork, Ticker]:
    net = VirtualNetwork(seed, **options)
    listener = Ticker(A, 0)
    net.add(A, Ticker(B, count))
    net.add(B, listener)
    return net, listener


def test_time_jumps_and_datagrams_take_theirs() -> None:
    net, listener = network(3, delay=0.25)
    net.run_until(lambda: len(listener.heard) == 3)
    assert listener.heard == [(1000.25, b"2"), (1001.25, b"1"), (1002.25, b"0")]
    assert net.now == 1002.25


def test_what_never_happens_is_an_error() -> None:
    net, listener = network(3)
    with pytest.raises(Stuck):
        net.run_until(lambda: len(listener.heard) == 4)
    net, listener = network(100)
    with pytest.raises(Stuck):
        net.run_until(lambda: len(listener.heard) == 50, within=10.0)


def test_loss_repetition_and_reordering_are_repeatable() -> None:
    def run() -> list[tuple[float, bytes]]:
        net, listener = network(200, seed=7, loss=0.2, repeat=0.2, jitter=5.0)
        net.run_for(300.0)
        return listener.heard

    heard = run()
    numbers = [int(data) for _, data in heard]
    assert 120 < len(set(numbers)) < 200
    assert len(numbers) > len(set(numbers))
    assert numbers != sorted(numbers, reverse=True)
    assert heard == run()


def test_single_datagrams_can_be_dropped_and_all_are_logged() -> None:
    net, listener = network(3)
    net.drop = lambda source, destination, data: data == b"1"
    net.run_for(10.0)
    assert [data for _, data in listener.heard] == [b"2", b"0"]
    assert [data for *_, data in net.log] == [b"2", b"1", b"0"]


def test_nobody_at_an_address_is_nobody() -> None:
    net, _ = network(1)
    net.send(A, ("192.0.2.99", 1), b"x")
    net.run_for(5.0)
    assert net.now == 1005.0
