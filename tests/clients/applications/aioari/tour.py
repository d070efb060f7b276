"""Originates a call, answers, plays, bridges, looks at all of it, and hangs up. On aioari."""

import asyncio
import os
from typing import Any

import aioari  # type: ignore[import-not-found]  # installed by the test

APP = "tour"


async def act(client: Any, channel: Any, over: asyncio.Event) -> None:
    played = asyncio.Event()
    await channel.answer()
    playback = await channel.play(media="sound:hello-world")
    playback.on_event("PlaybackFinished", lambda *_: played.set())
    await played.wait()
    print("played", flush=True)
    bridge = await client.bridges.create(type="mixing")
    await bridge.addChannel(channel=channel.id)
    (bridge,) = await client.bridges.list()
    assert bridge.json["channels"] == [channel.id]
    await channel.setChannelVar(variable="TOUR", value="yes")
    assert (await channel.getChannelVar(variable="TOUR"))["value"] == "yes"
    print("bridged", flush=True)
    await channel.hangup()
    await bridge.destroy()
    over.set()


async def is_served(client: Any) -> bool:
    return any(found["name"] == APP for found in await client.applications.list())


async def main() -> None:
    env = os.environ
    client = await aioari.connect(env["ARI_URL"], env["ARI_USER"], env["ARI_PASSWORD"])
    over = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    def begin(channels: dict[str, Any], _event: Any) -> None:
        tasks.add(asyncio.create_task(act(client, channels["channel"], over)))

    client.on_channel_event("StasisStart", begin)
    running = asyncio.create_task(client.run(apps=APP))
    while not await is_served(client):  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await client.channels.originate(endpoint="PJSIP/100", app=APP)
    await over.wait()
    running.cancel()
    await client.close()
    print("done", flush=True)


asyncio.run(main())
