"""The Trio side of the media process: open ports, act on them, hear what happens.

Nothing here blocks but what is `async`. When the media process dies, every port, playback and
recording of it ends with a reason, and a new process is up within a second.
"""

import itertools
import os
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import msgspec
import structlog
import trio

from .commands import Direction, Framing, OpenPair, OpenRtp, OpenSnoop, OpenStream, StreamFormat
from .handles import Playing, Port, Recording, Sending
from .link import start_worker
from .mix import Mix
from .numbers import NoPortsLeft
from .reports import WorkerStatistics
from .session import Link, LinkBroken, MediaUnavailable, Session

__all__ = [
    "Link",
    "LinkBroken",
    "Media",
    "MediaSettings",
    "MediaStatistics",
    "MediaUnavailable",
    "Mix",
    "NoPortsLeft",
    "Playing",
    "Port",
    "Recording",
    "Sending",
]

log = structlog.get_logger(__name__)
BIND_TRIES = 64  # ports that someone else holds before we give up
STABLE_S = 5.0  # a process that lived this long is replaced at once
RESTART_S = 0.5  # and one that did not, after this


class MediaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where RTP is bound: `bind` is an address of this machine, `port_range` first and last."""

    bind: str = "0.0.0.0"  # noqa: S104 - phones come from anywhere; HTTP is what is kept local
    port_range: tuple[int, int] = (10000, 20000)

    def __post_init__(self) -> None:
        first, last = self.port_range
        if not 0 < first < last <= 65535:
            raise ValueError("port_range must be two rising port numbers")


class MediaStatistics(msgspec.Struct, frozen=True):
    """What control holds: all zero when nothing is going on. `restarts` counts dead processes."""

    ports: int = 0
    udp_ports: int = 0
    unfinished: int = 0  # playbacks, recordings and digits whose end has not come
    restarts: int = 0
    mixes: int = 0


class Media:
    """The media of the daemon. `start_link` starts a media process and is the way to it."""

    def __init__(
        self,
        settings: MediaSettings,
        start_link: Callable[[], AbstractAsyncContextManager[Link]] = start_worker,
    ) -> None:
        self._settings = settings
        self._start_link = start_link
        self._session: Session | None = None
        self._mixes: dict[int, Mix] = {}
        self._mix_numbers = itertools.count(1)
        self._restarts = 0
        self._started = False

    def require_address(self) -> None:
        """Raise MediaUnavailable where RTP can't be bound to the address that is configured."""
        host = self._settings.bind
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((host, 0))
            except OSError as error:
                text = f"media cannot bind RTP to {host}: {error.strerror or error}"
                raise MediaUnavailable(text) from None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep a media process running; started when the first one answers.

        Raises MediaUnavailable when the first one can't even be started.
        """
        while True:
            begun = trio.current_time()
            reason = await self._serve_one(task_status)
            self._restarts += 1
            log.error("media process lost", reason=reason, restarts=self._restarts)
            if trio.current_time() - begun < STABLE_S:
                await trio.sleep(RESTART_S)

    async def _serve_one(self, task_status: trio.TaskStatus[None]) -> str:
        """One life of a media process; how it ended."""
        reason = "media is shut down"
        try:
            async with self._start_link() as link:
                self._session = Session(link, self._settings.port_range, self._mixes)
                if not self._started:
                    self._started = True
                    task_status.started()
                reason = await self._session.serve()
                self._end_session(f"media process died: {reason}")
        except LinkBroken as broken:
            if not self._started:
                raise MediaUnavailable(str(broken)) from broken
            reason = str(broken)
        finally:
            self._end_session(reason)
        return reason

    def _end_session(self, reason: str) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end(reason)

    def _running(self) -> Session:
        if self._session is None:
            raise MediaUnavailable("there is no media process at this moment")
        return self._session

    async def open_rtp(self) -> Port:
        """A port with its UDP sockets bound, free for use in an offer.

        Raises NoPortsLeft or MediaUnavailable.
        """
        session = self._running()
        reason = ""
        for _ in range(BIND_TRIES):
            port = session.new_port(self._settings.bind)
            try:
                failure = await session.wait_open(port, _open_rtp(port))
            except BaseException:
                port.close()
                raise
            if failure is None:
                return port
            port.close()
            reason = failure
        raise NoPortsLeft(f"could not bind any of {BIND_TRIES} UDP ports: {reason}")

    def open_pair(self) -> tuple[Port, Port]:
        """Two ports, each of which hears what goes out of the other.

        Raises NoPortsLeft or MediaUnavailable.
        """
        session = self._running()
        one = session.new_port(None)
        try:
            other = session.new_port(None)
        except NoPortsLeft:
            session.release(one)
            raise
        session.send(OpenPair(one.slot, one.generation, other.slot, other.generation))
        return one, other

    def open_snoop(self, port: Port, spy: Direction = "none", whisper: Direction = "none") -> Port:
        """A port at another one; it ends when the other one ends.

        It hears what the far end of `port` says ("in"), what is said to it ("out"), or both; what
        is sent to it is whispered into these. Raises NoPortsLeft or MediaUnavailable.
        """
        snoop = self._running().new_port(None)
        port._accompany(snoop)
        name = snoop.slot, snoop.generation
        snoop._send(OpenSnoop(*name, port.slot, port.generation, spy, whisper))
        return snoop

    def open_stream(
        self,
        descriptor: int,
        stream_format: StreamFormat = "slin",
        *,
        framing: Framing = "audiosocket",
        hello: bytes = b"",
    ) -> Port:
        """A port whose far end is at a connected stream socket, given by its descriptor.

        The media process gets a descriptor of its own: close yours whenever you like. `hello` is
        sent before all else. `receive` tells by StreamEnded when the far end is gone.
        Raises NoPortsLeft, MediaUnavailable or OSError.
        """
        session = self._running()
        port = session.new_port(None)
        try:
            copy = os.dup(descriptor)
        except OSError:
            session.release(port)
            raise
        name = port.slot, port.generation
        session.send(OpenStream(*name, framing, stream_format, hello), copy)
        return port

    def open_mix(self, *, watch_speakers: bool = False) -> Mix:
        """A mix without ports, which costs nothing; close it in the end."""
        return Mix(next(self._mix_numbers), self._mixes, watched=watch_speakers)

    def statistics(self) -> MediaStatistics:
        """What is going on, as far as control knows."""
        session = self._session
        if session is None:
            return MediaStatistics(restarts=self._restarts, mixes=len(self._mixes))
        return MediaStatistics(
            ports=len(session.ports),
            udp_ports=session.udp_ports_taken,
            unfinished=len(session.handles),
            restarts=self._restarts,
            mixes=len(self._mixes),
        )

    async def worker_statistics(self) -> WorkerStatistics:
        """What the media process holds; raises MediaUnavailable."""
        return await self._running().ask_worker()


def _open_rtp(port: Port) -> OpenRtp:
    assert port.address is not None
    return OpenRtp(port.slot, port.generation, *port.address)
