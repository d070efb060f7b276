"""A caller of the example applications, over a Local channel.

It is an application too: it holds the near half, presses its keys, and sees in the tenant's
events what the example does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from stasisd.core import events
from tests.support.server import Server
from tests.support.tenant import Listener, assert_nothing_left

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
DIALPLAN = "[default]\nexten => 1000,1,Stasis(demo)\n same => n,Hangup()\n"
CALL = "/ari/channels/me?endpoint=Local/1000@default&app=caller"


class Call:
    """A call to the example: what the caller does, and what the tenant publishes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.listener = Listener(server.tenant)
        self._caller = Listener(server.tenant, "caller")

    async def dial(self) -> None:
        reply = await self._server.request("POST", CALL)
        assert reply.status == 200, reply
        await self._caller.until(events.StasisStart, id="me")

    async def press(self, key: str) -> None:
        reply = await self._server.request("POST", f"/ari/channels/me/dtmf?dtmf={quote(key)}")
        assert reply.status == 204, reply

    async def hangup(self) -> None:
        await self._server.request("DELETE", "/ari/channels/me")

    async def starts(self, media: str) -> None:
        """Wait until this is played."""
        event: Any = None
        while event is None or event.playback.media_uri != media:
            event = await self.listener.until(events.PlaybackStarted)

    async def ended(self) -> None:
        await self.listener.until(events.ChannelDestroyed, id="me;2")
        await self.listener.settle()
        assert_nothing_left(self._server.tenant)

    async def control_and_record(self) -> None:
        """A whole call: a key for everything that the example offers."""
        await self.dial()
        await self.starts("sound:demo-menu")
        await self.press("1")
        await self.starts("sound:demo-story")
        for key in "55641":
            await self.press(key)
            await self.listener.settle(0.5)
        await self.press("#")
        await self.starts("sound:please-leave-message")
        await self.listener.until(events.RecordingStarted)
        await self.listener.settle(2)
        await self.press("#")
        await self.starts("recording:demo-me;2")
        await self.starts("sound:demo-thanks")
        await self.ended()
