"""Everybody who calls is in one conference, for as long as they like. On PyPI's asyncari."""

import os
from typing import Any

import asyncari
import trio

APP = "conference"


async def main() -> None:
    env = os.environ
    url, user, password = env["ARI_URL"], env["ARI_USER"], env["ARI_PASSWORD"]
    async with (
        asyncari.connect(url, APP, user, password) as client,
        client.on_event("StasisStart") as starts,
        client.on_event("StasisEnd") as ends,
        trio.open_nursery() as nursery,
    ):
        hall = await client.bridges.create(type="mixing")
        nursery.start_soon(see_off, ends)
        print("ready", flush=True)
        async for start in starts:
            await start.channel.answer()
            await hall.addChannel(channel=start.channel.id)
            print("came", flush=True)


async def see_off(ends: Any) -> None:
    async for _ in ends:
        print("left", flush=True)


trio.run(main)
