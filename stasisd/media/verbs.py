"""What is done for each command: one verb each, and the checks of what it names."""

import ipaddress
from collections.abc import Callable
from typing import Any

import numpy as np

from . import commands, reports, timeline
from .commands import (
    AskRtpStatistics,
    Close,
    Command,
    Connect,
    ControlPlayback,
    ControlRecording,
    DetectDtmf,
    DetectTalk,
    DetectTone,
    Disconnect,
    Echo,
    HoldMusic,
    Indicate,
    JoinMix,
    LeaveMix,
    Mute,
    OpenPair,
    OpenRtp,
    OpenSnoop,
    OpenStream,
    Play,
    PortCommand,
    Record,
    SendDtmf,
    SetRemote,
    Silence,
)
from .parts import Parts
from .ports import PAIR, RTP, SNOOP, STREAM
from .wires import Stream


class Refused(ValueError):
    """A command makes no sense."""


class Verbs:
    """Performs commands on the parts of an engine."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._verbs: dict[type[Command], Callable[[Any], None]] = {
            OpenRtp: self._open_rtp,
            OpenPair: self._open_pair,
            OpenSnoop: self._open_snoop,
            Close: self._close,
            SetRemote: self._set_remote,
            Connect: self._connect,
            Disconnect: self._disconnect,
            JoinMix: self._join_mix,
            LeaveMix: self._leave_mix,
            Echo: self._echo,
            Silence: self._silence,
            Indicate: self._indicate,
            HoldMusic: self._hold_music,
            DetectTalk: self._detect_talk,
            DetectTone: self._detect_tone,
            Mute: self._mute,
            DetectDtmf: self._detect,
            Play: self._play,
            ControlPlayback: self._control_playback,
            Record: self._record,
            ControlRecording: self._control_recording,
            SendDtmf: self._send_dtmf,
            AskRtpStatistics: self._rtp_statistics,
        }

    def perform(self, command: Command, stream: Stream | None) -> None:
        """Do what a command says; late ones for a port that is gone are normal, and mean nothing.

        Raises Refused, or whatever a command that control got wrong leads to.
        """
        if isinstance(command, OpenStream):
            self._open_stream(command, stream)
        elif not isinstance(command, PortCommand) or self._is_for_us(command):
            self._verbs[type(command)](command)

    def _is_for_us(self, command: PortCommand) -> bool:
        opens = isinstance(command, OpenRtp | OpenPair | OpenSnoop)
        return opens or self._parts.ports.is_open(command.slot, command.generation)

    def release_all(self) -> None:
        """End all ports."""
        for slot in np.flatnonzero(self._parts.ports.kind):
            self._release(int(slot))

    def _new_port(self, slot: int, generation: int, kind: int) -> None:
        if not 0 <= slot < self._parts.ports.slots or generation <= 0:
            raise Refused(f"there is no slot {slot} generation {generation}")
        if self._parts.ports.kind[slot]:
            raise Refused(f"slot {slot} is taken")
        self._parts.ports.open(slot, generation, kind)
        self._parts.detector.reset(slot)
        self._parts.floor.forget(slot)

    def _open_rtp(self, command: OpenRtp) -> None:
        slot, generation = command.slot, command.generation
        self._new_port(slot, generation, RTP)
        try:
            self._parts.transport.open(slot, command.host, command.port)
        except OSError as error:
            self._parts.ports.close(slot)
            self._parts.reports.append(reports.OpenFailed(slot, generation, str(error)))
            return
        self._parts.streams.open(slot)
        self._parts.reporting.open(slot)
        self._parts.reports.append(reports.Opened(slot, generation))

    def _open_pair(self, command: OpenPair) -> None:
        if command.slot == command.other_slot:
            raise Refused("a pair takes two slots")
        self._new_port(command.slot, command.generation, PAIR)
        try:
            self._new_port(command.other_slot, command.other_generation, PAIR)
        except Refused:
            self._parts.ports.close(command.slot)
            raise
        self._parts.ports.twin[command.slot] = command.other_slot
        self._parts.ports.twin[command.other_slot] = command.slot

    def _open_snoop(self, command: OpenSnoop) -> None:
        spied = command.spied_slot
        if not self._parts.ports.is_open(spied, command.spied_generation):
            raise Refused(f"there is no port {spied} to spy on")
        self._new_port(command.slot, command.generation, SNOOP)
        self._parts.snoops.open(command.slot, spied, command.spy, command.whisper)

    def _open_stream(self, command: OpenStream, stream: Stream | None) -> None:
        if stream is None:
            raise Refused("the stream did not come along")
        if command.framing == "audiosocket" and command.format not in {"slin", "slin16"}:
            raise Refused(f"AudioSocket has no format {command.format}")
        self._new_port(command.slot, command.generation, STREAM)
        self._parts.wires.open(command.slot, stream, command.framing, command.format, command.hello)

    def _close(self, command: Close) -> None:
        self._release(command.slot)

    def _release(self, slot: int) -> None:
        self._parts.player.stop(slot, "closed")
        self._parts.tones.stop(slot, "closed")
        self._parts.music.stop(slot)
        self._parts.talk.detect(slot, 0, 0)
        self._parts.listened.forget(slot)
        self._parts.digits.close(slot)
        self._parts.recorders.close(slot)
        self._parts.mixes.leave(slot)
        self._parts.snoops.close(slot)
        if self._parts.ports.kind[slot] == RTP:
            self._parts.reporting.close(slot, self._parts.now)
            self._parts.transport.close(slot)
            self._parts.streams.close(slot)
        elif self._parts.ports.kind[slot] == STREAM:
            self._parts.wires.close(slot)
        self._parts.ports.close(slot)

    def _set_remote(self, command: SetRemote) -> None:
        slot, remote = command.slot, command.remote
        if self._parts.ports.kind[slot] != RTP:
            raise Refused("only RTP has a remote")
        _check_remote(remote)
        target = self._parts.streams.set_remote(slot, remote)
        self._parts.transport.aim(slot, target, latched=False)
        self._parts.ports.detect[slot] = remote.telephone_event is None

    def _other(self, command: Connect) -> int:
        other = command.other_slot
        if not self._parts.ports.is_open(other, command.other_generation):
            raise Refused(f"there is no port {other} to connect to")
        if other in {command.slot, self._parts.ports.twin[command.slot]}:
            raise Refused("a port can't be its own peer")
        return other

    def _connect(self, command: Connect) -> None:
        other = self._other(command)
        self._parts.mixes.leave(command.slot)
        self._parts.mixes.leave(other)
        self._parts.ports.connect(command.slot, other)

    def _disconnect(self, command: Disconnect) -> None:
        self._parts.ports.disconnect(command.slot)
        self._parts.mixes.leave(command.slot)

    def _join_mix(self, command: JoinMix) -> None:
        self._parts.ports.disconnect(command.slot)
        self._parts.mixes.join(
            command.slot,
            command.mix,
            hears=command.hears,
            speaks=command.speaks,
            digits=command.digits,
            watched=command.watched,
        )

    def _leave_mix(self, command: LeaveMix) -> None:
        if self._parts.mixes.is_in(command.slot, command.mix):
            self._parts.mixes.leave(command.slot)

    def _echo(self, command: Echo) -> None:
        self._parts.ports.echo[command.slot] = command.on

    def _silence(self, command: Silence) -> None:
        self._parts.ports.silence[command.slot] = command.on

    def _indicate(self, command: Indicate) -> None:
        if command.tone is None:
            self._parts.tones.stop(command.slot, "stopped")
        else:
            _check_segments((command.tone,))
            self._parts.tones.play(command.slot, 0, (command.tone,))

    def _hold_music(self, command: HoldMusic) -> None:
        if command.segments is None:
            self._parts.music.stop(command.slot)
        else:
            _check_segments(command.segments)
            self._parts.music.hold(command.slot, command.segments)

    def _detect_talk(self, command: DetectTalk) -> None:
        self._parts.talk.detect(command.slot, max(0, command.threshold), command.silence_ms)

    def _detect_tone(self, command: DetectTone) -> None:
        if not 0 <= command.frequency < self._parts.ports.rate // 2:
            raise Refused(f"{command.frequency} Hz can't be heard")
        self._parts.listened.detect(
            command.slot,
            outgoing=command.outgoing,
            frequency=command.frequency,
            duration_ms=command.duration_ms,
            decibels=command.decibels,
        )

    def _mute(self, command: Mute) -> None:
        if command.side in {"in", "both"}:
            self._parts.ports.mute_in[command.slot] = command.on
        if command.side in {"out", "both"}:
            self._parts.ports.mute_out[command.slot] = command.on

    def _detect(self, command: DetectDtmf) -> None:
        self._parts.ports.detect[command.slot] = command.on

    def _play(self, command: Play) -> None:
        _check_segments(command.segments)
        self._parts.player.play(
            command.slot, command.playback, command.segments, command.offset_ms, command.paused
        )

    def _control_playback(self, command: ControlPlayback) -> None:
        self._parts.player.control(command)

    def _record(self, command: Record) -> None:
        if command.spec.beep:
            self._parts.digits.beep(command.slot)
        self._parts.recorders.record(command)

    def _control_recording(self, command: ControlRecording) -> None:
        self._parts.recorders.control(command.recording, command.action)

    def _send_dtmf(self, command: SendDtmf) -> None:
        wrong = set(command.digits) - set(commands.ALL_DIGITS)
        if wrong:
            raise Refused(f"no DTMF digits: {''.join(sorted(wrong))}")
        self._parts.digits.send(command)

    def _rtp_statistics(self, command: AskRtpStatistics) -> None:
        self._parts.reports.append(self._parts.reporting.statistics(command.slot, command.request))


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
