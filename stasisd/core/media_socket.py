"""The WebSocket by which a program hears and speaks, and how a channel comes by one.

A channel that waits for a program to connect publishes an `Expected` in
``tenant.expected_sockets``, by a connection id that nobody can guess. The binding that accepts
WebSockets brings the socket and keeps it open until the channel needs it no more.
"""

from collections.abc import Sequence
from typing import Protocol

import trio


class SocketLost(Exception):
    """The program is gone, or does not speak WebSocket; the message says how."""


class MediaSocket(Protocol):
    """Whole messages, either way: texts are about the sound that the bytes are."""

    async def send(self, messages: Sequence[str | bytes]) -> None:
        """Send messages in order. Raises :class:`SocketLost`, also for a peer that is stuck."""

    async def receive(self) -> Sequence[str | bytes]:
        """Wait for messages, which may be none. Raises :class:`SocketLost` at the end."""

    async def close(self, code: int) -> None:
        """Say goodbye; returns even when the peer is gone."""

    def abort(self) -> None:
        """Cut the connection without a word. Idempotent."""


class Expected:
    """A socket that a channel waits for. It comes once, or never."""

    def __init__(self) -> None:
        self._claimed = False
        self._come = trio.Event()
        self._socket: MediaSocket | None = None
        self.over = trio.Event()  # set when the channel needs the socket no more

    @property
    def claimed(self) -> bool:
        """Whether somebody is about to bring the socket, or has."""
        return self._claimed

    def claim(self) -> None:
        """Promise to bring it, so that no other does."""
        assert not self._claimed, "a socket comes once"
        self._claimed = True

    def give_up(self) -> None:
        """It did not come about: another one may. Nothing happens once it was brought."""
        self._claimed = self._come.is_set()

    def bring(self, socket: MediaSocket) -> None:
        """Here it is. The channel may be gone by now: see ``over``."""
        self._socket = socket
        self._come.set()

    async def wait(self) -> MediaSocket:
        """The socket, once it has come."""
        await self._come.wait()
        assert self._socket is not None
        return self._socket

    def end(self) -> None:
        """The channel needs it no more, and may never have looked whether it came. Idempotent."""
        self.over.set()
        if self._socket is not None:
            self._socket.abort()
