"""The media process: `python -m stasisd.media.worker FD`, with one end of the link as FD.

One epoll waits for commands and for the next deadline. The process ends when control's end of the
link is closed, whatever signals come: recordings are finished first.
"""

import gc
import os
import resource
import secrets
import select
import signal
import socket
import sys
import time
from collections import deque

from .disk import ThreadDisk
from .engine import Engine
from .reports import Report, encode
from .sockets import StreamSocket, UdpTransport
from .timer import Timer

LARGEST = 1 << 20
AT_ONCE = 20  # commands between two looks at the clock
TOGETHER = 200  # reports in one message
BACKLOG = 100_000  # reports for a control that reads none, until we give up
FINISH_S = 1.5
SWITCH_S = 0.0005  # how soon a disk thread has to hand the interpreter back
PRIORITY, NICENESS = 10, -15


class Worker:
    """The engine between a clock, the network and control."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._reader = ThreadDisk("media-reader")
        self._writer = ThreadDisk("media-writer")
        self._engine = Engine(
            UdpTransport(),
            self._reader,
            self._writer,
            random=secrets.token_bytes,
            unix_time=time.time() - time.monotonic(),
        )
        self._timer = Timer()
        self._outgoing: deque[list[Report]] = deque()
        self._epoll = select.epoll()
        self._epoll.register(link, select.EPOLLIN)
        self._epoll.register(self._timer, select.EPOLLIN)

    def run(self) -> None:
        """Work until control is gone."""
        while self._take_commands():
            now = time.monotonic()
            due = self._engine.next_tick(now)
            while due is not None and due <= now:
                self._engine.tick(now)
                now = time.monotonic()
                due = self._engine.next_tick(now)
            self._report()
            self._timer.arm(due)
            for fd, _ in self._epoll.poll():
                if fd == self._timer.fileno():
                    self._timer.clear()
        self._engine.shut_down()
        self._writer.finish(FINISH_S)

    def _take_commands(self) -> bool:
        """Do the commands there are, but let no deadline wait; False when control is gone."""
        for _ in range(AT_ONCE):
            try:
                message, descriptors, *_ = socket.recv_fds(self._link, LARGEST, 1)
            except BlockingIOError:
                return True
            except ConnectionError:
                return False
            if not message:
                return False
            self._engine.receive(message, _stream(descriptors))
        return True

    def _report(self) -> None:
        reports = self._engine.reports()
        for start in range(0, len(reports), TOGETHER):
            self._outgoing.append(reports[start : start + TOGETHER])
        if self._outgoing:
            self._write()

    def _write(self) -> None:
        wanted = select.EPOLLIN
        try:
            while self._outgoing:
                self._link.send(encode(self._outgoing[0]))
                self._outgoing.popleft()
        except BlockingIOError:
            wanted |= select.EPOLLOUT
            if len(self._outgoing) > BACKLOG // TOGETHER:
                sys.exit("control reads no reports")
        except ConnectionError:
            self._outgoing.clear()  # the next read tells that control is gone
        self._epoll.modify(self._link, wanted)


def _stream(descriptors: list[int]) -> StreamSocket | None:
    """The stream that came with a command."""
    try:
        return StreamSocket(descriptors[0]) if descriptors else None
    except OSError:
        return None


def _raise_limits() -> None:
    """Two descriptors per port."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _go_first() -> None:
    """Come before others where we may; the disk threads were made before and stay as they are."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
        except OSError:
            return


def main() -> None:
    """Serve control until it is gone."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _raise_limits()
    sys.setswitchinterval(SWITCH_S)
    link = socket.socket(fileno=int(sys.argv[1]))
    link.setblocking(False)
    worker = Worker(link)
    _go_first()
    gc.collect()
    gc.freeze()
    worker.run()


if __name__ == "__main__":
    main()
