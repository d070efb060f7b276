"""How long a caller still hears a playback after it was stopped, measured on the wire.

`python -m tests.bench.media_interrupt --times 100 --load 200`: on one of LOAD channels that all
play, a tone without end is stopped over and over; the far end notes the kernel's time of the last
packet with sound, against the moment `stop` was called.
"""

import argparse
import socket
import struct
import time

import numpy as np
import trio

from stasisd.media.commands import Remote, Step, ToneSegment
from stasisd.media.control import Media, MediaSettings, Port

SO_TIMESTAMPNS = 35
TONE = ToneSegment((Step((440,), 1000),), repeat=True)


def kernel_time(control: list[tuple[int, int, bytes]]) -> float:
    """The Unix time at which the kernel received what came with this."""
    seconds, nanoseconds = struct.unpack("=qq", control[0][2])
    return float(seconds + nanoseconds / 1e9)


class Ear:
    """One far end that knows when each packet came, and whether it was audible."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.socket.getsockname()

    def last_audible(self) -> float | None:
        """Unix time of the last audible packet since the last call."""
        last = None
        while True:
            try:
                data, control, _, _ = self.socket.recvmsg(2048, 64)
            except BlockingIOError:
                return last
            if len(set(data[12:])) > 1:
                last = kernel_time(control)


async def one(port: Port, ear: Ear, wait: float) -> float:
    """Milliseconds from `stop` to the last audible packet; negative where it was before."""
    playing = port.play((TONE,))
    await playing.wait_started()
    await trio.sleep(wait)
    playing.stop()
    stopped = time.time()
    await playing.wait_ended()
    await trio.sleep(0.1)
    last = ear.last_audible()
    assert last is not None
    return (last - stopped) * 1000


async def measure(times: int, load: int) -> list[float]:
    media = Media(MediaSettings(bind="127.0.0.1", port_range=(24000, 24010 + 2 * load)))
    drain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    drain.bind(("127.0.0.1", 0))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        for _ in range(load):
            port = await media.open_rtp()
            port.set_remote(Remote(drain.getsockname()))
            port.play((TONE,))
        port, ear = await media.open_rtp(), Ear()
        port.set_remote(Remote(ear.address))
        draw = np.random.default_rng(5)
        found = [await one(port, ear, draw.uniform(0.1, 0.15)) for _ in range(times)]
        nursery.cancel_scope.cancel()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--load", type=int, default=200)
    options = parser.parse_args()
    found = np.array(trio.run(measure, options.times, options.load))
    print(f"{options.times} stops beside {options.load} playing channels")
    print("  last audible packet, against the moment of stop:", end=" ")
    print(f"mean {found.mean():+.1f} ms, latest {found.max():+.1f} ms (bound +40 ms)")


if __name__ == "__main__":
    main()
