"""The application "demo" with PyPI's asyncari, on Trio.

    pip install asyncari
    ARI_PASSWORD=... python asyncari_demo.py [URL [USER [PASSWORD]]]

It answers, tells a story that the caller's keys control, records a message, plays it back and
hangs up. Each call is one task, written as the call goes; when the caller hangs up, the next
event that the task waits for is an exception, and the task is over.
"""

import os
import sys
from collections.abc import Awaitable

import asyncari
import httpx
import trio
from asyncari.client import Client, EventMessage
from asyncari.model import Channel, Playback

APPLICATION = "demo"
# While the story is told; 5 alternates between pause and unpause, * stops, # goes on.
CONTROLS = {"4": "reverse", "6": "forward", "1": "restart"}
RECORDED = {"RecordingFinished", "RecordingFailed"}
# How long we wait, in seconds, for a key when the story is over.
PATIENCE = 10
# Answers to a request that came too late: the object is gone, or has left the application.
TOO_LATE = {404, 409}


class HungUp(Exception):
    """The caller is gone."""


async def main(url: str, user: str, password: str) -> None:
    """Serve calls until the end."""
    async with asyncari.connect(url, APPLICATION, user, password) as client:
        print(f"The application {APPLICATION!r} waits for calls at {url}")
        await serve(client)


async def serve(client: Client) -> None:
    """Start a task for each channel that enters the application."""
    async with client.on_event("StasisStart") as starts, trio.open_nursery() as calls:
        async for start in starts:
            # From here on the channel queues its events for us.
            calls.start_soon(take_call, aiter(start.channel))


async def take_call(channel: Channel) -> None:
    """Talk to one caller, whatever happens."""
    try:
        await talk(channel)
        print(f"{channel.name}: over")
    except (HungUp, httpx.HTTPError) as error:
        if isinstance(error, HungUp) or is_too_late(error):
            print(f"{channel.name}: the caller hung up")
        else:
            print(f"{channel.name}: {error}")
            await unless_too_late(channel.hangup())
    finally:
        await channel.aclose()


async def talk(channel: Channel) -> None:
    """The call from its beginning to its end."""
    await channel.answer()
    key = await say(channel, "sound:demo-menu")
    while key != "#":  # any other key lets us tell the story, and tell it again
        key = await tell_story(channel) or await key_within(channel, PATIENCE) or "#"
    await take_message(channel)
    await say(channel, "sound:demo-thanks")
    await channel.hangup()


async def tell_story(channel: Channel) -> str | None:
    """Play the story under the caller's control. Return # if that ended it."""
    story = await channel.play(media="sound:demo-story")
    paused = False
    while (key := await key_during(channel, story)) is not None:
        if key == "5":
            paused = not paused
            await control(story, "pause" if paused else "unpause")
        elif key in CONTROLS:
            await control(story, CONTROLS[key])
        elif key == "*":
            await stop(story)
        elif key == "#":
            await stop(story)
            return key
    return None


async def take_message(channel: Channel) -> None:
    """Record what the caller says, and play it back."""
    await say(channel, "sound:please-leave-message")
    recording = await channel.record(
        name=f"{APPLICATION}-{channel.id}",
        format="wav",
        beep=True,
        maxDurationSeconds=60,
        maxSilenceSeconds=4,
        terminateOn="#",
        ifExists="overwrite",
    )
    while (event := await next_event(channel)).type not in RECORDED:
        pass
    if event.type == "RecordingFailed":
        await say(channel, "sound:demo-nothing-recorded")
        return
    await say(channel, "sound:demo-recorded")
    await say(channel, f"recording:{recording.name}")


# --- what a call is made of


async def next_event(channel: Channel) -> EventMessage:
    """Wait for something to happen to the channel. Raises HungUp when it leaves us."""
    event = await anext(channel, None)
    if event is None:
        raise HungUp
    return event


async def key_during(channel: Channel, playback: Playback) -> str | None:
    """Wait for a key, or None when the playback is over."""
    while True:
        event = await next_event(channel)
        if event.type == "ChannelDtmfReceived":
            return str(event.digit)
        if event.type == "PlaybackFinished" and event.playback.id == playback.id:
            return None


async def key_within(channel: Channel, seconds: float) -> str | None:
    """Wait for a key, or None when the time is over."""
    with trio.move_on_after(seconds):
        while True:
            event = await next_event(channel)
            if event.type == "ChannelDtmfReceived":
                return str(event.digit)
    return None


async def say(channel: Channel, media: str) -> str | None:
    """Play something until it is over or a key is pressed, and return the key."""
    playback = await channel.play(media=media)
    key = await key_during(channel, playback)
    if key is not None:
        await stop(playback)
    return key


async def control(playback: Playback, operation: str) -> None:
    """Pause, go on, or move, unless the playback has just ended."""
    await unless_too_late(playback.control(operation=operation))


async def stop(playback: Playback) -> None:
    """Stop a playback, unless it has just ended."""
    await unless_too_late(playback.stop())


async def unless_too_late(request: Awaitable[None]) -> None:
    """Send a request to something that may have ended meanwhile."""
    try:
        await request
    except httpx.HTTPError as error:
        if not is_too_late(error):
            raise


def is_too_late(error: Exception) -> bool:
    """Whether a request found its object no more."""
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code in TOO_LATE


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    try:
        trio.run(
            main,
            given.get(1) or os.environ.get("ARI_URL", "http://127.0.0.1:8088/"),
            given.get(2) or os.environ.get("ARI_USER", "stasis"),
            given.get(3) or os.environ.get("ARI_PASSWORD", ""),
        )
    except KeyboardInterrupt:
        print("Stopped.")
