"""Requests, calls and deaf listeners at random, and what is left: `python -m tests.bench.soak`.

A daemon of its own process serves REQUESTS, some of them wrong, and CALLS between Local channels,
which play, record, are paused, and end in the middle of anything. Meanwhile WebSockets that hear
everything stop reading. Shown are memory, descriptors and threads of both processes before and
after each of some rounds: what grows from each round to the next is a leak.
"""

import argparse
import random
import socket
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

from tests.bench.figures import figures
from tests.support.program import PASSWORD, USER, Program, configuration, running

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


# --- the daemon


async def measure(requests: int, calls: int, deaf: int, rounds: int) -> None:
    """Start a daemon, soak it round by round, and print its figures each time."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), configuration(), DIALPLAN) as daemon:
            await _measure(daemon, _shares(requests, rounds), _shares(calls, rounds), deaf)
            print("exit code", await daemon.end())


async def _measure(daemon: Program, requests: list[range], calls: list[range], deaf: int) -> None:
    (host, port), _ = await daemon.addresses()

    def show(when: str) -> None:
        for name, pid in ("daemon", daemon.pid), ("media", daemon.worker()):
            print(f"{when:5} {name:6} {figures(pid)}", flush=True)

    show("idle")
    for number, (some, others) in enumerate(zip(requests, calls, strict=True), 1):
        soak = Soak(host, port, seed=number)
        ears = soak.deafen(deaf)
        await soak.run(len(some), len(others))
        for ear in ears:
            ear.close()
        await trio.sleep(3)
        show(f"{number}")
        print(f"      {len(soak.wrong)} wrong answers", *soak.wrong[:5], sep="\n    ")
    errors = [entry for entry in daemon.log if entry["level"] in ("error", "critical", "none")]
    print(f"{len(errors)} errors in the log", *errors[:5], sep="\n    ")


def main() -> None:
    """Read the numbers from the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--deaf", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    trio.run(measure, given.requests, given.calls, given.deaf, given.rounds)


if __name__ == "__main__":
    main()
