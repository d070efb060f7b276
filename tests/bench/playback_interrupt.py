"""How long a caller still hears a playback after the reply to DELETE, measured on the wire.

`python -m tests.bench.playback_interrupt --times 100 --load 200 --clients 4`: a phone calls the
daemon, which is a process of its own; over HTTP a tone without end is played to it and stopped,
over and over. The kernel's times of the reply and of the last RTP packet with sound are compared.
Beside it LOAD other calls are played to, and CLIENTS ask for channels as fast as they can.
"""

import argparse
import base64
import json
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import trio

from tests.support.listening import Listener
from tests.support.phone import HOST, Phone, phone
from tests.support.program import PASSWORD, USER, Program, configuration, running

from .media_interrupt import SO_TIMESTAMPNS, Ear, kernel_time

TONE = "tone:440/1000"  # repeated for ever
DIALPLAN = f"""
[default]
exten => measured,1,Stasis(bench)
exten => load,1,Answer()
 same => n,Playback({TONE})
"""
AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
BOUND_MS = 40
TOGETHER = 20  # calls of the load that are set up at a time
PORTS, QUICK = "30000-39999", "[shutdown]\ndrain_seconds = 0.5\n"


class Stop(msgspec.Struct, frozen=True):
    """One stop, in ms: the last packet with sound against the reply, and the request's time."""

    heard_ms: float
    request_ms: float


class Connection:
    """A connection to HTTP that knows when each reply came."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)

    async def ask(self, method: str, path: str) -> tuple[int, Any, float]:
        """The status, the JSON, and the Unix time at which the kernel had the reply."""
        request = (
            f"{method} /ari{path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n"
            f"Authorization: {AUTHORIZATION}\r\n\r\n"
        )
        self._socket.sendall(request.encode())
        await trio.lowlevel.wait_readable(self._socket)
        # All that is asked for here is short, and sent in one piece.
        data, control, _, _ = self._socket.recvmsg(65536, 64)
        head, _, body = data.decode().partition("\r\n\r\n")
        return int(head.split()[1]), json.loads(body) if body else None, kernel_time(control)

    def close(self) -> None:
        self._socket.close()


async def one(http: Connection, events: Listener, channel: str, ear: Ear, seconds: float) -> Stop:
    """Play for a while, and stop."""
    status, playback, _ = await http.ask("POST", f"/channels/{channel}/play?media={TONE}")
    assert status == 201, playback
    await events.until("PlaybackStarted", playback=playback["id"])
    await trio.sleep(seconds)
    asked = time.time()
    status, _, replied = await http.ask("DELETE", f"/playbacks/{playback['id']}")
    assert status == 204
    await events.until("PlaybackFinished", playback=playback["id"])
    await trio.sleep(0.1)
    last = ear.last_audible()
    assert last is not None
    return Stop((last - replied) * 1000, (replied - asked) * 1000)


async def fill(caller: Phone, calls: int) -> None:
    """Set up the calls of the load."""
    for _ in range(0, calls, TOGETHER):
        some = [caller.call("load") for _ in range(TOGETHER)]
        for call in some:
            await call.settled.wait()
            assert call.answered.is_set(), call.end


async def ask_for_ever(address: tuple[str, int], channel: str) -> None:
    """One of the clients beside."""
    http = Connection(address)
    try:
        while True:
            status, _, _ = await http.ask("GET", f"/channels/{channel}")
            assert status == 200
    finally:
        http.close()


@asynccontextmanager
async def measured_call(
    daemon: Program, ear: Ear, load: int
) -> AsyncIterator[tuple[Listener, str]]:
    """The application's events, and the id of the channel of the phone that listens."""
    _, sip = await daemon.addresses()
    with socket.socket(type=socket.SOCK_DGRAM) as drain:
        drain.bind((HOST, 0))
        async with AsyncExitStack() as stack:
            events = await stack.enter_async_context(daemon.listen("bench"))
            await fill(
                await stack.enter_async_context(phone(sip, "101", drain.getsockname())), load
            )
            (await stack.enter_async_context(phone(sip, "100", ear.address))).call("measured")
            yield events, (await events.until("StasisStart"))["channel"]["id"]


async def measure(times: int, load: int, clients: int) -> list[Stop]:
    draw, ear = np.random.default_rng(5), Ear()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running(Path(folder), configuration(rtp_ports=PORTS, more=QUICK), DIALPLAN) as daemon,
            measured_call(daemon, ear, load) as (events, channel),
            trio.open_nursery() as nursery,
        ):
            address, _ = await daemon.addresses()
            http = Connection(address)
            assert (await http.ask("POST", f"/channels/{channel}/answer"))[0] == 204
            for _ in range(clients):
                nursery.start_soon(ask_for_ever, address, channel)
            found = [
                await one(http, events, channel, ear, draw.uniform(0.2, 0.25)) for _ in range(times)
            ]
            http.close()
            nursery.cancel_scope.cancel()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--clients", type=int, default=0)
    options = parser.parse_args()
    found = trio.run(measure, options.times, options.load, options.clients)
    heard = np.array([stop.heard_ms for stop in found])
    request = np.array([stop.request_ms for stop in found])
    print(f"{options.times} stops beside {options.load} calls and {options.clients} HTTP clients")
    print("  last audible packet, against the reply:", end=" ")
    print(f"mean {heard.mean():+.1f} ms, latest {heard.max():+.1f} ms (bound +{BOUND_MS} ms)")
    print(f"  reply to DELETE: mean {request.mean():.1f} ms, slowest {request.max():.1f} ms")


if __name__ == "__main__":
    main()
