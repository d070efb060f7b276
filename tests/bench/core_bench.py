"""What the core costs per step: `python -m tests.bench.core_bench`.

Publishing to 1, 10 and 100 subscriptions, one operation through the gate, one request through
the responder, and the JSON of an event whose channel is cached or new. Microseconds of CPU, the
best of several rounds: what else runs on the machine only makes a round slower.
"""

import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import msgspec

from caps.caveats import Applications
from stasisd.core import events
from stasisd.core.bus import Bus, Mailbox
from stasisd.core.channel import Channel
from stasisd.operations import OPERATIONS
from stasisd.operations.hearing import permits
from tests.support.clock import run
from tests.support.server import Server, serving
from tests.support.world import APP, call, grant

ROUNDS = 7
LOOPS = 2000


def best(step: Callable[[], object], loops: int = LOOPS) -> float:
    """Microseconds of CPU that a call costs."""
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(loops):
            step()
        spent.append(time.process_time() - start)
    return min(spent) / loops * 1e6


async def best_async(step: Callable[[], Awaitable[object]], loops: int = LOOPS) -> float:
    """The same of what has to be awaited."""
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(loops):
            await step()
        spent.append(time.process_time() - start)
    return min(spent) / loops * 1e6


def publishing(channel: Channel, subscriptions: int) -> float:
    """One event to so many mailboxes, which are emptied between the rounds."""
    bus, mailboxes = Bus(), [Mailbox() for _ in range(subscriptions)]
    for mailbox in mailboxes:
        mailbox.subscribe(bus, channel.topics)
    event = events.ChannelStateChange(timestamp=0.0, channel=channel.snapshot)

    def step() -> None:
        bus.publish(event, channel.topics)
        for mailbox in mailboxes:
            mailbox._queue.clear()

    return best(step, LOOPS if subscriptions < 100 else LOOPS // 10)


async def measure(folder: Path) -> None:
    async with serving(folder) as server:
        server.tenant.serve_application(APP)
        channel = await call(server.tenant, "c")
        for subscriptions in (1, 10, 100):
            show(f"publish to {subscriptions}", publishing(channel, subscriptions))
        await measure_operations(server)
        measure_events(server, channel)


async def measure_operations(server: Server) -> None:
    get, asking, raw = OPERATIONS["channels.get"], grant(), {"channelId": "c"}
    narrow = grant(Applications((APP,)))
    cost = await best_async(lambda: server.gate.perform(asking, get, raw))
    show("channels.get through the gate", cost)
    cost = await best_async(lambda: server.gate.perform(narrow, get, raw))
    show("the same with a caveat more", cost)
    show(
        "GET /ari/channels/c through the responder",
        await best_async(lambda: server.request("GET", "/ari/channels/c"), LOOPS // 2),
    )


def measure_events(server: Server, channel: Channel) -> None:
    event = events.ChannelStateChange(timestamp=1.0, channel=channel.snapshot)
    show("event to JSON, channel cached", best(lambda: server.encoder.event(APP, event)))

    def new() -> bytes:
        snapshot = msgspec.structs.replace(channel.snapshot)
        return server.encoder.event(APP, msgspec.structs.replace(event, channel=snapshot))

    show("event to JSON, channel new", best(new))
    for name, asking in (("all", grant()), ("an application", grant(Applications((APP,))))):
        hears = partial(permits(asking, server.tenant), APP, event)
        show(f"may a grant of {name} hear it", best(hears))


def show(what: str, microseconds: float) -> None:
    print(f"{what:45}{microseconds:9.2f} us")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        run(measure, Path(folder))
