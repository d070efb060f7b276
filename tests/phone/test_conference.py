"""Three phones in one bridge, and what is heard at each: real SIP, real RTP, real recordings.

Each says something of its own all the time. What one heard in a part of the call is compared with
what each said; a sum of several voices is like each of them, if less so than one alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio

from tests.support import program
from tests.support.listening import Listener

from . import baresip, speech
from .cable import Cable
from .speech import RATE, Samples

pytestmark = [
    pytest.mark.phone,
    pytest.mark.skipif(not baresip.is_installed(), reason="baresip-core is not installed"),
]

# What each phone says: the prompts of these names.
TEXTS = {"100": "[ac]*", "101": "p*", "102": "vm-*"}
SECONDS = 36  # how much each has to say
# What is whispered by the direction, while all go on talking.
WHISPERS = {"out": "demo-congrats", "in": "demo-echotest", "both": "demo-instruct"}
# Likeness of a sum of four voices with one of them, and of voices that are not in it.
LIKE, UNLIKE = 0.3, 0.25


class Party:
    """A phone in the application, with what it says."""

    def __init__(self, phone: baresip.Baresip, channel: str, says: Samples) -> None:
        self.phone = phone
        self.channel = channel
        self.says = says

    def heard_so_far(self) -> int:
        """The number of samples in its recording, which grows."""
        return (self.phone.heard().stat().st_size - 44) // 2


class Conference:
    """Three phones in a bridge, and ARI."""

    def __init__(self, ari: httpx.AsyncClient, events: Listener, folder: Path) -> None:
        """``folder`` has the recordings."""
        self.ari = ari
        self.events = events
        self.folder = folder
        self.parties: dict[str, Party] = {}

    async def ask(self, method: str, path: str, **parameters: str) -> None:
        (await self.ari.request(method, path, params=parameters)).raise_for_status()

    async def snoop(self, name: str, on: str, **directions: str) -> None:
        """Make a snoop channel of this name on a phone."""
        path = f"/channels/{self.parties[on].channel}/snoop/{name}"
        await self.ask("POST", path, app="demo", **directions)

    async def heard(self, seconds: float) -> dict[str, Samples]:
        """What each phone hears in the time that begins now."""
        await trio.sleep(0.5)  # what was asked for last takes effect, what was sent arrives
        begins = {name: party.heard_so_far() for name, party in self.parties.items()}
        await trio.sleep(seconds)
        heard = {name: speech.read(party.phone.heard()) for name, party in self.parties.items()}
        return {name: samples[begins[name] :] for name, samples in heard.items()}

    def voices(self, sound: Samples) -> set[str]:
        """Whose voices are in it."""
        return {name for name, party in self.parties.items() if is_in(sound, party.says)}


def is_in(sound: Samples, text: Samples) -> bool:
    """Whether this text, which is the shorter or the longer, is in a sound that may hold others."""
    part, whole = sorted((sound, text), key=len)
    likeness = speech.likeness(part, whole)
    assert not UNLIKE < likeness < LIKE, likeness
    return likeness >= LIKE


@asynccontextmanager
async def conference(cable: Cable, folder: Path) -> AsyncIterator[Conference]:
    """All phones call the application, which puts them into one bridge."""
    async with (
        program.running(folder, program.configuration(cable.server)) as daemon,
        daemon.listen("demo") as events,
        await daemon.client() as ari,
        AsyncExitStack() as phones,
    ):
        _, server = await daemon.addresses()
        made = Conference(ari, events, daemon.recordings)
        await made.ask("POST", "/bridges/hall")
        for name, prompts in TEXTS.items():
            (home := folder / name).mkdir()
            text = speech.say(home / "said.wav", SECONDS, prompts)
            running = baresip.running(cable, server, home, text, name=name)
            phone = await phones.enter_async_context(running)
            await phone.command("dial", f"sip:1000@{server[0]}:{server[1]}")
            channel = (await events.until("StasisStart"))["channel"]["id"]
            await made.ask("POST", f"/channels/{channel}/answer")
            await made.ask("POST", "/bridges/hall/addChannel", channel=channel)
            made.parties[name] = Party(phone, channel, speech.read(text))
        await trio.sleep(2)  # at the start of a call sound shifts, until its delay is found
        yield made


async def test_each_hears_the_others_and_nobody_hears_who_is_muted(
    cable: Cable, tmp_path: Path
) -> None:
    with trio.fail_after(60):
        async with conference(cable, tmp_path) as hall:
            all_talk = await hall.heard(4)
            muted = f"/channels/{hall.parties['101'].channel}/mute"
            await hall.ask("POST", muted, direction="in")
            one_is_muted = await hall.heard(4)
            await hall.ask("DELETE", muted, direction="in")
            all_again = await hall.heard(4)
    others = {"100": {"101", "102"}, "101": {"100", "102"}, "102": {"100", "101"}}
    without_one = {"100": {"102"}, "101": {"100", "102"}, "102": {"100"}}
    for sounds, expected in (
        (all_talk, others), (one_is_muted, without_one), (all_again, others),
    ):  # fmt: skip
        assert {name: hall.voices(sound) for name, sound in sounds.items()} == expected


async def test_a_snoop_records_what_its_phone_says_hears_or_both(
    cable: Cable, tmp_path: Path
) -> None:
    recorded = {}
    with trio.fail_after(60):
        async with conference(cable, tmp_path) as hall:
            for spy in ("in", "out", "both"):
                await hall.snoop(f"spy-{spy}", "100", spy=spy)
                path = f"/channels/spy-{spy}/record"
                await hall.ask("POST", path, name=spy, format="wav")
            await trio.sleep(4)
            for spy in ("in", "out", "both"):
                await hall.ask("POST", f"/recordings/live/{spy}/stop")
                recorded[spy] = speech.read(hall.folder / f"{spy}.wav")
    assert {spy: hall.voices(sound) for spy, sound in recorded.items()} == {
        "in": {"100"},
        "out": {"101", "102"},
        "both": {"100", "101", "102"},
    }


async def test_a_whisper_reaches_its_phone_the_others_or_all(cable: Cable, tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with conference(cable, tmp_path) as hall:
            for whisper, prompt in WHISPERS.items():
                await hall.snoop(f"whisper-{whisper}", "100", whisper=whisper)
                path = f"/channels/whisper-{whisper}/play"
                await hall.ask("POST", path, media=f"sound:{prompt}")
            heard = await hall.heard(6)
    spoken = {
        whisper: speech.read(speech.PROMPTS / f"{prompt}.flac")[RATE : 4 * RATE]
        for whisper, prompt in WHISPERS.items()
    }
    assert {
        name: {whisper for whisper, text in spoken.items() if is_in(sound, text)}
        for name, sound in heard.items()
    } == {"100": {"out", "both"}, "101": {"in", "both"}, "102": {"in", "both"}}
