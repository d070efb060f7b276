"""A virtual network for sans-IO endpoints: it loses, delays, repeats and reorders; time jumps.

Nothing here waits or knows a protocol. A party has the verbs of our sans-IO rooms; the network asks
it what to send and when to wake it, and jumps from one moment at which something happens to the
next. The same seed gives the same run.
"""

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

Address = tuple[str, int]


class Party(Protocol):
    """What lives at an address."""

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram."""

    def datagrams_to_send(self, now: float) -> Iterable[tuple[Address, bytes]]:
        """Hand over what is to be sent, with its destinations."""

    def next_timeout(self) -> float | None:
        """When to be woken."""

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""


class Stuck(AssertionError):
    """What a test waits for did not happen in the time given."""


@dataclass(order=True)
class _Datagram:
    when: float
    number: int
    source: Address = field(compare=False)
    destination: Address = field(compare=False)
    data: bytes = field(compare=False)


class VirtualNetwork:
    """Parties by address, and the datagrams under way.

    ``loss`` and ``repeat`` are probabilities; ``delay`` is in seconds and ``jitter`` is what
    chance adds to it, which reorders. ``drop`` decides about single datagrams. ``log`` holds all
    that was sent, as (time, source, destination, data), lost ones too.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        loss: float = 0.0,
        repeat: float = 0.0,
        delay: float = 0.01,
        jitter: float = 0.0,
        start: float = 1000.0,
    ) -> None:
        self.now = start
        self.loss = loss
        self.repeat = repeat
        self.delay = delay
        self.jitter = jitter
        self.drop: Callable[[Address, Address, bytes], bool] = lambda *_: False
        self.log: list[tuple[float, Address, Address, bytes]] = []
        self._chance = random.Random(seed)
        self._parties: dict[Address, Party] = {}
        self._under_way: list[_Datagram] = []
        self._count = 0

    def add(self, address: Address, party: Party) -> None:
        """Let a party live at an address."""
        self._parties[address] = party

    def run_until(self, done: Callable[[], bool], *, within: float = 600.0) -> None:
        """Go on until ``done``; raise Stuck after so many virtual seconds."""
        end = self.now + within
        self._flush()
        while not done():
            upcoming = self._next_moment()
            if upcoming is None or upcoming > end:
                raise Stuck(f"nothing more happens before {end}; it is {self.now}")
            self._advance(upcoming)

    def run_for(self, seconds: float) -> None:
        """Let so many virtual seconds pass."""
        end = self.now + seconds
        self._flush()
        while (upcoming := self._next_moment()) is not None and upcoming <= end:
            self._advance(upcoming)
        self.now = end

    def send(self, source: Address, destination: Address, data: bytes) -> None:
        """Put a datagram on its way."""
        self.log.append((self.now, source, destination, data))
        if self._chance.random() < self.loss or self.drop(source, destination, data):
            return
        copies = 2 if self._chance.random() < self.repeat else 1
        for _ in range(copies):
            self._count += 1
            when = self.now + self.delay + self._chance.random() * self.jitter
            heapq.heappush(self._under_way, _Datagram(when, self._count, source, destination, data))

    def _next_moment(self) -> float | None:
        moments = [
            when for party in self._parties.values() if (when := party.next_timeout()) is not None
        ]
        if self._under_way:
            moments.append(self._under_way[0].when)
        return min(moments, default=None)

    def _advance(self, moment: float) -> None:
        self.now = max(self.now, moment)
        while self._under_way and self._under_way[0].when <= self.now:
            arrived = heapq.heappop(self._under_way)
            party = self._parties.get(arrived.destination)
            if party is not None:
                party.receive(arrived.data, arrived.source, self.now)
        for party in self._parties.values():
            when = party.next_timeout()
            if when is not None and when <= self.now:
                party.handle_timeout(self.now)
        self._flush()

    def _flush(self) -> None:
        for address, party in self._parties.items():
            for destination, data in party.datagrams_to_send(self.now):
                self.send(address, destination, data)
