"""The media engine: commands and time go in, packets and reports come out.

It knows no process, clock or socket. Every port is ticked once per frame, in one of four phases.
In a tick, all ports of the phase together: what came is read, each port's `rx` is taken from its
jitter buffer (or from its twin), recorded and listened to; then each port's `tx` is taken from the
first source that has something, and sent.
"""

import msgspec

from . import commands
from .commands import AskStatistics, Command
from .disk import Disk
from .parts import Parts
from .ports import NOBODY, PAIR, PHASES, RTP, SNOOP, STREAM
from .reports import Rejected, Report, WorkerStatistics
from .streams import Random
from .transport import Transport
from .verbs import Verbs
from .wires import DIGIT_MS, Stream

FRAME_S = 0.02
PHASE_S = FRAME_S / PHASES
LATE_S = 0.005
GIVE_UP_S = 0.1  # of a delay; frames older than that are left out


class Engine:
    """All ports of one media process."""

    def __init__(
        self,
        transport: Transport,
        reader: Disk,
        writer: Disk,
        *,
        random: Random,
        unix_time: float = 0.0,
    ) -> None:
        """`reader` and `writer` do file work; `unix_time` is the date at `now` 0."""
        self._parts = Parts(transport, reader, writer, random, unix_time)
        self._verbs = Verbs(self._parts)
        self._idle = True
        self._tick = 0  # number of the next phase
        self._ticks = self._late = self._rejected = 0

    # ---- the verbs of the outside

    def receive(self, message: bytes, stream: Stream | None = None) -> None:
        """Take an encoded command; what can't be read is rejected."""
        try:
            command = commands.decode_command(message)
        except msgspec.DecodeError as error:
            self._reject("unreadable", str(error))
            _close(stream)
        else:
            self.handle(command, stream)

    def handle(self, command: Command, stream: Stream | None = None) -> None:
        """Do what a command says, unless its port is gone or it makes no sense.

        `stream` came with the command: it is for OpenStream.
        """
        if isinstance(command, AskStatistics):
            self._parts.reports.append(self._statistics(command.request))
            return
        try:
            self._verbs.perform(command, stream)
        except Exception as error:  # noqa: BLE001 - a mistake in one call's command ends no other's
            self._reject(type(command).__name__, repr(error))
            _close(stream)

    def _reject(self, command: str, reason: str) -> None:
        self._rejected += 1
        self._parts.reports.append(Rejected(command, reason))

    def reports(self) -> list[Report]:
        """What happened since the last call."""
        reports = self._parts.reports[:]
        self._parts.reports.clear()
        return reports

    def next_tick(self, now: float) -> float | None:
        """When `tick` is due; None while there is nothing to do."""
        oldest = int(now / PHASE_S) + 1 if self._idle else int((now - GIVE_UP_S) / PHASE_S)
        self._tick = max(self._tick, oldest)
        ports = self._parts.ports
        self._idle = not ports.count and not self._parts.recorders.files
        if not ports.count:
            return None if self._idle else self._tick * PHASE_S
        while not len(ports.due(self._tick % PHASES)):
            self._tick += 1
        return self._tick * PHASE_S

    def tick(self, now: float) -> None:
        """Do what is due at `now`: one phase at most."""
        self._look_after_files(now)
        due = self.next_tick(now)
        if due is None or due > now:
            return
        if not self._parts.ports.count:  # files that the disk has yet to close
            self._tick += 1
            return
        self._ticks += 1
        self._late += now - due > LATE_S
        frame_number, phase = divmod(self._tick, PHASES)
        self._tick += 1
        self._hear(phase, frame_number, now)
        self._parts.recorders.tick(phase, frame_number)
        self._speak(phase, frame_number)

    def _look_after_files(self, now: float) -> None:
        parts = self._parts
        parts.now = parts.library.now = now
        parts.recorders.collect()
        for path, audio in parts.library.opened():
            parts.player.opened(path, audio)
            parts.music.opened(path, audio)

    def _hear(self, phase: int, frame_number: int, now: float) -> None:
        parts, ports = self._parts, self._parts.ports
        parts.receiver.poll(now)
        self._fill_rx(phase)
        due = ports.due(phase)
        ports.rx[due[ports.mute_in[due]]] = 0
        for slot, digit, duration_ms in parts.detector.listen(due):
            parts.digits.received(slot, digit, duration_ms, audible=True)
        parts.talk.listen(due)
        parts.listened.coming_in(phase)
        parts.snoops.coming_in(phase)
        parts.mixes.hear(phase)
        parts.floor.listen(phase, frame_number)
        self._hear_signals(now)

    def _fill_rx(self, phase: int) -> None:
        """Take the `rx` of each port from where its kind has it."""
        parts, ports = self._parts, self._parts.ports
        rows = ports.rows(phase, RTP)
        if len(rows):
            ports.rx[rows], ports.rx_ok[rows] = parts.streams.jitter.take(rows)
        rows = ports.rows(phase, STREAM)
        if len(rows):
            parts.wires.hear(rows)
        rows = ports.rows(phase, SNOOP)
        if len(rows):
            ports.rx[rows], ports.rx_ok[rows] = parts.snoops.take(rows)
        rows = ports.rows(phase, PAIR)
        if len(rows):
            twins = ports.twin[rows]
            ports.rx[rows] = ports.tx[twins]
            ports.rx_ok[rows] = ports.tx_ok[twins] & (twins != NOBODY)

    def _hear_signals(self, now: float) -> None:
        parts = self._parts
        for slot, event, source in parts.receiver.events():
            parts.digits.heard(slot, event, source, now)
        for slot, compound in parts.receiver.rtcp():
            parts.reporting.heard(slot, compound, now)
        for slot, digit in parts.wires.digits():
            parts.digits.received(slot, digit, DIGIT_MS)
        parts.digits.expire(now)
        for slot, digit in parts.digits.drain():
            parts.recorders.digit(slot, digit)

    def _speak(self, phase: int, frame_number: int) -> None:
        parts, ports = self._parts, self._parts.ports
        parts.sources.fill(ports.due(phase), frame_number)
        parts.snoops.going_out(phase)
        parts.listened.going_out(phase)
        rows = ports.rows(phase, RTP)
        if len(rows):
            parts.sender.send(rows, frame_number)
            parts.reporting.tick(rows, parts.now, frame_number)
        rows = ports.rows(phase, STREAM)
        if len(rows):
            parts.wires.send(rows)

    def shut_down(self) -> None:
        """End all ports; recordings are closed by the writer after that."""
        self._verbs.release_all()

    def _statistics(self, request: int) -> WorkerStatistics:
        parts = self._parts
        return WorkerStatistics(
            request=request,
            ports=parts.ports.count,
            sockets=parts.transport.count() + parts.wires.count,
            playbacks=len(parts.player.playbacks),
            recordings=parts.recorders.count,
            files=parts.recorders.files,
            audio_bytes=parts.library.audio_bytes,
            ticks=self._ticks,
            late_ticks=self._late,
            rejected=self._rejected,
            malformed=parts.receiver.malformed + parts.reporting.malformed,
            mixes=parts.mixes.count,
        )


def _close(stream: Stream | None) -> None:
    if stream is not None:
        stream.close()
