"""One open WebSocket, as the session that speaks on it sees it."""

from __future__ import annotations

from typing import Protocol

import trio


class Wire(Protocol):
    """An accepted WebSocket: whole frames out, whole messages in."""

    @property
    def shutdown(self) -> trio.Event:
        """Set when the server begins to drain: the session should close with 1001."""

    async def send(self, frames: bytes) -> None:
        """Send whole frames, joined; returns at once when the peer is gone.

        A peer that takes nothing for the server's send time-out is cut off.
        """

    async def receive(self) -> str | bytes | None:
        """Return the next message; b"" for a pong, None when the peer is gone."""

    async def close(self, code: int, reason: str) -> None:
        """Send a close frame; the peer's own arrives as None from `receive`."""

    def abort(self) -> None:
        """Cut the connection without a word."""
