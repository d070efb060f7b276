"""Whatever comes in by UDP, the engine goes on."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.media.commands import (
    AskStatistics,
    Connect,
    Echo,
    OpenPair,
    OpenRtp,
    Remote,
    SetRemote,
)
from stasisd.media.disk import InlineDisk
from stasisd.media.engine import Engine
from stasisd.media.reports import WorkerStatistics
from stasisd.rtp import packet, telephone_event
from tests.support.media import Network, VirtualTransport

HOME = ("192.0.2.100", 10000)
FAR = ("192.0.2.1", 5004)

headers = st.builds(
    lambda first, second, rest: bytes([0x80 | first, second]) + rest,
    st.integers(0, 63),
    st.one_of(st.sampled_from([0, 8, 101, 128, 229]), st.integers(0, 255)),
    st.binary(max_size=64),
)
audio = st.builds(
    packet.Packet,
    payload_type=st.sampled_from([0, 8, 101]),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 3),
    payload=st.one_of(
        st.sampled_from([80, 160, 240, 480, 1400]).map(bytes),
        st.integers(0, 255).map(
            lambda e: telephone_event.make(telephone_event.TelephoneEvent(e, 9))
        ),
    ),
).map(packet.make)
padded = st.builds(
    lambda data, length: bytes([data[0] | 0x20]) + data[1:] + bytes([length]),
    audio,
    st.integers(0, 255),
)
datagrams = st.one_of(st.binary(max_size=1500), headers, audio, padded)


def engine_in_a_call(network: Network) -> tuple[Engine, Callable[[], WorkerStatistics]]:
    engine = Engine(VirtualTransport(network), InlineDisk(), InlineDisk(), random=bytes)
    engine.handle(OpenRtp(0, 1, *HOME))
    engine.handle(OpenPair(1, 2, 2, 3))
    engine.handle(SetRemote(0, 1, Remote(FAR, telephone_event=101)))
    engine.handle(Connect(0, 1, 1, 2))
    engine.handle(Echo(2, 3, True))

    def statistics() -> WorkerStatistics:
        engine.handle(AskStatistics(1))
        return next(r for r in engine.reports() if isinstance(r, WorkerStatistics))

    return engine, statistics


def feed(order: list[tuple[bool, bytes]]) -> None:
    network = Network()
    engine, statistics = engine_in_a_call(network)
    now = 0.0
    for is_rtcp, data in order:
        to = (HOME[0], HOME[1] + is_rtcp)
        network.deliver(data, (FAR[0], FAR[1] + is_rtcp), to)
        due = engine.next_tick(now)
        assert due is not None
        now = due
        engine.tick(now)
    found = statistics()
    assert (found.ports, found.sockets, found.rejected) == (3, 2, 0)
    assert found.ticks >= len(order)


orders = st.lists(st.tuples(st.booleans(), datagrams), min_size=1, max_size=20)


@settings(max_examples=150, deadline=None)
@given(orders)
def test_no_datagram_ends_it(order: list[tuple[bool, bytes]]) -> None:
    feed(order)


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(orders)
def test_no_datagram_ends_it_for_long(order: list[tuple[bool, bytes]]) -> None:
    feed(order)
