"""A request's cost over HTTP and over WebSocket: `python -m tests.bench.requests`.

The whole of ARI answers `GET channel` for a channel that is up: authentication, gate, operation,
JSON. Over HTTP the requests come by as many kept connections as are in flight; over WebSocket all
come by one socket. One server process, one client, both ways in one run: compare within it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import trio

from stasisd.bindings.rest.door import Door
from stasisd.bindings.rest.responder import AriResponder
from stasisd.bindings.rest.server import serve
from stasisd.bindings.rest.site import HttpSettings
from stasisd.bindings.websocket.opening import open_session
from stasisd.bindings.websocket.session import WebSocketSettings
from stasisd.bindings.websocket.wire import ServedSocket
from tests.bench.http_load import Requests, cpu_seconds, load, report_port
from tests.support.server import SERVER, USER, Server, serving

ORIGINATE = "/ari/channels/c1?endpoint=Local%2Fecho%40conformance&app=bench"
# The mask is of zeros: what it hides is the server's work all the same.
MASK = bytes(4)


async def serve_ari() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder)) as server, trio.open_nursery() as nursery:
            ((_, port),) = await nursery.start(partial(listen, server))
            await server.listen("/ari/events?app=bench")
            assert (await server.request("POST", ORIGINATE)).status == 200
            report_port(port)
            await trio.sleep_forever()


async def listen(server: Server, *, task_status: trio.TaskStatus[list[tuple[str, int]]]) -> None:
    responder = AriResponder(
        server.performer,
        Door(server.authenticator),
        documents=lambda _name, _host: None,
        open_session=lambda hearing, grant: ServedSocket(
            open_session(server.performer, hearing, grant, server.tenures, WebSocketSettings())
        ),
        server=SERVER,
    )
    settings = HttpSettings(listen=(("127.0.0.1", 0),))
    await serve(responder, settings, stop=trio.Event(), task_status=task_status)


@contextmanager
def running() -> Iterator[tuple[int, int]]:
    """Run the server in a process of its own; yields its pid and port."""
    command = [sys.executable, "-m", "tests.bench.requests", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


def frame(message: bytes) -> bytes:
    """A client's text frame, of 126 to 65535 bytes."""
    return b"\x81\xfe" + len(message).to_bytes(2, "big") + MASK + message


async def websocket_load(pid: int, port: int, in_flight: int, seconds: float) -> Requests:
    done = 0

    async def ask_for_ever(stream: trio.SocketStream) -> None:
        """Ask as often as is answered."""
        nonlocal done
        request = frame(
            msgspec.json.encode(
                {
                    "type": "RESTRequest",
                    "transaction_id": "d1eb679c-166f-4278-8b28-0340088a3410",
                    "request_id": "1e409d15-a35e-4946-b270-c460cc45b2c4",
                    "method": "GET",
                    "uri": "channels/c1",
                }
            )
        )
        await stream.send_all(request * in_flight)
        pending = bytearray()
        while True:
            pending += await stream.receive_some(1 << 20)
            answered = 0
            while len(pending) >= 4 and len(pending) >= (
                end := 4 + int.from_bytes(pending[2:4], "big")
            ):
                assert b'"status_code":200' in pending[:end]
                del pending[:end]
                answered += 1
            done += answered
            await stream.send_all(request * answered)

    stream = await open_socket(port)
    async with stream, trio.open_nursery() as nursery:
        nursery.start_soon(ask_for_ever, stream)
        await trio.sleep(0.5)  # warm
        began, cpu, before = time.monotonic(), cpu_seconds(pid), done
        await trio.sleep(seconds)
        took, used, count = time.monotonic() - began, cpu_seconds(pid) - cpu, done - before
        nursery.cancel_scope.cancel()
    return Requests(count / took, used / count * 1e6)


async def open_socket(port: int) -> trio.SocketStream:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(
        b"GET /ari/events?app=other&api_key=conf:conf HTTP/1.1\r\nHost: localhost\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += await stream.receive_some(65536)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    return stream


async def compare(in_flight: int, seconds: float) -> None:
    key = b64encode(USER.encode()).decode()
    request = (
        f"GET /ari/channels/c1 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
        f"Authorization: Basic {key}\r\n\r\n"
    ).encode()
    with running() as (pid, port):
        results = {
            "HTTP": await load(pid, port, in_flight, seconds, request),
            "WebSocket": await websocket_load(pid, port, in_flight, seconds),
        }
    print(f"GET of one channel, {in_flight} in flight, {seconds:g} s each")
    print(f"{'':10} {'req/s':>8} {'CPU us/req':>11}")
    for way, got in results.items():
        print(f"{way:10} {got.per_second:8.0f} {got.cpu_us:11.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        trio.run(serve_ari)
    else:
        trio.run(compare, options.in_flight, options.seconds)


if __name__ == "__main__":
    main()
