"""An application that plays its part on a second phone: what the caller of the demo talks to."""

import numpy as np
import trio

from stasisd.demo.call import Call
from stasisd.demo.caller import ASK, MENU, STORY, THANKS, prompt
from stasisd.demo.hearing import RATE, Samples
from stasisd.demo.phone import Phone

FRAME = RATE // 50
SKIP = 3 * RATE
BEEP = (5000 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 5) / RATE)).astype(np.int16)


class Teller:
    """Serves one call. ``faults`` are what it does wrong: see where they are asked for."""

    def __init__(self, *faults: str) -> None:
        self._faults = faults
        self._story = prompt(STORY)
        self._keys_taken = 0
        self._call: Call

    async def run(self, phone: Phone) -> None:
        self._call = await phone.wait_call()
        if "refuses" in self._faults:
            self._call.hang_up(cause=17)
            return
        self._call.answer()
        await self._say(prompt(MENU))
        await self._tell_story()
        await self._say(prompt(ASK))
        message = await self._record()
        if "loses the message" not in self._faults:
            await self._say(message)
        await self._say(prompt(THANKS))
        if "stays" not in self._faults:
            self._call.hang_up(cause=127 if "fails" in self._faults else 16)

    def _key(self) -> str:
        """The next key that was pressed, empty for none."""
        key = self._call.stream.keys[self._keys_taken : self._keys_taken + 1]
        self._keys_taken += len(key)
        return key

    async def _say(self, samples: Samples) -> None:
        for begin in range(0, len(samples), FRAME):
            if self._key():
                return
            await self._frame(samples[begin : begin + FRAME])

    async def _frame(self, samples: Samples) -> None:
        self._call.say(samples)
        await self._call.wait_said()

    async def _tell_story(self) -> None:
        position, paused = 0, False
        while (key := self._key()) != "#":
            if key == "5" and "does not pause" not in self._faults:
                paused = not paused
                position += 5 * RATE if "goes on elsewhere" in self._faults and not paused else 0
                position -= position if "forgets its place" in self._faults and not paused else 0
            position = max(position + self._skip(key, position), 0)
            silent = paused or position >= len(self._story)
            await self._frame(self._story[position : position + FRAME] * np.int16(not silent))
            position += 0 if paused else FRAME

    def _skip(self, key: str, position: int) -> int:
        if key == "4" and "does not go back" not in self._faults:
            return -SKIP
        if key == "6":
            return SKIP * 2 if "skips too far" in self._faults else SKIP
        if key == "1":
            return SKIP if "does not restart" in self._faults else -position
        return len(self._story) if key == "*" and "does not stop" not in self._faults else 0

    async def _record(self) -> Samples:
        if "does not beep" not in self._faults:
            await self._frame(BEEP)
        begin = len(self._call.heard)
        with trio.fail_after(20):
            while self._key() != "#":
                await self._call.listen(0.02)
        return self._call.heard[begin:]
