"""A program that listens to an application's events over a WebSocket, and does nothing else."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import trio
from wsproto import WSConnection
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)


class Listener:
    """The events of one application, in order. ``close_code`` is set when the server has closed."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.events: list[dict[str, Any]] = []
        self.arrivals: list[float] = []  # time.monotonic() at which each event was there
        self.close_code: int | None = None
        self._taken = 0
        self._news = trio.Event()
        self._stream = stream
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._text = ""

    async def open(self, target: str) -> None:
        await self._stream.send_all(self._protocol.send(Request(host="test", target=target)))
        await self._receive()

    async def run(self) -> None:
        """Listen until the server closes."""
        while self.close_code is None:
            await self._receive()
        await self._stream.aclose()

    async def _receive(self) -> None:
        try:
            data = bytes(await self._stream.receive_some(65536))
        except trio.BrokenResourceError:
            data = b""
        now = time.monotonic()
        self._protocol.receive_data(data or None)
        for event in self._protocol.events():
            match event:
                case AcceptConnection():
                    pass
                case RejectConnection():
                    raise AssertionError(f"refused: {event.status_code}")
                case TextMessage():
                    self._text += event.data
                    if event.message_finished:
                        self.events.append(json.loads(self._text))
                        self.arrivals.append(now)
                        self._text = ""
                case Ping():
                    await self._stream.send_all(self._protocol.send(event.response()))
                case CloseConnection():
                    self.close_code = event.code
                    await self._reply(event)
        self._news.set()
        self._news = trio.Event()

    async def _reply(self, event: CloseConnection) -> None:
        """Answer a close; the server may be gone already."""
        if self._protocol.state is ConnectionState.REMOTE_CLOSING:
            with contextlib.suppress(trio.BrokenResourceError):
                await self._stream.send_all(self._protocol.send(event.response()))

    async def wait_closed(self) -> None:
        """Wait until the server has closed."""
        while self.close_code is None:
            await self._news.wait()

    async def until(self, kind: str, **fields: str) -> dict[str, Any]:
        """The next event of this type about objects of these ids: ``channel="1.1"``."""
        while True:
            while self._taken < len(self.events):
                event = self.events[self._taken]
                self._taken += 1
                if event["type"] == kind and all(
                    event[name]["id"] == identity for name, identity in fields.items()
                ):
                    return event
            assert self.close_code is None, f"closed without {kind}"
            await self._news.wait()


@asynccontextmanager
async def listening(
    url: str, app: str, user: str, password: str, *, everything: bool = False
) -> AsyncIterator[Listener]:
    """Listen to an application at ``http://host:port``, or as one to all that happens."""
    host, _, port = url.removeprefix("http://").partition(":")
    stream = await trio.open_tcp_stream(host, int(port))
    async with stream, trio.open_nursery() as nursery:
        made = Listener(stream)
        key = f"{quote(user)}:{quote(password)}"
        await made.open(
            f"/ari/events?app={app}&api_key={key}&subscribeAll={str(everything).lower()}"
        )
        nursery.start_soon(made.run)
        yield made
        nursery.cancel_scope.cancel()
