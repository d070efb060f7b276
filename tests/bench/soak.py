"""Requests, calls and deaf listeners at random, and what is left: `python -m tests.bench.soak`.

A daemon of its own process serves 20 000 requests, some of them wrong, and 2000 calls between Local
channels, which play, record, are paused, and end in the middle of anything. Meanwhile WebSockets
that hear everything stop reading. Shown are memory, descriptors and threads of both processes
before, in the middle and after: what grows from the middle to the end is a leak.
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
import trio
import trio_websocket

USER, PASSWORD = "soak", "soak:with/colon"
CONFIGURATION = f"""
[http]
bind = ["127.0.0.1:0"]
[sip]
bind = "127.0.0.1:0"
[media]
bind = "127.0.0.1"
[log]
level = "info"
format = "json"
[tenants.default.users.{USER}]
password = "{PASSWORD}"
"""
DIALPLAN = """
[default]
exten => talk,1,Answer()
 same => n,Playback(hello-world)
 same => n,Echo()
exten => h,1,NoOp(over)
"""
APP = "soak"
TOGETHER = 40
PATIENCE = 60  # seconds for what takes milliseconds
MEDIA = ("sound:hello-world", "tone:ring", "number:1234", "digits:42", "sound:none", "recording:x")
CONTROLS = ("pause", "unpause", "forward", "reverse", "restart", "wrong")
# What is asked for beside the calls, and the statuses that may answer it.
REQUESTS: tuple[tuple[str, str, set[int]], ...] = (
    ("GET", "/channels", {200}),
    ("GET", "/asterisk/info", {200}),
    ("GET", "/applications", {200}),
    ("GET", "/recordings/stored", {200}),
    ("GET", "/endpoints/PJSIP/100", {200}),
    ("GET", "/sounds/hello-world", {200}),
    ("GET", "/api-docs/channels.json", {200}),
    ("GET", "/channels/none", {404}),
    ("DELETE", "/playbacks/none", {404}),
    ("POST", "/channels?endpoint=Local/none&app=x", {500}),
    ("POST", "/channels?endpoint=Nothing/1&app=x&timeout=x", {400}),
    ("POST", "/events/user/tick?application=soak", {204}),
    ("OPTIONS", "/channels", {204}),
    ("PUT", "/channels", {405}),
)


class Soak:
    """The clients of one daemon."""

    def __init__(self, host: str, port: int, seed: int) -> None:
        self.address = (host, port)
        self.random = random.Random(seed)
        self.client: httpx.AsyncClient
        self.wrong: list[str] = []
        self._waiting: dict[tuple[str, str], trio.Event] = {}

    async def ask(self, method: str, path: str, allowed: set[int] | None = None) -> httpx.Response:
        """Ask once; an answer that should not be is noted."""
        answer = await self.client.request(method, path)
        if answer.status_code not in (allowed or {200, 201, 204, 404, 409, 412}):
            self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer

    async def run(self, requests: int, calls: int) -> None:
        """Do so many requests and calls, at most ``TOGETHER`` calls at a time."""
        async with self.opened(), trio.open_nursery() as nursery:
            for share in _shares(requests, 4):
                nursery.start_soon(self._request, share)
            for share in _shares(calls, TOGETHER):
                nursery.start_soon(self._call, share)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, and listen to the application."""
        host, port = self.address
        limits = httpx.Limits(max_connections=64)
        self.client = httpx.AsyncClient(
            base_url=f"http://{host}:{port}/ari",
            auth=(USER, PASSWORD),
            timeout=PATIENCE,
            limits=limits,
        )
        async with (
            self.client,
            trio_websocket.open_websocket_url(self._events(APP)) as socket_,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(self._listen, socket_)
            yield
            nursery.cancel_scope.cancel()

    def _events(self, app: str) -> str:
        host, port = self.address
        return f"ws://{host}:{port}/ari/events?app={app}&api_key={quote(f'{USER}:{PASSWORD}')}"

    async def _listen(self, events: trio_websocket.WebSocketConnection) -> None:
        while True:
            event = msgspec.json.decode(await events.get_message())
            key = event["type"], event.get("channel", {}).get("id", "")
            happened = self._waiting.pop(key, None)
            if happened is not None:
                happened.set()

    def _expect(self, event: str, channel_id: str) -> trio.Event:
        return self._waiting.setdefault((event, channel_id), trio.Event())

    async def _request(self, numbers: range) -> None:
        for _ in numbers:
            await self.ask(*self.random.choice(REQUESTS))

    async def _call(self, numbers: range) -> None:
        for number in numbers:
            channel = f"soak-{number}"
            over = [self._expect("ChannelDestroyed", channel + end) for end in ("", ";2")]
            begun = self._expect("StasisStart", channel)
            await self.ask("POST", f"/channels/{channel}?endpoint=Local/talk&app={APP}")
            with trio.fail_after(PATIENCE):
                await begun.wait()
                for act in self.random.choices(self._acts(number), k=self.random.randrange(6)):
                    await act()
                await self.ask("DELETE", f"/channels/{channel}{self.random.choice(('', ';2'))}")
                for event in over:
                    await event.wait()

    def _acts(self, number: int) -> tuple[Callable[[], Awaitable[object]], ...]:
        channel, pick = f"/channels/soak-{number}", self.random.choice
        playback = f"/playbacks/soak-{number}"
        name = f"soak-{number % 20}"
        bad = {200, 201, 204, 400, 404, 409, 412}
        return (
            partial(self.ask, "POST", f"{channel}/play/soak-{number}?media={pick(MEDIA)}"),
            partial(self.ask, "POST", f"{channel}/play?media={pick(MEDIA)},{pick(MEDIA)}"),
            partial(self.ask, "POST", f"{playback}/control?operation={pick(CONTROLS)}", bad),
            partial(self.ask, "DELETE", playback),
            partial(
                self.ask, "POST", f"{channel}/record?name={name}&format=wav&ifExists=overwrite"
            ),
            partial(self.ask, "POST", f"/recordings/live/{name}/stop"),
            partial(self.ask, "DELETE", f"/recordings/live/{name}"),
            partial(self.ask, "POST", f"{channel}/variable?variable=X&value={number}"),
            partial(self.ask, "POST", f"{channel}/dtmf?dtmf=123"),
            partial(self.ask, "POST", f"{channel}/continue"),
            partial(trio.sleep, self.random.random() / 10),
        )

    def deafen(self, count: int) -> list[socket.socket]:
        """Open WebSockets that hear everything, and never read."""
        return [self._deaf(number) for number in range(count)]

    def _deaf(self, number: int) -> socket.socket:
        path = self._events(f"deaf-{number}").partition("/ari")[2]
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(self.address)
        deaf.sendall(
            f"GET /ari{path}&subscribeAll=true HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return deaf


def _shares(total: int, parts: int) -> list[range]:
    return [range(part, total, parts) for part in range(parts)]


# --- the figures of a process


class Figures(msgspec.Struct, frozen=True):
    """What a process holds: memory in KiB, open descriptors, threads."""

    memory: int
    descriptors: int
    threads: int

    def __str__(self) -> str:
        return f"{self.memory / 1024:6.1f} MB {self.descriptors:4} fds {self.threads:2} threads"


def figures(pid: int) -> Figures:
    """Read them from /proc."""
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return Figures(
        memory=int(status["VmRSS"].split()[0]),
        descriptors=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        threads=int(status["Threads"]),
    )


def child_of(pid: int) -> int:
    """The media process of a daemon, which a thread of it started."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    (child,) = [int(text) for thread in threads for text in thread.read_text().split()]
    return child


async def measure(requests: int, calls: int, deaf: int) -> None:
    """Start a daemon, soak it twice, and print its figures each time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "stasisd.toml")
        await trio.Path(file).write_text(CONFIGURATION)
        await trio.Path(folder, "extensions.conf").write_text(DIALPLAN)
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "stasisd", "serve", "--config", str(file)],
            env={**os.environ, "STATE_DIRECTORY": str(Path(folder, "state"))},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            await _measure(process, requests, calls, deaf)
        finally:
            process.terminate()
            print("exit code", await process.wait())


async def _measure(process: trio.Process, requests: int, calls: int, deaf: int) -> None:
    assert process.stderr is not None
    lines = process.stderr
    host, _, port = msgspec.json.decode(await lines.receive_some())["http"][0].rpartition(":")
    daemon, media = process.pid, child_of(process.pid)

    def show(when: str) -> None:
        print(f"{when:9} daemon {figures(daemon)}   media {figures(media)}", flush=True)

    complaints = 0

    async def count_complaints() -> None:
        nonlocal complaints
        async for data in lines:
            complaints += data.count(b'"level": "error"')

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_complaints)
        show("idle")
        for when in ("half", "whole"):
            soak = Soak(host, int(port), seed=len(when))
            ears = soak.deafen(deaf)
            await soak.run(requests // 2, calls // 2)
            for ear in ears:
                ear.close()
            await trio.sleep(3)
            show(when)
            print(f"          {len(soak.wrong)} wrong answers", *soak.wrong[:5], sep="\n    ")
        print(f"          {complaints} errors in the log")
        nursery.cancel_scope.cancel()


def main() -> None:
    """Read the numbers from the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--deaf", type=int, default=5)
    given = parser.parse_args()
    trio.run(measure, given.requests, given.calls, given.deaf)


if __name__ == "__main__":
    main()
