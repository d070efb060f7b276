"""Programs that hear and speak over WebSockets: one that serves them, and one that opens one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    open_websocket_url,
    serve_websocket,
)

from tests.support import program
from tests.support.tones import pitches, tone

MEDIA = "encapsulation=none&transport=websocket&format=slin&app=app"
SECOND = 16_000  # octets


class Voice:
    """A program that hums one tone, and keeps what it hears."""

    def __init__(self, hertz: int) -> None:
        self.hertz = hertz
        self.heard = b""
        self.texts: list[str] = []
        self._news = trio.Event()

    async def talk(self, connection: WebSocketConnection) -> None:
        """Hum for a while, all at once, and listen until the end."""
        await connection.send_message(tone(self.hertz, 60))
        try:
            while True:
                message = await connection.get_message()
                if isinstance(message, str):
                    self.texts.append(message)
                else:
                    self.heard += message
                    self._news.set()
        except ConnectionClosed:
            await connection._stream.aclose()  # which trio-websocket leaves to who served it

    async def serve(self, request: WebSocketRequest) -> None:
        await self.talk(await request.accept(subprotocol="media"))

    async def hear_two_seconds(self) -> bytes:
        """The next two seconds that are heard."""
        begin = len(self.heard)
        while len(self.heard) < begin + 2 * SECOND:
            self._news = trio.Event()
            await self._news.wait()
        return self.heard[begin : begin + 2 * SECOND]


@asynccontextmanager
async def serving(voice: Voice) -> AsyncIterator[str]:
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, voice.serve, "127.0.0.1", 0, None)
        yield f"ws://127.0.0.1:{server.port}/voice"
        nursery.cancel_scope.cancel()


async def make(ari: httpx.AsyncClient, channel_id: str, more: str) -> dict[str, str]:
    reply = await ari.post(f"channels/externalMedia?{MEDIA}&channelId={channel_id}&{more}")
    assert reply.is_success, reply.text
    shown: dict[str, str] = reply.json()["channelvars"]
    return shown


async def test_two_programs_hear_each_other(tmp_path: Path) -> None:
    low, high = Voice(600), Voice(1000)
    with trio.fail_after(program.PATIENCE):
        async with (
            serving(low) as url,
            program.running(tmp_path, program.configuration()) as daemon,
            daemon.listen("app") as events,
            await daemon.client() as ari,
            trio.open_nursery() as nursery,
        ):
            await make(ari, "low", f"external_host={url}")
            await events.until("StasisStart")
            shown = await make(ari, "high", "connection_type=server&transport_data=f(json)")
            place = (await daemon.url()).replace("http", "ws")
            path = f"{place}/media/{shown['MEDIA_WEBSOCKET_CONNECTION_ID']}"
            async with open_websocket_url(path, subprotocols=["media"]) as connection:
                nursery.start_soon(high.talk, connection)
                await events.until("StasisStart")
                await ari.post("bridges/b")
                await ari.post("bridges/b/addChannel?channel=low,high")
                await trio.sleep(0.5)
                assert pitches(await low.hear_two_seconds()) == {1000}
                assert pitches(await high.hear_two_seconds()) == {600}
                await ari.delete("channels/high")
                await events.until("ChannelDestroyed")
                gone = await ari.get(path.replace("ws", "http", 1))
                assert gone.status_code == 404
            await ari.delete("channels/low")
            await events.until("ChannelDestroyed")
            assert await daemon.end() == 0
    assert low.texts[0].startswith("MEDIA_START ")
    assert high.texts[0].startswith('{"event":"MEDIA_START"')
