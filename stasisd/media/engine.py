"""The media engine: commands and time go in, packets and reports come out.

It knows no process, clock or socket. Every port is ticked once per frame, in one of four phases.
In a tick, all ports of the phase together: what came is read, each port's `rx` is taken from its
jitter buffer (or from its twin), recorded and listened to; then each port's `tx` is taken from the
first source that has something, and sent.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from . import commands, timeline
from .commands import (
    AskRtpStatistics,
    AskStatistics,
    Close,
    Command,
    Connect,
    ControlPlayback,
    ControlRecording,
    DetectDtmf,
    Disconnect,
    Echo,
    Indicate,
    Mute,
    OpenPair,
    OpenRtp,
    Play,
    PortCommand,
    Record,
    Rejected,
    Report,
    SendDtmf,
    SetRemote,
    Silence,
)
from .detect import Detector
from .digits import Digits
from .disk import Disk
from .library import Library
from .mixing import Mixer
from .playing import Player
from .ports import NOBODY, PAIR, PHASES, RTP, Ports
from .receiving import Receiver
from .recording import Recorders
from .reporting import Reporting
from .sending import Sender
from .streams import Random, Streams
from .transport import Transport

FRAME_S = 0.02
PHASE_S = FRAME_S / PHASES
LATE_S = 0.005
GIVE_UP_S = 0.1  # of a delay; frames older than that are left out


class Refused(ValueError):
    """A command makes no sense."""


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
        self._transport = transport
        self._reports: list[Report] = []
        self.ports = Ports()
        self.streams = Streams(random)
        self._library = Library(reader, self.ports.frame)
        self._receiver = Receiver(self.ports, self.streams, transport, self._reports)
        self._sender = Sender(self.ports, self.streams, transport)
        self._player = Player(self.ports, self._library, self._reports)
        self._tones = Player(self.ports, self._library, self._reports)
        self._digits = Digits(self.ports, self.streams, self._sender, self._reports)
        self._detector = Detector(self.ports)
        self._recorders = Recorders(self.ports, writer, self._reports)
        self._reporting = Reporting(self.streams, transport, random, unix_time)
        self._mixer = Mixer(self.ports, self._digits, self._player, self._tones)
        self._now = 0.0
        self._idle = True
        self._tick = 0  # number of the next phase
        self._ticks = self._late = self._rejected = 0
        self._verbs: dict[type[Command], Callable[[Any], None]] = {
            OpenRtp: self._open_rtp,
            OpenPair: self._open_pair,
            Close: self._close,
            SetRemote: self._set_remote,
            Connect: self._connect,
            Disconnect: self._disconnect,
            Echo: self._echo,
            Silence: self._silence,
            Indicate: self._indicate,
            Mute: self._mute,
            DetectDtmf: self._detect,
            Play: self._play,
            ControlPlayback: self._control_playback,
            Record: self._record,
            ControlRecording: self._control_recording,
            SendDtmf: self._send_dtmf,
            AskRtpStatistics: self._rtp_statistics,
            AskStatistics: self._statistics,
        }

    # ---- the verbs of the outside

    def receive(self, message: bytes) -> None:
        """Take an encoded command; what can't be read is rejected."""
        try:
            command = commands.decode_command(message)
        except msgspec.DecodeError as error:
            self._reject("unreadable", str(error))
        else:
            self.handle(command)

    def handle(self, command: Command) -> None:
        """Do what a command says, unless its port is gone or it makes no sense."""
        if isinstance(command, PortCommand) and not self._is_for_us(command):
            return
        try:
            self._verbs[type(command)](command)
        except Exception as error:  # noqa: BLE001 - a mistake in one call's command ends no other's
            self._reject(type(command).__name__, repr(error))

    def _is_for_us(self, command: PortCommand) -> bool:
        """Late commands for a port that is gone are normal; they mean nothing."""
        opens = isinstance(command, OpenRtp | OpenPair)
        return opens or self.ports.is_open(command.slot, command.generation)

    def _reject(self, command: str, reason: str) -> None:
        self._rejected += 1
        self._reports.append(Rejected(command, reason))

    def reports(self) -> list[Report]:
        """What happened since the last call."""
        reports = self._reports[:]
        self._reports.clear()
        return reports

    def next_tick(self, now: float) -> float | None:
        """When `tick` is due; None while there is nothing to do."""
        oldest = int(now / PHASE_S) + 1 if self._idle else int((now - GIVE_UP_S) / PHASE_S)
        self._tick = max(self._tick, oldest)
        self._idle = not self.ports.count and not self._recorders.files
        if not self.ports.count:
            return None if self._idle else self._tick * PHASE_S
        while not self._has_rows(self._tick % PHASES):
            self._tick += 1
        return self._tick * PHASE_S

    def _has_rows(self, phase: int) -> bool:
        return bool(len(self.ports.rows(phase, RTP)) or len(self.ports.rows(phase, PAIR)))

    def tick(self, now: float) -> None:
        """Do what is due at `now`: one phase at most."""
        self._now = self._library.now = now
        self._recorders.collect()
        for path, audio in self._library.opened():
            self._player.opened(path, audio)
        due = self.next_tick(now)
        if due is None or due > now:
            return
        if not self.ports.count:  # files that the disk has yet to close
            self._tick += 1
            return
        self._ticks += 1
        self._late += now - due > LATE_S
        frame_number, phase = divmod(self._tick, PHASES)
        self._tick += 1
        self._hear(phase, now)
        self._recorders.tick(phase, frame_number)
        self._speak(phase, frame_number)

    def _hear(self, phase: int, now: float) -> None:
        self._receiver.poll(now)
        ports = self.ports
        rows = ports.rows(phase, RTP)
        if len(rows):
            ports.rx[rows], ports.rx_ok[rows] = self.streams.jitter.take(rows)
        pairs = ports.rows(phase, PAIR)
        if len(pairs):
            twins = ports.twin[pairs]
            ports.rx[pairs] = ports.tx[twins]
            ports.rx_ok[pairs] = ports.tx_ok[twins] & (twins != NOBODY)
        for every in (rows, pairs):
            ports.rx[every[ports.mute_in[every]]] = 0
            for slot, digit, duration_ms in self._detector.listen(every):
                self._digits.received(slot, digit, duration_ms, audible=True)
        for slot, event, timestamp in self._receiver.events():
            self._digits.heard(slot, event, timestamp, now)
        for slot, compound in self._receiver.rtcp():
            self._reporting.heard(slot, compound, now)
        self._digits.expire(now)
        for slot, digit in self._digits.drain():
            self._recorders.digit(slot, digit)

    def _speak(self, phase: int, frame_number: int) -> None:
        for kind in (RTP, PAIR):
            rows = self.ports.rows(phase, kind)
            if len(rows):
                self._mixer.mix(rows, frame_number)
        rows = self.ports.rows(phase, RTP)
        if len(rows):
            self._sender.send(rows, frame_number)
            self._reporting.tick(rows, self._now, frame_number)

    def shut_down(self) -> None:
        """End all ports; recordings are closed by the writer after that."""
        for slot in np.flatnonzero(self.ports.kind):
            self._release(int(slot))

    # ---- one verb for each command

    def _new_port(self, slot: int, generation: int, kind: int) -> None:
        if not 0 <= slot < self.ports.slots or generation <= 0:
            raise Refused(f"there is no slot {slot} generation {generation}")
        if self.ports.kind[slot]:
            raise Refused(f"slot {slot} is taken")
        self.ports.open(slot, generation, kind)
        self._detector.reset(slot)

    def _open_rtp(self, command: OpenRtp) -> None:
        slot, generation = command.slot, command.generation
        self._new_port(slot, generation, RTP)
        try:
            self._transport.open(slot, command.host, command.port)
        except OSError as error:
            self.ports.close(slot)
            self._reports.append(commands.OpenFailed(slot, generation, str(error)))
            return
        self.streams.open(slot)
        self._reporting.open(slot)
        self._reports.append(commands.Opened(slot, generation))

    def _open_pair(self, command: OpenPair) -> None:
        if command.slot == command.other_slot:
            raise Refused("a pair takes two slots")
        self._new_port(command.slot, command.generation, PAIR)
        try:
            self._new_port(command.other_slot, command.other_generation, PAIR)
        except Refused:
            self.ports.close(command.slot)
            raise
        self.ports.twin[command.slot] = command.other_slot
        self.ports.twin[command.other_slot] = command.slot

    def _close(self, command: Close) -> None:
        self._release(command.slot)

    def _release(self, slot: int) -> None:
        self._player.stop(slot, "closed")
        self._tones.stop(slot, "closed")
        self._digits.close(slot)
        self._recorders.close(slot)
        if self.ports.kind[slot] == RTP:
            self._reporting.close(slot, self._now)
            self._transport.close(slot)
            self.streams.close(slot)
        self.ports.close(slot)

    def _set_remote(self, command: SetRemote) -> None:
        slot, remote = command.slot, command.remote
        if self.ports.kind[slot] != RTP:
            raise Refused("a pair has no remote")
        _check_remote(remote)
        target = self.streams.set_remote(slot, remote)
        self._transport.aim(slot, target, latched=False)
        self.ports.detect[slot] = remote.telephone_event is None

    def _other(self, command: Connect) -> int:
        other = command.other_slot
        if not self.ports.is_open(other, command.other_generation):
            raise Refused(f"there is no port {other} to connect to")
        if other in {command.slot, self.ports.twin[command.slot]}:
            raise Refused("a port can't be its own peer")
        return other

    def _connect(self, command: Connect) -> None:
        self.ports.connect(command.slot, self._other(command))

    def _disconnect(self, command: Disconnect) -> None:
        self.ports.disconnect(command.slot)

    def _echo(self, command: Echo) -> None:
        self.ports.echo[command.slot] = command.on

    def _silence(self, command: Silence) -> None:
        self.ports.silence[command.slot] = command.on

    def _indicate(self, command: Indicate) -> None:
        if command.tone is None:
            self._tones.stop(command.slot, "stopped")
        else:
            _check_segments((command.tone,))
            self._tones.play(command.slot, 0, (command.tone,))

    def _mute(self, command: Mute) -> None:
        if command.side in {"in", "both"}:
            self.ports.mute_in[command.slot] = command.on
        if command.side in {"out", "both"}:
            self.ports.mute_out[command.slot] = command.on

    def _detect(self, command: DetectDtmf) -> None:
        self.ports.detect[command.slot] = command.on

    def _play(self, command: Play) -> None:
        _check_segments(command.segments)
        self._player.play(
            command.slot, command.playback, command.segments, command.offset_ms, command.paused
        )

    def _control_playback(self, command: ControlPlayback) -> None:
        self._player.control(command)

    def _record(self, command: Record) -> None:
        if command.spec.beep:
            self._digits.beep(command.slot)
        self._recorders.record(command)

    def _control_recording(self, command: ControlRecording) -> None:
        self._recorders.control(command.recording, command.action)

    def _send_dtmf(self, command: SendDtmf) -> None:
        wrong = set(command.digits) - set(commands.ALL_DIGITS)
        if wrong:
            raise Refused(f"no DTMF digits: {''.join(sorted(wrong))}")
        self._digits.send(command)

    def _rtp_statistics(self, command: AskRtpStatistics) -> None:
        self._reports.append(self._reporting.statistics(command.slot, command.request))

    def _statistics(self, command: AskStatistics) -> None:
        self._reports.append(
            commands.WorkerStatistics(
                request=command.request,
                ports=self.ports.count,
                sockets=self._transport.count(),
                playbacks=len(self._player.playbacks),
                recordings=self._recorders.count,
                files=self._recorders.files,
                audio_bytes=self._library.audio_bytes,
                ticks=self._ticks,
                late_ticks=self._late,
                rejected=self._rejected,
                malformed=self._receiver.malformed + self._reporting.malformed,
            )
        )


def _check_remote(remote: commands.Remote) -> None:
    """Raise Refused for an address that is none (a name would have to be looked up)."""
    host, port = remote.address
    ipaddress.ip_address(host)
    types = (remote.payload_type, remote.telephone_event, remote.telephone_event_in)
    if not 0 < port < 65536 or any(t is not None and not 0 <= t < 128 for t in types):
        raise Refused(f"no RTP destination: {remote}")


def _check_segments(segments: tuple[commands.AnySegment, ...]) -> None:
    if not timeline.is_sound(segments):
        raise Refused("a tone with impossible steps")
