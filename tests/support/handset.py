"""A person with a phone, in a real call to the real daemon: SIP and RTP over UDP sockets.

The phone is that of `stasisd demo`. Whatever should be heard is waited for; what is not heard in
time raises NotHeard.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import soundfile
import trio

import stasisd
from stasisd.demo.call import Call
from stasisd.demo.caller import prompt
from stasisd.demo.ear import ALIKE, HOP, PATIENCE, Ear, NotHeard, Sound
from stasisd.demo.hearing import RATE, Samples
from stasisd.demo.phone import Phone, open_phone
from stasisd.demo.stream import StreamOver
from stasisd.sip.causes import NORMAL_CLEARING
from stasisd.sip.events import By
from stasisd.sip.flow import Address

from .conference import TONES, tone, tones_in
from .program import PHONE_PASSWORD, PHONES

# The tone that each phone speaks with, in hertz.
VOICES = dict(zip(PHONES, TONES.values(), strict=True))
# Longer than any test: who talks does so until the call is over.
TALK_SECONDS = 60
# How long exactly these tones and no others have to be heard, in seconds.
STEADY = 1.0
MUSIC = Path(stasisd.__file__).parent / "music" / "default.flac"


class Handset:
    """One phone and its only call."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self._call: Call | None = None

    @property
    def call(self) -> Call:
        assert self._call is not None, "it has not called anybody yet"
        return self._call

    @property
    def voice(self) -> int:
        return VOICES[self.phone.name]

    # What the person does.

    async def dial(self, number: str) -> None:
        """Call, without waiting for the answer."""
        self._call = await self.phone.dial(number)

    async def talk_to(self, number: str) -> None:
        """Call, and wait for the answer."""
        await self.dial(number)
        await self.is_answered()

    async def pick_up(self) -> None:
        """Wait for a call, let it ring, and answer it."""
        with trio.fail_after(PATIENCE):
            self._call = await self.phone.wait_call()
        self.call.ring()
        self.call.answer()

    def talk(self) -> None:
        """Speak with this phone's tone from now on."""
        self.say(np.tile(tone(self.voice), TALK_SECONDS))

    def say(self, samples: Samples) -> None:
        self.call.say(samples)

    def press(self, keys: str) -> None:
        """Press keys, after all that is still to be said."""
        self.call.press(keys)

    def hang_up(self) -> None:
        self.call.hang_up()

    # What the person notices.

    async def is_answered(self) -> None:
        with trio.fail_after(PATIENCE):
            await self.call.wait_answered()

    async def hears_ringing(self) -> None:
        """Wait for 180, which a phone makes a tone of."""
        with trio.fail_after(PATIENCE):
            await self.call.wait_status(180)

    async def is_hung_up_on(self) -> None:
        """Wait until the far end has ended the call, normally."""
        with trio.fail_after(PATIENCE):
            ending = await self.call.wait_ended()
        assert (ending.cause, ending.by) == (NORMAL_CLEARING, By.REMOTE)

    async def hears(self, sound: Samples) -> None:
        """Wait until all of a sound has been heard, at any time of the call."""
        with trio.move_on_after(PATIENCE):
            while not self._has_heard(sound) and self.call.ending is None:
                with suppress(StreamOver):
                    await self.call.listen(HOP)
        if not self._has_heard(sound):
            raise NotHeard(f"it is not in {len(self.call.heard) / RATE:.1f} s of sound")

    async def hears_prompt(self, name: str) -> None:
        """Wait until a prompt has been heard from its beginning to its end."""
        await self.hears(prompt(name))

    async def hears_music(self) -> None:
        """Wait until the last that was heard is a part of the music on hold."""
        samples, _ = soundfile.read(MUSIC, dtype="int16")
        await Ear(self.call, {"the music": Sound(samples)}).wait_for("the music")

    async def hears_silence(self) -> None:
        """Wait until nothing has been heard for a second."""
        await Ear(self.call, {}).wait_silence(STEADY)

    async def hears_only(self, *hertz: int, among: Iterable[int] = VOICES.values()) -> None:
        """Wait until of these tones exactly some have been heard for a second."""
        found: set[int] = set()
        try:
            with trio.fail_after(PATIENCE):
                await self.call.listen(STEADY)
                while (found := self._tones(among)) != set(hertz):
                    await self.call.listen(HOP)
        except trio.TooSlowError:
            raise NotHeard(f"{set(hertz)} should be heard, and {found} is") from None

    def _has_heard(self, sound: Samples) -> bool:
        found = Sound(self.call.heard).find(sound)
        return found is not None and found.likeness >= ALIKE

    def _tones(self, among: Iterable[int]) -> set[int]:
        return tones_in(self.call.heard[-round(STEADY * RATE) :] / 32768, among)


async def all_hear(expected: Mapping[Handset, set[int]]) -> None:
    """Wait until each of these people hears its voices, and none of the others."""
    async with trio.open_nursery() as nursery:
        for person, voices in expected.items():
            nursery.start_soon(person.hears_only, *voices)


@asynccontextmanager
async def handset(server: Address, name: str) -> AsyncIterator[Handset]:
    """A phone that is registered, so that it can be called, too."""
    async with open_phone(name, PHONE_PASSWORD, server) as phone:
        with trio.fail_after(PATIENCE):
            await phone.register()
        yield Handset(phone)
