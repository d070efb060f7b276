"""The daemon opens the WebSocket, to a server of the application."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from tests.support import program

DIALPLAN = """
[default]
exten => bot,1,Answer()
 same => n,Stasis(bot)
 same => n,Hangup()
exten => other,1,Answer()
 same => n,Wait(60)
"""


class Bot:
    """Takes each call, hangs up, and keeps what it heard of its connections."""

    def __init__(self) -> None:
        self.connections: list[list[dict[str, Any]]] = []

    async def __call__(self, request: WebSocketRequest) -> None:
        socket = await request.accept(subprotocol="ari")
        heard: list[dict[str, Any]] = []
        self.connections.append(heard)
        try:
            while True:
                message = json.loads(await socket.get_message())
                heard.append(message)
                if message["type"] == "StasisStart":
                    uri = f"channels/{message['channel']['id']}/continue"
                    asked = {"type": "RESTRequest", "method": "POST", "uri": uri}
                    await socket.send_message(json.dumps(asked))
        except ConnectionClosed:
            pass


@asynccontextmanager
async def listening(bot: Bot) -> AsyncIterator[str]:
    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, bot, "127.0.0.1", 0, None))
        yield f"ws://127.0.0.1:{server.port}/"
        nursery.cancel_scope.cancel()


async def call(daemon: program.Program) -> None:
    async with daemon.listen("callers") as callers, await daemon.client() as http:
        parameters = {"endpoint": "Local/bot@default", "app": "callers"}
        assert (await http.post("channels", params=parameters)).is_success
        await callers.until("ChannelDestroyed")


async def try_connection(folder: Path, **more: str) -> Bot:
    bot = Bot()
    keys = "".join(f"{key} = {value}\n" for key, value in more.items())
    with trio.fail_after(program.PATIENCE):
        async with listening(bot) as url:
            table = f'[tenants.default.outbound.bot]\nurl = "{url}"\napplications = ["bot"]\n{keys}'
            text = program.configuration(more=table)
            async with program.running(folder, text, DIALPLAN) as daemon:
                if "per_call" not in more:
                    await daemon.logs("connected")
                for _ in range(2):
                    await call(daemon)
                assert await daemon.end() == 0
    return bot


def types_of(heard: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in heard if message["type"].startswith(("Stasis", "REST"))]


async def test_one_connection_for_all_calls(tmp_path: Path) -> None:
    bot = await try_connection(tmp_path)
    (heard,) = bot.connections
    assert sorted(types_of(heard)) == ["RESTResponse"] * 2 + ["StasisEnd"] * 2 + ["StasisStart"] * 2
    assert {message["application"] for message in heard} == {"bot"}


async def test_a_connection_for_each_call(tmp_path: Path) -> None:
    bot = await try_connection(tmp_path, per_call="true")
    assert len(bot.connections) == 2
    for heard in bot.connections:
        assert sorted(types_of(heard)) == ["RESTResponse", "StasisEnd", "StasisStart"]
        (application,) = {message["application"] for message in heard}
        assert application.startswith("bot:Local/bot@default-")
