"""One life of the media process, as control sees it: who waits for which report."""

import heapq
import itertools
import os
from collections.abc import Mapping
from typing import Protocol

import structlog
import trio

from .commands import MAX_PORTS, AskRtpStatistics, AskStatistics, Command
from .handles import Playing, Port, Recording, Sending
from .mix import Mix
from .numbers import NoPortsLeft, UdpPorts
from .reports import (
    HandleReport,
    Opened,
    OpenFailed,
    PortReport,
    Rejected,
    Report,
    RtpStatistics,
    Speakers,
    WorkerStatistics,
)

log = structlog.get_logger(__name__)


class LinkBroken(Exception):
    """The media process is gone or hangs."""


class MediaUnavailable(Exception):
    """There is no media process at this moment."""


class Link(Protocol):
    """The way to a media process."""

    def send(self, command: Command, descriptor: int | None = None) -> None:
        """Pass a command without blocking, and a descriptor, which is closed here then.

        Raises LinkBroken.
        """

    async def receive(self) -> list[Report]:
        """Wait for reports; raises LinkBroken with what became of the process."""


class _Answer:
    """A report that somebody waits for."""

    def __init__(self) -> None:
        self.arrived = trio.Event()
        self.report: Report | None = None

    def give(self, report: Report | None) -> None:
        self.report = report
        self.arrived.set()

    async def wait(self) -> Report:
        """The report; raises MediaUnavailable where the process died before."""
        await self.arrived.wait()
        if self.report is None:
            raise MediaUnavailable("the media process died")
        return self.report


class Session:
    """Slots, ids and handles of one media process, until it dies."""

    def __init__(self, link: Link, port_range: tuple[int, int], mixes: Mapping[int, Mix]) -> None:
        self._link = link
        self._mixes = mixes
        self._slots = list(range(MAX_PORTS))
        self._udp_ports = UdpPorts(*port_range)
        self._generations = itertools.count(1)
        self._ids = itertools.count(1)
        self._alive = True
        self.ports: dict[tuple[int, int], Port] = {}
        self.handles: dict[int, Playing | Recording | Sending] = {}
        self._answers: dict[int, _Answer] = {}
        self._opening: dict[tuple[int, int], _Answer] = {}
        self.last_statistics = WorkerStatistics()

    def send(self, command: Command, descriptor: int | None = None) -> None:
        """Pass a command on; does nothing once the process is gone.

        A descriptor goes with it, and is closed here in any case.
        """
        if not self._alive:
            if descriptor is not None:
                os.close(descriptor)
            return
        try:
            self._link.send(command, descriptor)
        except LinkBroken:
            self._alive = False  # `receive` tells why, and ends what there is

    @property
    def udp_ports_taken(self) -> int:
        """UDP ports in use, counting those of RTP only."""
        return self._udp_ports.taken

    def new_port(self, bind: str | None) -> Port:
        """A handle on a free slot, and a UDP port of the address `bind`, if any.

        Raises NoPortsLeft or MediaUnavailable.
        """
        if not self._alive:
            raise MediaUnavailable("the media process died")
        if not self._slots:
            raise NoPortsLeft(f"all {MAX_PORTS} media slots are taken")
        address = (bind, self._udp_ports.take()) if bind is not None else None
        port = Port(self, heapq.heappop(self._slots), next(self._generations), address)
        self.ports[port.slot, port.generation] = port
        return port

    def register(self, handle: Playing | Recording | Sending) -> int:
        """Remember a handle until its end; the id for its commands."""
        number = next(self._ids)
        self.handles[number] = handle
        return number

    def release(self, port: Port) -> None:
        """Forget a port and free its slot."""
        if self.ports.pop((port.slot, port.generation), None) is not None:
            heapq.heappush(self._slots, port.slot)
            if port.address is not None:
                self._udp_ports.give_back(port.address[1])

    async def wait_open(self, port: Port, command: Command) -> str | None:
        """Send the command that opens `port`; None when it is open, else why it is not.

        Raises MediaUnavailable.
        """
        key = port.slot, port.generation
        answer = self._opening[key] = _Answer()
        self.send(command)
        try:
            report = await answer.wait()
        finally:
            self._opening.pop(key, None)
        return report.reason if isinstance(report, OpenFailed) else None

    async def ask_rtp(self, port: Port) -> RtpStatistics:
        """Have one port's RTP statistics; zeros where it has closed meanwhile."""
        number = next(self._ids)
        report = await self._ask(AskRtpStatistics(port.slot, port.generation, number), number)
        return report if isinstance(report, RtpStatistics) else RtpStatistics()

    async def ask_worker(self) -> WorkerStatistics:
        """Have the statistics of the process; raises MediaUnavailable."""
        number = next(self._ids)
        report = await self._ask(AskStatistics(number), number)
        assert isinstance(report, WorkerStatistics)
        return report

    async def _ask(self, command: Command, number: int) -> Report:
        if not self._alive:
            raise MediaUnavailable("the media process died")
        answer = self._answers[number] = _Answer()
        self.send(command)
        try:
            return await answer.wait()
        finally:
            self._answers.pop(number, None)

    async def serve(self) -> str:
        """Deliver reports until the link breaks; returns what became of the process."""
        while True:
            try:
                reports = await self._link.receive()
            except LinkBroken as broken:
                return str(broken)
            for report in reports:
                self._deliver(report)

    def _deliver(self, report: Report) -> None:
        match report:
            case Opened() | OpenFailed():
                answer = self._opening.get((report.slot, report.generation))
                if answer is not None:
                    answer.give(report)
            case PortReport():
                port = self.ports.get((report.slot, report.generation))
                if port is not None:
                    port._on_report(report)
            case RtpStatistics() | WorkerStatistics():
                self._deliver_statistics(report)
            case HandleReport():
                self._deliver_to_handle(report)
            case Speakers():
                mix = self._mixes.get(report.mix)
                if mix is not None:
                    mix._on_report(report)
            case Rejected():
                log.warning("media command rejected", command=report.command, why=report.reason)

    def _deliver_statistics(self, report: RtpStatistics | WorkerStatistics) -> None:
        if isinstance(report, WorkerStatistics):
            self.last_statistics = report
        answer = self._answers.get(report.request)
        if answer is not None:
            answer.give(report)

    def _deliver_to_handle(self, report: HandleReport) -> None:
        handle = self.handles.get(report.handle)
        if handle is not None and handle._on_report(report):
            del self.handles[report.handle]

    def end(self, reason: str) -> None:
        """The process is gone: end all there is, each with the reason."""
        self._alive = False
        for answer in [*self._answers.values(), *self._opening.values()]:
            answer.give(None)
        handles, self.handles = self.handles, {}
        for handle in handles.values():
            handle._on_death(reason)
        ports, self.ports = self.ports, {}
        for port in ports.values():
            port._on_closed(reason)
