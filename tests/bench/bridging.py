"""How long `addChannel` takes beside calls that are up: `python -m tests.bench.bridging`.

One client of the daemon, which is a process of its own, does over and over: `create` a channel,
add it to a bridge as soon as `StasisStart` says that it is there, remove it when it has entered,
hang it up when it has left. Whatever is answered with another status than success ends the run:
who follows the events loses no race. Beside it CALLS calls are up: each a phone that a tone is
played to, or (`--bridged`) Local channels that hear a tone from each other, two to a bridge.
"""

import argparse
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import trio

from tests.support.listening import Listener
from tests.support.phone import HOST, phone
from tests.support.program import configuration, running

from .playback_interrupt import DIALPLAN, PORTS, QUICK, Connection, fill

APP = "bench"
BOUND_MS = 20
WARM = 20  # rounds that do not count


class Client:
    """Asks, and keeps how long each kind of request took, in ms."""

    def __init__(self, http: Connection, events: Listener) -> None:
        self.events = events
        self.took: dict[str, list[float]] = {}
        self._http = http

    async def ask(self, kind: str, method: str, path: str) -> Any:
        """Send a request that has to succeed, and return the JSON of its answer."""
        asked = time.time()
        status, answer, replied = await self._http.ask(method, path)
        assert status < 300, f"{kind}: {status} {answer}"
        self.took.setdefault(kind, []).append((replied - asked) * 1000)
        return answer

    async def round(self, bridge: str) -> None:
        """Create a channel, let it enter and leave a bridge, and hang it up."""
        created = await self.ask(
            "create", "POST", f"/channels/create?endpoint=Local/load&app={APP}"
        )
        channel = created["id"]
        await self.events.until("StasisStart", channel=channel)
        await self.ask("addChannel", "POST", f"/bridges/{bridge}/addChannel?channel={channel}")
        await self.events.until("ChannelEnteredBridge", channel=channel)
        await self.ask(
            "removeChannel", "POST", f"/bridges/{bridge}/removeChannel?channel={channel}"
        )
        await self.events.until("ChannelLeftBridge", channel=channel)
        await self.ask("hangup", "DELETE", f"/channels/{channel}")
        await self.events.until("ChannelDestroyed", channel=channel)

    async def pairs(self, calls: int) -> None:
        """Put Local channels into bridges, two to each; their other halves play a tone."""
        for number in range(0, calls, 2):
            await self.ask("load", "POST", f"/bridges/pair-{number}")
            for _ in range(2):
                path = f"/channels?endpoint=Local/load&app={APP}"
                channel = (await self.ask("load", "POST", path))["id"]
                await self.events.until("StasisStart", channel=channel)
                path = f"/bridges/pair-{number}/addChannel?channel={channel}"
                await self.ask("load", "POST", path)


async def measure(times: int, calls: int, *, bridged: bool) -> dict[str, list[float]]:
    """The milliseconds that each request took, by its kind."""
    settings = configuration(rtp_ports=PORTS, more=QUICK)
    with tempfile.TemporaryDirectory() as folder, socket.socket(type=socket.SOCK_DGRAM) as drain:
        drain.bind((HOST, 0))
        async with (
            running(Path(folder), settings, DIALPLAN) as daemon,
            daemon.listen(APP) as events,
            phone((await daemon.addresses())[1], rtp=drain.getsockname()) as caller,
        ):
            address, _ = await daemon.addresses()
            with closing(Connection(address)) as http:
                client = Client(http, events)
                await (client.pairs(calls) if bridged else fill(caller, calls))
                await client.ask("load", "POST", "/bridges/measured")
                for done in range(WARM + times):
                    if done == WARM:
                        client.took.clear()
                    await client.round("measured")
            assert await daemon.end() == 0
    return client.took


def lines(took: dict[str, list[float]]) -> Iterator[str]:
    yield f"{'ms':14} {'p50':>6} {'p99':>6} {'max':>6}"
    for kind, each in took.items():
        p50, p99 = np.percentile(each, (50, 99))
        yield f"{kind:14} {p50:6.2f} {p99:6.2f} {max(each):6.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--bridged", action="store_true")
    given = parser.parse_args()
    took = trio.run(lambda: measure(given.times, given.calls, bridged=given.bridged))
    where = "in bridges" if given.bridged else "that are played to"
    print(f"{given.times} rounds beside {given.calls} calls {where}; aim: p99 of {BOUND_MS} ms")
    print("\n".join(lines(took)))


if __name__ == "__main__":
    main()
