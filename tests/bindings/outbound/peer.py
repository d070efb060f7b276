"""The server of an application, as one whom our connections reach, or not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import trio

from stasisd.bindings.outbound.dialing import CannotConnectError
from stasisd.bindings.outbound.settings import OutboundSettings, Target


class PeerWire:
    """One connection, seen from either end: `sent` is what the application got."""

    def __init__(self, shutdown: trio.Event, known: dict[str, str]) -> None:
        self.shutdown = shutdown
        self.known = known
        self.raw: list[bytes] = []
        self.sent: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.ended = trio.Event()
        self._news = trio.Event()
        self._deliver, self._inbox = trio.open_memory_channel[Sequence[str | bytes] | None](100)

    # --- our end

    async def send(self, messages: Sequence[bytes]) -> None:
        self.raw += messages
        self.sent += [json.loads(message) for message in messages]
        self._news.set()
        self._news = trio.Event()

    async def ping(self) -> None:
        self._deliver.send_nowait([])

    async def receive(self) -> Sequence[str | bytes] | None:
        return await self._inbox.receive()

    async def close(self, code: int, reason: str) -> None:
        self.closed = code, reason
        self._deliver.send_nowait(None)

    def abort(self) -> None:
        self.ended.set()

    # --- the application's end

    def say(self, **message: Any) -> None:
        self._deliver.send_nowait([json.dumps(message)])

    def hang_up(self) -> None:
        self._deliver.send_nowait(None)

    async def until(self, kind: str) -> dict[str, Any]:
        """The first message of this type."""
        while True:
            for message in self.sent:
                if message["type"] == kind:
                    return message
            await self._news.wait()


class Peer:
    """Answers while it is up; `attempts` are the times of all attempts.

    `known` is what it says of the last events that it has handled.
    """

    def __init__(self) -> None:
        self.up = True
        self.known: dict[str, str] = {}
        self.attempts: list[float] = []
        self.wires: list[PeerWire] = []
        self._news = trio.Event()

    async def dial(
        self,
        _target: Target,
        _settings: OutboundSettings,
        shutdown: trio.Event,
        _nursery: trio.Nursery,
    ) -> PeerWire:
        self.attempts.append(trio.current_time())
        if not self.up:
            raise CannotConnectError("refused")
        wire = PeerWire(shutdown, dict(self.known))
        self.wires.append(wire)
        self._news.set()
        self._news = trio.Event()
        return wire

    async def connection(self, number: int) -> PeerWire:
        """Wait for a connection, the first being 0."""
        while len(self.wires) <= number:
            await self._news.wait()
        return self.wires[number]
