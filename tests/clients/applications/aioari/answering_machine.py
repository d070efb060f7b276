"""Records a message until #, then plays it to the caller. On PyPI's aioari."""

import asyncio
import os
from typing import Any

import aioari  # type: ignore[import-not-found]  # installed by the test

APP = "answering_machine"
NAME = "message"


async def receive(client: Any, channel: Any) -> None:
    recorded, played = asyncio.Event(), asyncio.Event()
    await channel.answer()
    recording = await channel.record(
        name=NAME, format="wav", terminateOn="#", beep="true", ifExists="overwrite"
    )
    recording.on_event("RecordingFinished", lambda *_: recorded.set())
    print("records", flush=True)
    await recorded.wait()
    (stored,) = await client.recordings.listStored()
    print("recorded", stored.json["name"], flush=True)
    playback = await channel.play(media=f"recording:{NAME}")
    playback.on_event("PlaybackFinished", lambda *_: played.set())
    await played.wait()
    await channel.hangup()
    print("played", flush=True)


async def is_served(client: Any) -> bool:
    return any(found["name"] == APP for found in await client.applications.list())


async def main() -> None:
    env = os.environ
    client = await aioari.connect(env["ARI_URL"], env["ARI_USER"], env["ARI_PASSWORD"])
    tasks: set[asyncio.Task[None]] = set()

    def begin(channels: dict[str, Any], _event: Any) -> None:
        # aioari waits for what a listener returns before it reads on.
        tasks.add(asyncio.create_task(receive(client, channels["channel"])))

    client.on_channel_event("StasisStart", begin)
    running = asyncio.create_task(client.run(apps=APP))
    while not await is_served(client):  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await running


asyncio.run(main())
