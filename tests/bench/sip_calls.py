"""What a SIP call costs: how many a second, the CPU of one, and the memory of one that is idle.

`python -m tests.bench.sip_calls --calls 2000 --concurrent 50 --idle 500`: a caller in a process of
its own makes calls over loopback, each answered by the dialplan and hung up at once; then it holds
IDLE calls. The CPU and memory are those of this process, which has SIP, core and dialplan, and of
the media process. `--bare` leaves only the user agent, which answers each call itself: what is
left is SIP's share.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import trio

from stasisd.media.control import Media, MediaSettings
from stasisd.sip.events import CallAnswered, CallEnded, CallId, CallReceived, CallRejected
from stasisd.sip.flow import Address, Flow
from stasisd.sip.uri import NameAddr, SipUri
from stasisd.store.contacts import Contacts
from stasisd.store.database import Database
from stasisd.technologies.sip import Sip, SipAccount, SipSettings
from stasisd.technologies.sip.line import Line
from tests.support.tenant import make_tenant
from tests.technologies.sip.phones import Anyone, sdp
from tests.technologies.sip.world import InlineDatabase

HOST = "127.0.0.1"
DIALPLAN = "[phones]\nexten => 600,1,Answer()\n same => n,Wait(3600)\n"
LISTENING = SipSettings(host=HOST, port=0, tcp=False)
HELD, RELEASE = b"held\n", b"release\n"


# --- the caller's process


class Caller:
    """Makes calls, one after another or all at once."""

    def __init__(self, server: Address) -> None:
        self.line = Line(LISTENING)
        self._server = server
        self._target = SipUri(HOST, "600", server[1])
        self.refused = 0

    def _call(self) -> None:
        local = self.line.transports[0].local
        self.line.agent.invite(
            self._target,
            NameAddr(self._target),
            NameAddr(SipUri(HOST, "open")),
            Flow("udp", local, self._server),
            sdp(host=HOST, port=9),
            self.line.now(),
        )

    async def churn(self, calls: int, concurrent: int) -> None:
        """Keep so many calls going, each hung up when it is answered, until all are made."""
        for _ in range(concurrent):
            self._call()
        start = time.monotonic()
        begun, ended = concurrent, 0
        while ended < calls:
            self.line.flush()
            for event in await self.line.receive():
                if isinstance(event, CallAnswered):
                    self.line.agent.hangup(event.call, 16, self.line.now())
                elif isinstance(event, CallEnded | CallRejected):
                    self.refused += isinstance(event, CallRejected)
                    ended += 1
                    if begun < calls:
                        self._call()
                        begun += 1
        print(time.monotonic() - start)

    async def hold(self, calls: int) -> None:
        """Have so many calls, until told to release them."""
        answered: list[CallId] = []
        for _ in range(calls):
            self._call()
        while len(answered) < calls:
            self.line.flush()
            answered += [e.call for e in await self.line.receive() if isinstance(e, CallAnswered)]
        self.line.flush()
        sys.stdout.buffer.write(HELD)
        sys.stdout.buffer.flush()
        await trio.to_thread.run_sync(sys.stdin.buffer.readline)
        for call in answered:
            self.line.agent.hangup(call, 16, self.line.now())
        self.line.flush()
        with trio.move_on_after(2):
            while self.line.agent.statistics()["calls"]:
                await self.line.receive()


async def call(given: argparse.Namespace) -> None:
    caller = Caller((HOST, given.port))
    async with trio.open_nursery() as nursery:
        await caller.line.open(Anyone(), nursery)
        if given.hold:
            await caller.hold(given.hold)
        else:
            await caller.churn(given.calls, given.concurrent)
        nursery.cancel_scope.cancel()
    if caller.refused:
        raise SystemExit(f"{caller.refused} calls were refused")


# --- the server's process


@asynccontextmanager
async def whole() -> AsyncIterator[tuple[Address, Callable[[], int]]]:
    """SIP in front of a tenant, with its media process; the address, and how many calls it has."""
    media = Media(MediaSettings(bind=HOST, port_range=(30000, 39998)))
    with tempfile.TemporaryDirectory() as folder:
        tenant = make_tenant(media, Path(folder), DIALPLAN)
        account = SipAccount(
            tenant="default", name="open", password=None, context="phones", caller_number="1"
        )
        contacts = Contacts(cast(Database, InlineDatabase()))
        sip = Sip(LISTENING, contacts)
        sip.add(tenant, [account])
        async with trio.open_nursery() as nursery:
            for service in (media.run, tenant.run, sip.run):
                await nursery.start(service)
            yield sip.addresses[0], lambda: len(tenant.channels)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def bare() -> AsyncIterator[tuple[Address, Callable[[], int]]]:
    """A user agent that answers."""
    line = Line(LISTENING)

    async def answer() -> None:
        while True:
            for event in await line.receive():
                if isinstance(event, CallReceived):
                    line.agent.answer(event.call, sdp(host=HOST), line.now())

    async with trio.open_nursery() as nursery:
        await line.open(Anyone(), nursery)
        nursery.start_soon(answer)
        yield line.transports[0].local, lambda: line.agent.statistics()["calls"]
        nursery.cancel_scope.cancel()


def command(port: int, *options: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.sip_calls", "--port", str(port), *options]


def cpu_seconds() -> float:
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


def resident_kib() -> int:
    """Of this process and those that it has started, in KiB."""
    children = Path("/proc/self/task").glob("*/children")
    pids = {"self", *(pid for path in children for pid in path.read_text().split())}
    return sum(_resident(pid) for pid in pids if not _is_caller(pid))


def _is_caller(pid: str) -> bool:
    return pid != "self" and b"--port" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _resident(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(li.split()[1]) for li in status.splitlines() if li.startswith("VmRSS"))


async def churn(port: int, calls: int, concurrent: int) -> tuple[float, float]:
    """Calls a second, and CPU seconds of this process for one."""
    cpu = cpu_seconds()
    options = ("--calls", str(calls), "--concurrent", str(concurrent))
    done = await trio.run_process(command(port, *options), capture_stdout=True)
    return calls / float(done.stdout), (cpu_seconds() - cpu) / calls


async def idle(port: int, calls: int, count: Callable[[], int]) -> float:
    """KiB that one idle call takes."""
    before = resident_kib()
    process = await trio.lowlevel.open_process(
        command(port, "--hold", str(calls)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.receive_some() == HELD
    await trio.sleep(1)
    assert count() == calls
    taken = resident_kib() - before
    await process.stdin.send_all(RELEASE)
    await process.wait()
    return taken / calls


async def measure(given: argparse.Namespace) -> None:
    async with bare() if given.bare else whole() as (address, count):
        port = address[1]
        await churn(port, 200, 10)  # to warm up
        rate, cpu = await churn(port, given.calls, given.concurrent)
        print(f"{rate:.0f} calls a second, {cpu * 1e6:.0f} us of CPU for one")
        print(f"{await idle(port, given.idle, count):.1f} KiB for an idle call")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--concurrent", type=int, default=50)
    parser.add_argument("--idle", type=int, default=500)
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--port", type=int, help="call this port: the caller's process")
    parser.add_argument("--hold", type=int, default=0)
    given = parser.parse_args()
    trio.run(measure if given.port is None else call, given)


if __name__ == "__main__":
    main()
