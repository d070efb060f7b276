"""Three phones in bridges, by SIP and RTP, through the real daemon: who hears whom.

Each speaks with a tone of its own all the time, and what it hears is listened to at the phone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import trio

from tests.support.handset import VOICES, Handset, all_hear, handset
from tests.support.program import PHONES, configuration, running

APP = "hall"
DIALPLAN = f"[default]\nexten => hall,1,Stasis({APP})\n"
# Who hears whom in one bridge.
THE_OTHERS = {"100": {"101", "102"}, "101": {"100", "102"}, "102": {"100", "101"}}
# Who hears whom when 102 listens in on 100, who talks to 101: by what it spies and whispers.
LISTENING_IN = {
    ("in", "none"): {"100": {"101"}, "101": {"100"}, "102": {"100"}},
    ("out", "none"): {"100": {"101"}, "101": {"100"}, "102": {"101"}},
    ("both", "none"): {"100": {"101"}, "101": {"100"}, "102": {"100", "101"}},
    ("none", "out"): {"100": {"101", "102"}, "101": {"100"}, "102": set()},
    ("none", "in"): {"100": {"101"}, "101": {"100", "102"}, "102": set()},
    ("both", "both"): {"100": {"101", "102"}, "101": {"100", "102"}, "102": {"100", "101"}},
}


class Hall:
    """The phones, which are in calls with an application and talk, and the application."""

    def __init__(self, ari: httpx.AsyncClient) -> None:
        self.phones: dict[str, Handset] = {}
        self.channels: dict[str, str] = {}
        self._ari = ari

    async def ask(self, method: str, path: str, **parameters: str) -> None:
        (await self._ari.request(method, path, params=parameters)).raise_for_status()

    async def bridge(self, name: str, *channels: str) -> None:
        """Put channels into a bridge that is made for them."""
        await self.ask("POST", f"/bridges/{name}")
        await self.ask("POST", f"/bridges/{name}/addChannel", channel=",".join(channels))

    async def hears(self, expected: dict[str, set[str]]) -> None:
        """Wait until each phone hears the voices of those, and of nobody else."""
        await all_hear(
            {self.phones[name]: {VOICES[who] for who in whom} for name, whom in expected.items()}
        )


@asynccontextmanager
async def hall(folder: Path) -> AsyncIterator[Hall]:
    async with (
        running(folder, configuration(), DIALPLAN) as daemon,
        daemon.listen(APP) as events,
        await daemon.client() as ari,
        AsyncExitStack() as people,
    ):
        _, server = await daemon.addresses()
        made = Hall(ari)
        for name in PHONES:
            phone = made.phones[name] = await people.enter_async_context(handset(server, name))
            await phone.dial("hall")
            channel = made.channels[name] = (await events.until("StasisStart"))["channel"]["id"]
            await made.ask("POST", f"/channels/{channel}/answer")
            await phone.is_answered()
            phone.talk()
        yield made


async def test_each_hears_the_others_and_nobody_who_is_muted(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with hall(tmp_path) as people:
            await people.bridge("hall", *people.channels.values())
            await people.hears(THE_OTHERS)
            mute = f"/channels/{people.channels['101']}/mute"
            await people.ask("POST", mute, direction="in")
            await people.hears({"100": {"102"}, "101": {"100", "102"}, "102": {"100"}})
            await people.ask("DELETE", mute, direction="in")
            await people.hears(THE_OTHERS)
            await people.ask("POST", mute, direction="out")
            await people.hears(THE_OTHERS | {"101": set()})


async def test_who_listens_in_hears_and_is_heard_as_it_asked(tmp_path: Path) -> None:
    with trio.fail_after(90):
        async with hall(tmp_path) as people:
            spied, other, supervisor = people.channels.values()
            await people.bridge("talk", spied, other)
            for (spy, whisper), expected in LISTENING_IN.items():
                snoop = f"snoop-{spy}-{whisper}"  # the one before may still be ending
                path = f"/channels/{spied}/snoop/{snoop}"
                await people.ask("POST", path, app=APP, spy=spy, whisper=whisper)
                await people.bridge("office", supervisor, snoop)
                await people.hears(expected)
                await people.ask("DELETE", f"/channels/{snoop}")
                await people.ask("DELETE", "/bridges/office")
            await people.hears({"100": {"101"}, "101": {"100"}, "102": set()})
