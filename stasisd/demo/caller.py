"""The person with the phone: listens, presses keys, leaves a message, and notices what is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import trio

import stasisd
from stasisd.sip.causes import NORMAL_CLEARING
from stasisd.sip.events import By

from .application import SKIP_MS
from .call import Call
from .ear import PATIENCE, Ear, Place, Sound
from .hearing import RATE, Samples
from .narration import Narrator
from .phone import Phone

PROMPTS = Path(stasisd.__file__).parent / "sounds" / "en"
EXTENSION = "1000"
# Every key that is pressed, in order: this is what the application must have received.
KEYS = "1" + "55461*" + "#" + "#"

MENU, STORY, ASK, THANKS = "demo-menu", "demo-story", "please-leave-message", "demo-thanks"
MESSAGE = "the message"
# What the message is made of.
WORDS = ("hello-world", "tt-weasels")
# A pause that no teller makes, in seconds.
STANDSTILL = 1.0
# As much of each prompt as is ever heard here; to search more takes time.
FAMILIAR = 12 * RATE
# How far from where it should be a story may go on; the network and the machine take their time.
TOLERANCE = 0.25
_BREATH = np.zeros(RATE // 4, np.int16)


class NotAsExpected(Exception):
    """Something went otherwise than it should; the message says what."""


def prompt(name: str) -> Samples:
    """A prompt that comes with stasisd. Blocks."""
    samples, _ = soundfile.read(PROMPTS / f"{name}.flac", dtype="int16")
    read: Samples = samples
    return read


class Caller:
    """One person, who goes through the whole demo once.

    What waits raises NotAsExpected or NotHeard, and what the call itself raises.
    """

    def __init__(self, phone: Phone, narrator: Narrator) -> None:
        """Reads the prompts: blocks for some milliseconds."""
        self.message: Samples = np.concatenate([prompt(word) for word in WORDS])
        self.call: Call | None = None
        self._phone = phone
        self._narrator = narrator
        prompts = {name: prompt(name)[:FAMILIAR] for name in (MENU, STORY, ASK, THANKS)}
        self._sounds = {name: Sound(samples) for name, samples in prompts.items()}
        self._sounds[MESSAGE] = Sound(self.message)

    async def go_through(self) -> None:
        """Call, steer the story, leave a message, and be hung up on."""
        call = await self._dial()
        ear = Ear(call, self._sounds)
        await self._cut_menu_short(call, ear)
        await self._steer_story(call, ear)
        await self._leave_message(call, ear)
        await self._hear_goodbye(call, ear)

    async def _dial(self) -> Call:
        self._narrator.step(f"The phone calls {EXTENSION}, where the dialplan says Stasis(demo).")
        with _in_time("the call was not answered"):
            self.call = call = await self._phone.call(EXTENSION)
        self._narrator.noticed("The call is answered; sound flows both ways.")
        return call

    async def _cut_menu_short(self, call: Call, ear: Ear) -> None:
        await ear.wait_for(MENU, beyond=2.0)
        self._narrator.noticed("The caller hears the menu.")
        self._press(call, "1", "has heard enough of it")

    async def _steer_story(self, call: Call, ear: Ear) -> None:
        told = await ear.wait_for(STORY, beyond=2.0)
        self._narrator.noticed("The caller hears the story.")
        self._press(call, "5", "pauses it")
        await ear.wait_silence(STANDSTILL)
        self._narrator.noticed(f"Silence: the story stands still, {told.position:.1f} s into it.")
        self._press(call, "5", "lets it go on")
        place = self._gone_on(told, await ear.wait_for(STORY))
        place = await ear.wait_for(STORY, beyond=place.position + 1.0)
        place = await self._move(call, ear, "4", "goes back", place, -SKIP_MS / 1000)
        place = await ear.wait_for(STORY, beyond=place.position + 1.0)
        place = await self._move(call, ear, "6", "skips ahead", place, SKIP_MS / 1000)
        place = await ear.wait_for(STORY, beyond=place.position + 1.0)
        await self._restart(call, ear, place)
        self._press(call, "*", "stops it")
        await ear.wait_silence(STANDSTILL)
        self._narrator.noticed("Silence: the story is over.")

    def _gone_on(self, before: Place, after: Place) -> Place:
        # The story's own quiet moments count as silence, too.
        stood_still = before.lead - after.lead >= STANDSTILL - TOLERANCE
        if not stood_still or after.position < before.position - TOLERANCE:
            raise NotAsExpected(
                f"the story should have gone on where it stopped, {before.position:.1f} s into it, "
                f"and was heard again {after.position:.1f} s into it"
            )
        self._narrator.noticed("It goes on where it stopped.")
        return after

    async def _move(
        self, call: Call, ear: Ear, key: str, words: str, before: Place, by: float
    ) -> Place:
        """Press a key that moves the story by so many seconds."""
        self._press(call, key, words)
        after = await ear.wait_moved(STORY, before)
        moved = after.lead - before.lead
        if abs(moved - by) > TOLERANCE:
            raise NotAsExpected(
                f"{key} should move the story by {by:.1f} s, and did by {moved:.1f}"
            )
        direction = "back" if moved < 0 else "ahead"
        self._narrator.noticed(f"The story is {abs(moved):.2f} s further {direction}.")
        return after

    async def _restart(self, call: Call, ear: Ear, before: Place) -> None:
        self._press(call, "1", "wants to hear it again")
        after = await ear.wait_moved(STORY, before)
        if after.position > before.position:
            raise NotAsExpected("1 should start the story again, and moved it ahead")
        self._narrator.noticed(f"It is {after.position:.1f} s into it: it has begun again.")

    async def _leave_message(self, call: Call, ear: Ear) -> None:
        self._press(call, "#", "wants to leave a message")
        await ear.wait_for(ASK, beyond=1.0)
        self._narrator.noticed("The caller is asked for a message.")
        await ear.wait_beep()
        self._narrator.step("After the beep the caller speaks, and then presses #.")
        call.say(self.message)
        call.say(_BREATH)
        call.press("#")
        await call.wait_said()

    async def _hear_goodbye(self, call: Call, ear: Ear) -> None:
        await ear.wait_for(MESSAGE, beyond=2.0)
        self._narrator.noticed("The caller hears the message again.")
        await ear.wait_for(THANKS, beyond=1.0)
        self._narrator.noticed("The caller is thanked.")
        with _in_time("the application did not hang up"):
            ending = await call.wait_ended()
        if (ending.cause, ending.by) != (NORMAL_CLEARING, By.REMOTE):
            raise NotAsExpected(f"the call ended with cause {ending.cause}, by {ending.by}")
        self._narrator.noticed("The application has hung up, with cause 16: normal clearing.")

    def _press(self, call: Call, key: str, words: str) -> None:
        self._narrator.step(f"The caller presses {key}: {words}.")
        call.press(key)


@contextmanager
def _in_time(otherwise: str) -> Iterator[None]:
    try:
        with trio.fail_after(PATIENCE):
            yield
    except trio.TooSlowError:
        raise NotAsExpected(f"{otherwise} within {PATIENCE:.0f} seconds") from None
