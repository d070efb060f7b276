"""HTTP and WebSocket under load: `python -m tests.bench.http_load`.

Requests: our server on its hot path and off it, beside a stock quart-trio route, each in a process
of its own with the same 370 bytes of JSON, asked by one client process over kept connections; and
the whole daemon, which authenticates, asks the gate and encodes a real channel. What counts is the
ratio within one run. Events: from publish, in the server, to the client's reading of
the frame, with 1, 10 and 100 WebSockets; both processes read the same monotonic clock.
"""

from __future__ import annotations

import argparse
import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import hypercorn.trio
import msgspec
import trio
from hypercorn.config import Config
from quart_trio import QuartTrio

from stasisd.bindings.rest.answers import JSON
from stasisd.bindings.rest.exchange import HttpRequest, HttpResponse, WebSocketSession
from stasisd.bindings.rest.server import serve
from stasisd.bindings.rest.site import HttpSettings
from stasisd.bindings.websocket.session import Ended, EventSession, WebSocketSettings
from stasisd.bindings.websocket.wire import ServedSocket
from tests.support.program import COMMAND, PASSWORD, USER, configuration, environment

CHANNEL = {
    "id": "1795470049.8",
    "name": "Local/echo@conformance-00000004;2",
    "state": "Up",
    "protocol_id": "",
    "caller": {"name": "", "number": ""},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {"context": "conformance", "exten": "echo", "priority": 2, "app_name": "Echo"},
    "creationtime": "2026-11-23T21:40:49.153+0000",
    "language": "en",
    "channelvars": {"CONFVAR": ""},
}
AUTHORIZATION = base64.b64encode(f"{USER}:{PASSWORD}".encode())
REQUEST = (
    b"GET /ari/channels/1795470049.8 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
    b"Authorization: Basic %s\r\n\r\n" % AUTHORIZATION
)
HANDSHAKE = (
    b"GET /ari/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
# An event as large as a StasisStart; the time of its publication takes the first bytes.
EVENT_SIZE = 900
EVENTS_PER_SECOND = 100
FRAME_SIZE = EVENT_SIZE + 4
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


# --- servers, each in a process of its own


class FedStream:
    """An `EventStream` that drains what the feeder appends."""

    def __init__(self) -> None:
        self.backlog: list[bytes] = []
        self.ready = trio.Event()

    async def receive(self) -> Sequence[bytes] | Ended:
        await self.ready.wait()
        self.ready = trio.Event()
        backlog, self.backlog = self.backlog, []
        return backlog

    async def answer(self, message: str | bytes) -> bytes:
        raise AssertionError(f"nobody asks here: {message!r}")

    def close(self) -> None:
        self.ready.set()


class BenchResponder:
    def __init__(self) -> None:
        self.streams: list[FedStream] = []

    async def respond(self, request: HttpRequest) -> HttpResponse:
        assert request.path[:2] == ("ari", "channels")
        return HttpResponse(200, (JSON,), msgspec.json.encode(CHANNEL))

    async def open_events(self, request: HttpRequest) -> HttpResponse | WebSocketSession:
        stream = FedStream()
        self.streams.append(stream)
        return ServedSocket(EventSession(stream, stream.answer, WebSocketSettings()))

    async def publish_for_ever(self) -> None:
        """Publish at a steady pace to all who listen: this is the bench's own clock."""
        due = trio.current_time()
        while True:
            due += 1 / EVENTS_PER_SECOND
            await trio.sleep_until(due)
            event = b"%020d" % time.monotonic_ns() + b"x" * (EVENT_SIZE - 20)
            for stream in self.streams:
                stream.backlog.append(event)
                stream.ready.set()


async def serve_ours(lean: bool) -> None:
    responder = BenchResponder()
    settings = HttpSettings(listen=(("127.0.0.1", 0),), lean=lean)
    async with trio.open_nursery() as nursery:

        async def run(task_status: trio.TaskStatus[list[tuple[str, int]]]) -> None:
            await serve(responder, settings, stop=trio.Event(), task_status=task_status)

        ((_, port),) = await nursery.start(run)
        nursery.start_soon(responder.publish_for_ever)
        report_port(port)


async def serve_quart() -> None:
    app = QuartTrio("stock")

    @app.get("/ari/channels/<channel_id>")
    async def channel(channel_id: str) -> tuple[bytes, dict[str, str]]:
        return msgspec.json.encode(CHANNEL), {"Content-Type": "application/json"}

    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    config.keep_alive_max_requests = 2**62
    async with trio.open_nursery() as nursery:

        async def run(task_status: trio.TaskStatus[list[str]]) -> None:
            await hypercorn.trio.serve(app, config, task_status=task_status)

        (bound,) = await nursery.start(run)
        report_port(int(bound.rpartition(":")[2]))


def report_port(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


SERVERS: dict[str, Callable[[], Awaitable[None]]] = {
    "stock quart-trio": serve_quart,
    "ours, hot path off": lambda: serve_ours(lean=False),
    "ours": lambda: serve_ours(lean=True),
}


@contextmanager
def running(server: str) -> Iterator[tuple[int, int]]:
    """Run a server in a process of its own; yields its pid and port."""
    command = [sys.executable, "-m", "tests.bench.http_load", "--serve", server]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def running_daemon() -> Iterator[tuple[int, int]]:
    """Run the daemon with a channel to ask for; yields its pid and port."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "stasisd.toml"
        file.write_text(configuration())
        with subprocess.Popen(
            [*COMMAND, str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(folder),
        ) as process:
            assert process.stderr is not None
            try:
                up = msgspec.json.decode(process.stderr.readline())
                url = f"http://{up['http'][0]}/ari/channels/{CHANNEL['id']}"
                call = {"endpoint": "Local/600", "extension": "600"}
                httpx.post(url, params=call, auth=(USER, PASSWORD)).raise_for_status()
                yield process.pid, int(url.split(":")[2].partition("/")[0])
            finally:
                process.terminate()


# --- the client


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - not a file to have a path of
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


class Requests(msgspec.Struct):
    per_second: float
    cpu_us: float


async def load(
    pid: int, port: int, connections: int, seconds: float, request: bytes = REQUEST
) -> Requests:
    done = 0

    async def ask_for_ever(stream: trio.SocketStream, size: int) -> None:
        nonlocal done
        while True:
            await stream.send_all(request)
            got = 0
            while got < size:
                got += len(await stream.receive_some(65536))
            done += 1

    streams = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(connections)]
    sizes = [await response_size(stream, request) for stream in streams]
    async with trio.open_nursery() as nursery:
        for stream, size in zip(streams, sizes, strict=True):
            nursery.start_soon(ask_for_ever, stream, size)
        await trio.sleep(0.5)  # warm
        began, cpu, before = time.monotonic(), cpu_seconds(pid), done
        await trio.sleep(seconds)
        took, used, count = time.monotonic() - began, cpu_seconds(pid) - cpu, done - before
        nursery.cancel_scope.cancel()
    return Requests(count / took, used / count * 1e6)


async def response_size(stream: trio.SocketStream, request: bytes) -> int:
    """Ask once, and return how long a response is: all are alike."""
    await stream.send_all(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive_some(65536)
    assert data.startswith(b"HTTP/1.1 200 "), data
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
    while len(body) < length:
        body += await stream.receive_some(65536)
    return len(head) + 4 + length


async def open_socket(port: int) -> tuple[trio.SocketStream, bytearray]:
    """Open a WebSocket; returns what came behind the handshake, too."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(HANDSHAKE)
    data = bytearray()
    while b"\r\n\r\n" not in data:
        data += await stream.receive_some(65536)
    return stream, data[data.index(b"\r\n\r\n") + 4 :]


async def latencies(pid: int, port: int, sockets: int, seconds: float) -> tuple[list[float], float]:
    """Return the microseconds from publish to client of each event on each socket, and the CPU."""
    found: list[float] = []

    async def listen(stream: trio.SocketStream, pending: bytearray) -> None:
        while True:
            pending += await stream.receive_some(65536)
            now = time.monotonic_ns()
            while len(pending) >= FRAME_SIZE:
                found.append((now - int(pending[4:24])) / 1000)
                del pending[:FRAME_SIZE]

    opened = [await open_socket(port) for _ in range(sockets)]
    async with trio.open_nursery() as nursery:
        for stream, pending in opened:
            nursery.start_soon(listen, stream, pending)
        await trio.sleep(0.5)  # what waited while the others connected
        found.clear()
        cpu = cpu_seconds(pid)
        await trio.sleep(seconds)
        used = cpu_seconds(pid) - cpu
        nursery.cancel_scope.cancel()
    return sorted(found), used / len(found) * 1e6


async def compare(connections: int, seconds: float) -> None:
    results = {}
    for server in SERVERS:
        with running(server) as (pid, port):
            results[server] = await load(pid, port, connections, seconds)
    with running_daemon() as (pid, port):
        await load(pid, port, connections, seconds)  # a daemon that has just started is slow
        results["the whole daemon"] = await load(pid, port, connections, seconds)
    base = results["stock quart-trio"]
    print(f"GET of one channel, {connections} connections, {seconds:g} s each")
    print(f"{'':20} {'req/s':>8} {'CPU us/req':>11} {'req/s ratio':>12} {'CPU ratio':>10}")
    for server, got in results.items():
        print(
            f"{server:20} {got.per_second:8.0f} {got.cpu_us:11.0f}"
            f" {got.per_second / base.per_second:12.2f} {base.cpu_us / got.cpu_us:10.2f}"
        )


async def fan_out(seconds: float) -> None:
    print(f"\nevent of {EVENT_SIZE} bytes, {EVENTS_PER_SECOND} a second, publish to client, us")
    print(f"{'sockets':>8} {'received':>9} {'p50':>7} {'p99':>7} {'max':>7} {'CPU us each':>12}")
    for sockets in (1, 10, 100):
        with running("ours") as (pid, port):
            found, cost = await latencies(pid, port, sockets, seconds)
        p50, p99 = found[len(found) // 2], found[len(found) * 99 // 100]
        print(f"{sockets:8} {len(found):9} {p50:7.0f} {p99:7.0f} {found[-1]:7.0f} {cost:12.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        trio.run(SERVERS[options.serve])
        return
    trio.run(compare, options.connections, options.seconds)
    trio.run(fan_out, options.seconds)


if __name__ == "__main__":
    main()
