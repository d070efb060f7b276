"""A voice agent over a media WebSocket: it says back what it heard, and is quiet when you speak.

    ARI_PASSWORD=... python voice_agent.py [URL [USER [PASSWORD]]]

Send callers to it with Stasis(agent). Put your recognition, model and voice in the place of
``Parrot``: it gets each frame of 20 ms that the caller says, and answers with sound or None.
"""

import json
import os
import sys
from array import array

import httpx
import trio
from trio_websocket import ConnectionClosed, open_websocket_url

MEDIA = {
    "app": "agent",
    "format": "slin",  # 16-bit samples, 8 kHz
    "encapsulation": "none",
    "transport": "websocket",
    "connection_type": "server",
}
LOUD, PAUSE = 500, 30  # of a sample; frames without a loud one that end a sentence


class Parrot:
    """What the caller said last, until it was said back."""

    def __init__(self) -> None:
        self.heard = b""
        self.quiet = 0

    def hear(self, frame: bytes) -> tuple[bool, bytes | None]:
        """Whether the caller speaks in this frame, and what to answer, if anything."""
        speaks = max(map(abs, array("h", frame)), default=0) > LOUD
        self.quiet = 0 if speaks else self.quiet + 1
        if speaks or self.heard:
            self.heard += frame
        if not self.heard or self.quiet < PAUSE:
            return speaks, None
        answer, self.heard = self.heard, b""
        return speaks, answer


async def talk(ari: httpx.AsyncClient, place: str, caller: str) -> None:
    """One call, from its beginning to its end."""
    ear, bridge = f"ear-{caller}", f"talk-{caller}"
    made = await ari.post("channels/externalMedia", params=MEDIA | {"channelId": ear})
    connection = made.raise_for_status().json()["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"]
    try:
        async with open_websocket_url(f"{place}/media/{connection}", subprotocols=["media"]) as us:
            await ari.post(f"channels/{caller}/answer")
            await ari.post(f"bridges/{bridge}")
            await ari.post(f"bridges/{bridge}/addChannel", params={"channel": f"{caller},{ear}"})
            parrot = Parrot()
            while True:
                frame = await us.get_message()
                if isinstance(frame, str):
                    print(frame)  # an event, such as DTMF_END
                    continue
                speaks, answer = parrot.hear(frame)
                if speaks:
                    await us.send_message("FLUSH_MEDIA")  # the caller falls in: be quiet at once
                if answer is not None:
                    await us.send_message(answer)  # all of it: the server keeps the pace
    except ConnectionClosed:
        pass
    await ari.delete(f"bridges/{bridge}")


async def main(url: str, user: str, password: str) -> None:
    """Serve calls until the end."""
    place = url.replace("http", "ws", 1)
    events = f"{place}/ari/events?app=agent&api_key={user}:{password}"
    async with (
        httpx.AsyncClient(base_url=f"{url}/ari/", auth=(user, password)) as ari,
        open_websocket_url(events) as socket,
        trio.open_nursery() as calls,
    ):
        print("The agent waits for calls", flush=True)
        while True:
            event = json.loads(await socket.get_message())
            caller = event.get("channel", {}).get("id", "")
            if caller.startswith("ear-"):
                continue
            if event["type"] == "StasisStart":
                calls.start_soon(talk, ari, place, caller)
            elif event["type"] == "StasisEnd":
                await ari.delete(f"channels/ear-{caller}")  # and with it the WebSocket


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    trio.run(
        main,
        given.get(1, "http://127.0.0.1:8088"),
        given.get(2, "stasis"),
        given.get(3) or os.environ.get("ARI_PASSWORD", ""),
    )
