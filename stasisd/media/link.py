"""The way to a media process of our own: exec, and a SOCK_SEQPACKET pair for the messages.

One message is one command, or a list of reports. Writing never blocks: what the kernel does not
take waits here, up to a bound; past it, or without an answer for too long, the process is killed.
"""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import trio

from .commands import AskStatistics, Command, encode
from .reports import Report, decode_reports
from .session import Link, LinkBroken

log = structlog.get_logger(__name__)

LARGEST = 1 << 20  # bytes of one message
BACKLOG = 20_000  # commands that wait for a process that does not read
START_S = 20.0
PING_S = 1.0
SILENT_PINGS = 3  # unanswered ones until the process is taken for hung
BUFFER = 1 << 20


class ProcessLink:
    """Messages to and from one process."""

    def __init__(self, sock: socket.socket, process: trio.Process) -> None:
        self._sock = sock
        self._process = process
        self._backlog: deque[tuple[bytes, int | None]] = deque()
        self._backed_up = trio.Event()
        self._unanswered = 0
        self._verdict: str | None = None

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, command: Command, descriptor: int | None = None) -> None:
        """Pass a command without blocking, and a descriptor, which is closed here then.

        Raises LinkBroken.
        """
        self._backlog.append((encode(command), descriptor))
        if len(self._backlog) > BACKLOG:
            self._kill("it reads no commands")
            raise LinkBroken("it reads no commands")
        self._write()
        if self._backlog:
            self._backed_up.set()

    def _write(self) -> None:
        while self._backlog:
            message, descriptor = self._backlog[0]
            try:
                if descriptor is None:
                    self._sock.send(message)
                else:
                    socket.send_fds(self._sock, [message], [descriptor])
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    raise LinkBroken(str(error)) from error
                # One command that nobody should have made must not cost all calls.
                log.error("command too large for the media process", size=len(message))
            self._backlog.popleft()
            _close(descriptor)

    async def receive(self) -> list[Report]:
        """Wait for reports; raises LinkBroken with what became of the process."""
        while True:
            try:
                data = self._sock.recv(LARGEST)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._sock)
                continue
            except OSError:
                data = b""
            if not data:
                raise LinkBroken(await self._post_mortem())
            self._unanswered = 0
            return list(decode_reports(data))

    async def _post_mortem(self) -> str:
        self._kill("it closed its end")
        code = await self._process.wait()
        if code < 0 and self._verdict in {None, "it closed its end"}:
            return f"killed by {signal.Signals(-code).name}"
        return self._verdict or f"exit code {code}"

    def _kill(self, verdict: str) -> None:
        if self._verdict is None and self._process.returncode is None:
            self._verdict = verdict
            self._process.kill()

    async def greet(self) -> None:
        """Wait for the process to be ready; raises LinkBroken."""
        self.send(AskStatistics(0))
        with trio.move_on_after(START_S):
            await self.receive()
            return
        raise LinkBroken(f"it did not answer within {START_S:.0f} s of its start")

    async def flush(self) -> None:
        """Write what had to wait, as soon as the process reads again."""
        while True:
            await self._backed_up.wait()
            self._backed_up = trio.Event()
            while self._backlog:
                await trio.lowlevel.wait_writable(self._sock)
                try:
                    self._write()
                except LinkBroken:
                    return  # `receive` tells

    async def watch(self) -> None:
        """Kill the process when it has not answered for too long."""
        while self._unanswered < SILENT_PINGS:
            await trio.sleep(PING_S)
            self._unanswered += 1
            try:
                self.send(AskStatistics(0))
            except LinkBroken:
                return
        self._kill(f"it did not answer for {SILENT_PINGS * PING_S:.0f} s")

    async def close(self) -> None:
        """Ask the process to end by closing our end; kill it where it takes too long."""
        self._sock.close()
        for _, descriptor in self._backlog:
            _close(descriptor)
        self._backlog.clear()
        with trio.CancelScope(shield=True), trio.move_on_after(2):
            await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
        with trio.CancelScope(shield=True):
            await self._process.wait()


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


@asynccontextmanager
async def start_worker() -> AsyncIterator[Link]:
    """Start a media process and be the way to it; raises LinkBroken when that can't be done."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    command = [sys.executable, "-m", "stasisd.media.worker", str(theirs.fileno())]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # its threads only get in the way
    try:
        with theirs:
            process = await trio.lowlevel.open_process(
                command, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),), env=environment
            )
    except OSError as error:
        ours.close()
        raise LinkBroken(f"could not be started: {error}") from error
    link = ProcessLink(ours, process)
    try:
        await link.greet()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.flush)
            nursery.start_soon(link.watch)
            yield link
            nursery.cancel_scope.cancel()
    finally:
        await link.close()
