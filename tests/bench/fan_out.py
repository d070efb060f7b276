"""Events to several sockets, as fast as one core takes: `python -m tests.bench.fan_out`.

From publish, through the applications, their logs and the encoder, to frames that the kernel has
taken; another process reads the sockets. All sockets hear all events: as observers of one
application, or each with an application of its own that hears everything.
"""

import argparse
import multiprocessing
import select
import socket
import time
from collections.abc import Sequence

import trio
import trio.lowlevel

from stasisd.bindings.ari.encoding import Encoder
from stasisd.bindings.websocket.applications import ApplicationStream
from stasisd.bindings.websocket.frames import text_frames
from stasisd.bindings.websocket.session import Ended
from stasisd.core.events import ChannelVarset
from stasisd.core.listener import Role
from stasisd.core.snapshots import ChannelSnapshot, Party
from stasisd.core.tenant import Tenant
from stasisd.operations.events import Hearing
from tests.support.tenant import EPOCH, bare_tenant

# Published before the readers get a turn, as when many calls are busy.
BURST = 50
CHANNEL = ChannelSnapshot(
    id="1795470049.8",
    name="PJSIP/100-00000004",
    state="Up",
    caller=Party("Alice", "100"),
    creationtime=EPOCH,
)


def read_for_ever(sockets: Sequence[socket.socket]) -> None:
    """The clients: read, and throw away."""
    while True:
        for one in select.select(sockets, [], [])[0]:
            if not one.recv(1 << 20):
                return


def hearings(tenant: Tenant, sockets: int, shape: str) -> list[Hearing]:
    if shape == "one application":
        tenant.serve_application("app").follow("channel:1")
        return [
            Hearing(tenant, ["app"], everything=False, role=Role.OBSERVER) for _ in range(sockets)
        ]
    return [Hearing(tenant, [f"app{n}"], everything=True) for n in range(sockets)]


async def write(hearing: Hearing, encoder: Encoder, stream: trio.SocketStream) -> None:
    source = ApplicationStream(hearing, encoder.event)
    while not isinstance(messages := await source.receive(), Ended):
        await stream.send_all(text_frames(messages))


async def measure(sockets: int, shape: str, seconds: float) -> None:
    tenant, encoder = bare_tenant(), Encoder("02:00:00:00:00:01", "1.0")
    pairs = [socket.socketpair() for _ in range(sockets)]
    reader = multiprocessing.Process(
        target=read_for_ever, args=([far for _, far in pairs],), daemon=True
    )
    reader.start()
    heard = hearings(tenant, sockets, shape)
    published = 0
    async with trio.open_nursery() as nursery:
        for hearing, (near, _) in zip(heard, pairs, strict=True):
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(near))
            nursery.start_soon(write, hearing, encoder, stream)
        began, cpu = time.monotonic(), time.process_time()
        while time.monotonic() - began < seconds:
            for _ in range(BURST):
                tenant.publish(
                    ChannelVarset, ("channel:1",), variable="A", value="1", channel=CHANNEL
                )
            published += BURST
            await trio.lowlevel.checkpoint()
            while any(hearing.mailbox._queue for hearing in heard):
                await trio.lowlevel.checkpoint()
        cpu = time.process_time() - cpu
        nursery.cancel_scope.cancel()
    reader.kill()
    deliveries = published * sockets
    print(
        f"{shape:18} {sockets:4} sockets: {deliveries / cpu:9.0f} deliveries a second of CPU,"
        f" {cpu / deliveries * 1e6:5.2f} us each"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    for shape in ("one application", "one each"):
        for sockets in (1, 10, 100):
            trio.run(measure, sockets, shape, options.seconds)


if __name__ == "__main__":
    main()
