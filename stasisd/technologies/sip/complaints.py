"""What strangers do wrong, in the log: a few lines of each kind a second, and how many more."""

from collections import Counter

import structlog
import trio

from stasisd.sip.flow import Flow

log = structlog.get_logger(__name__)

LINES = 5
SECONDS = 1.0


class Complaints:
    """Anybody can make us complain, so nobody may fill the log with it."""

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()
        self._begun = trio.Event()

    def make(self, what: str, flow: Flow, **details: str) -> None:
        """Log a warning about who is on this flow, unless there were too many like it."""
        self._made[what] += 1
        self._begun.set()
        if self._made[what] <= LINES:
            log.warning(what, source=f"{flow.remote[0]}:{flow.remote[1]}", **details)

    async def run(self) -> None:
        """Say what was left out, when its second is over."""
        while True:
            await self._begun.wait()
            await trio.sleep(SECONDS)
            self._begun = trio.Event()
            made, self._made = self._made, Counter()
            for what, count in made.items():
                if count > LINES:
                    log.warning(f"{what}: more of it", left_out=count - LINES)
