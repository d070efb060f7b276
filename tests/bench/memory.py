"""The memory of an idle daemon, and what a call adds: `python -m tests.bench.memory`.

`stasisd serve` is started as its users start it, and an application listens. CALLS calls of a
phone over real SIP (`--local`: between Local channels, so two channels each) are answered, handed
to the application, and stay there: silent, or (`--play`) each hearing a prompt. Shown are both
processes before, with the calls, and after them. What a call adds is what both have more than
before, so it holds also what only the first call wakes.
"""

import argparse
import tempfile
from pathlib import Path

import httpx
import trio

from tests.bench.figures import KIB, Figures, figures
from tests.support.listening import Listener
from tests.support.phone import Phone, phone
from tests.support.program import Program, configuration, running

APP = "memory"
DIALPLAN = f"""
[default]
exten => 1000,1,Answer()
 same => n,Stasis({APP})
exten => far,1,Answer()
 same => n,Wait(3600)
"""
PROMPT = ",".join(["sound:demo-story"] * 10)
# Calls that are set up at the same time.
TOGETHER = 20
# For what follows the last call's begin or end (retransmissions, staggered writes), in seconds.
SETTLING = 3


async def by_phone(caller: Phone, count: int, limit: trio.CapacityLimiter) -> None:
    """Call from the phone, whose audio comes from nowhere and goes nowhere."""

    async def dial() -> None:
        async with limit:
            call = caller.call("1000")
            await call.settled.wait()
            assert call.answered.is_set(), call.end

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(dial)


async def by_local(client: httpx.AsyncClient, count: int, limit: trio.CapacityLimiter) -> None:
    """Originate Local channels into the application."""

    async def originate() -> None:
        async with limit:
            answer = await client.post(f"/channels?endpoint=Local/far&app={APP}")
            assert answer.status_code == 200, answer.text

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(originate)


async def arrived(listener: Listener, count: int) -> list[str]:
    """The channels of so many calls, once they are all in the application."""
    return [(await listener.until("StasisStart"))["channel"]["id"] for _ in range(count)]


class Meter:
    """Shows both processes, and what they have more than at first."""

    def __init__(self, daemon: Program) -> None:
        self._pids = {"daemon": daemon.pid, "media": daemon.worker()}
        self._first = self._read()
        self._print("idle", self._first)

    def _read(self) -> dict[str, Figures]:
        return {name: figures(pid) for name, pid in self._pids.items()}

    def _print(self, when: str, found: dict[str, Figures]) -> None:
        for name, each in found.items():
            print(f"{when:6} {name:6} {each}")
        resident = sum(each.resident for each in found.values())
        proportional = sum(each.proportional for each in found.values())
        print(f"{when:6} both   {resident / KIB:6.1f} MiB resident {proportional / KIB:6.1f}")

    def show(self, when: str, calls: int) -> None:
        """Show them, and what each call has added."""
        found = self._read()
        self._print(when, found)
        added = {name: found[name].resident - self._first[name].resident for name in found}
        each = ", ".join(f"{name} {kib / calls:.1f}" for name, kib in added.items())
        print(f"{when:6} {sum(added.values()) / calls:.1f} KiB for each of {calls} calls: {each}")


async def measure(calls: int, *, local: bool, play: bool) -> None:
    """Start a daemon, load it, and print."""
    limit = trio.CapacityLimiter(TOGETHER)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running(Path(folder), configuration(), DIALPLAN) as daemon,
            daemon.listen(APP) as listener,
            await daemon.client() as client,
            phone((await daemon.addresses())[1]) as caller,
        ):
            meter = Meter(daemon)
            await (by_local(client, calls, limit) if local else by_phone(caller, calls, limit))
            channels = await arrived(listener, calls)
            for channel in channels if play else ():
                await client.post(f"/channels/{channel}/play?media={PROMPT}")
            await trio.sleep(SETTLING)
            meter.show("calls", calls)
            for channel in channels:
                await client.delete(f"/channels/{channel}")
            for _ in channels:
                await listener.until("StasisEnd")
            await trio.sleep(SETTLING)
            meter.show("after", calls)
            assert await daemon.end() == 0


def main() -> None:
    """Read the numbers from the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--play", action="store_true")
    given = parser.parse_args()
    trio.run(lambda: measure(given.calls, local=given.local, play=given.play))


if __name__ == "__main__":
    main()
