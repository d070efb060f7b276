"""The ARI application "demo": a story under the control of keys, then a message that is recorded.

Each call is one task, written as the call goes. When the caller hangs up, the next event that the
task waits for is an exception, and the task is over.
"""

import math
from collections.abc import Awaitable

import trio
from msgspec import Struct

from .ari import Ari, Json, RequestRefused

NAME = "demo"
MENU, STORY, ASK = "sound:demo-menu", "sound:demo-story", "sound:please-leave-message"
YOU_SAID, THANKS, NOTHING = (
    "sound:demo-recorded",
    "sound:demo-thanks",
    "sound:demo-nothing-recorded",
)
# How far back and ahead keys move the story.
SKIP_MS = 3000
MAX_SECONDS, MAX_SILENCE_SECONDS = 60, 4
# How long we wait for a key when the story is over, in seconds.
PATIENCE = 10.0
# While the story is told; 5 alternates between pause and unpause, * stops, # goes on.
CONTROLS = {"4": "reverse", "6": "forward", "1": "restart"}


class HungUp(Exception):
    """The caller is gone, or has left the application."""


class Visit(Struct, frozen=True):
    """What came of a call: the keys pressed, and the recording's name where one was made."""

    channel: str
    keys: str
    recording: str | None = None
    hung_up_by_caller: bool = False
    failure: str | None = None


class Application:
    """Serves calls; what came of each goes to ``visits``, which must be read."""

    def __init__(self, ari: Ari, visits: trio.MemorySendChannel[Visit]) -> None:
        self._ari = ari
        self._visits = visits
        self._calls: dict[str, trio.MemorySendChannel[Json]] = {}

    async def run(self) -> None:
        """Serve until the server ends it. Raise EventsOver."""
        async with trio.open_nursery() as calls:
            while True:
                event = await self._ari.next_event()
                channel = _channel_of(event)
                if event["type"] == "StasisStart":
                    # A call has few events: the queue needs no bound.
                    queue, events = trio.open_memory_channel[Json](math.inf)
                    self._calls[channel] = queue
                    calls.start_soon(self._serve, Conversation(self._ari, channel, events))
                elif channel in self._calls:
                    self._calls[channel].send_nowait(event)

    async def _serve(self, conversation: "Conversation") -> None:
        """Talk to one caller, whatever happens."""
        recording, gone, failure = None, False, None
        try:
            recording = await conversation.talk()
        except HungUp:
            gone = True
        except RequestRefused as refused:
            gone, failure = refused.is_too_late, str(refused)
            await unless_too_late(conversation.hang_up())
        finally:
            del self._calls[conversation.channel]
        visit = Visit(conversation.channel, conversation.keys, recording, gone, failure)
        await self._visits.send(visit)


class Conversation:
    """One call. Everything that waits raises HungUp when the caller does, or RequestRefused."""

    def __init__(self, ari: Ari, channel: str, events: trio.MemoryReceiveChannel[Json]) -> None:
        """``events`` are those of the channel, its playbacks and its recordings."""
        self.channel = channel
        self.keys = ""
        self._ari = ari
        self._path = f"channels/{channel}"
        self._events = events

    async def talk(self) -> str | None:
        """The call from its beginning to its end; the name of the recording, if one was made."""
        await self._ari.request("POST", f"{self._path}/answer")
        key = await self.say(MENU)
        while key != "#":  # any other key lets us tell the story, and tell it again
            key = await self.tell_story() or await self.key_within(PATIENCE) or "#"
        recording = await self.take_message()
        await self.say(THANKS)
        await self.hang_up()
        return recording

    async def hang_up(self) -> None:
        """End the call."""
        await self._ari.request("DELETE", self._path)

    async def tell_story(self) -> str | None:
        """Play the story under the caller's control; # if that ended it."""
        story = await self._play(STORY, skipms=SKIP_MS)
        paused = False
        while (key := await self.key_during(story)) is not None:
            if key == "5":
                paused = not paused
                await self._control(story, "pause" if paused else "unpause")
            elif key in CONTROLS:
                await self._control(story, CONTROLS[key])
            elif key in {"*", "#"}:
                await self._stop(story)
            if key == "#":
                return key
        return None

    async def take_message(self) -> str | None:
        """Record what the caller says and play it back; the name of the recording."""
        await self.say(ASK)
        name = f"{NAME}-{self.channel}"
        await self._ari.request(
            "POST",
            f"{self._path}/record",
            name=name,
            format="wav",
            beep=True,
            maxDurationSeconds=MAX_SECONDS,
            maxSilenceSeconds=MAX_SILENCE_SECONDS,
            terminateOn="#",
            ifExists="overwrite",
        )
        event = await self._next_event()
        while event["type"] not in {"RecordingFinished", "RecordingFailed"}:
            event = await self._next_event()
        if event["type"] == "RecordingFailed":
            await self.say(NOTHING)
            return None
        await self.say(YOU_SAID)
        await self.say(f"recording:{name}")
        return name

    async def say(self, media: str) -> str | None:
        """Play something until it is over or a key is pressed; the key."""
        playback = await self._play(media)
        key = await self.key_during(playback)
        if key is not None:
            await self._stop(playback)
        return key

    async def key_during(self, playback: str) -> str | None:
        """Wait for a key, or None when the playback is over."""
        while True:
            event = await self._next_event()
            if event["type"] == "ChannelDtmfReceived":
                return str(event["digit"])
            if event["type"] == "PlaybackFinished" and event["playback"]["id"] == playback:
                return None

    async def key_within(self, seconds: float) -> str | None:
        """Wait for a key, or None when the time is over."""
        with trio.move_on_after(seconds):
            while True:
                event = await self._next_event()
                if event["type"] == "ChannelDtmfReceived":
                    return str(event["digit"])
        return None

    async def _next_event(self) -> Json:
        event = await self._events.receive()
        if event["type"] == "StasisEnd":
            raise HungUp
        if event["type"] == "ChannelDtmfReceived":
            self.keys += event["digit"]
        return event

    async def _play(self, media: str, **parameters: int) -> str:
        playback = await self._ari.request("POST", f"{self._path}/play", media=media, **parameters)
        return str(playback["id"])

    async def _control(self, playback: str, operation: str) -> None:
        path = f"playbacks/{playback}/control"
        await unless_too_late(self._ari.request("POST", path, operation=operation))

    async def _stop(self, playback: str) -> None:
        await unless_too_late(self._ari.request("DELETE", f"playbacks/{playback}"))


async def unless_too_late(request: Awaitable[object]) -> None:
    """Send a request to something that may have ended meanwhile."""
    try:
        await request
    except RequestRefused as refused:
        if not refused.is_too_late:
            raise


def _channel_of(event: Json) -> str:
    """The channel that an event is about, empty for none."""
    if "channel" in event:
        return str(event["channel"]["id"])
    about = event.get("playback") or event.get("recording") or {}
    return str(about.get("target_uri", "")).removeprefix("channel:")
