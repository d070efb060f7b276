"""What control hands out: a port, a playback, a recording. All verbs are synchronous.

None of them blocks or raises, whatever has become of the port, so they can stand in `finally`.
What they began ends with a report, always: from the media process, or from control when the
process died.
"""

from collections.abc import AsyncIterator
from typing import Protocol

import trio

from . import commands
from .commands import Command, RecordSpec, Remote, Side, ToneSegment
from .reports import (
    DtmfSent,
    HandleReport,
    PlaybackEnded,
    PortClosed,
    PortReport,
    RecordingEnded,
    RtpStatistics,
)

INBOX = 1000  # reports that nobody fetched; a flood of digits beyond that is dropped
CLOSED = "port closed"


class Wire(Protocol):
    """What the handles need of the session with the media process."""

    def send(self, command: Command) -> None:
        """Pass a command on; does nothing once the process is gone."""

    def register(self, handle: "Playing | Recording | Sending") -> int:
        """Remember a handle until its end; the id for its commands."""

    def release(self, port: "Port") -> None:
        """Forget a port."""

    async def ask_rtp(self, port: "Port") -> RtpStatistics:
        """Have one port's RTP statistics."""


class Playing:
    """A playback that was asked for."""

    def __init__(self, port: "Port") -> None:
        self._port = port
        self._begun = trio.Event()
        self._ended = trio.Event()
        self._started = False
        self._end = PlaybackEnded(0, False, CLOSED, 0)
        self._id = 0 if port.closed else port._wire.register(self)

    def pause(self) -> None:
        """Stop where it is; the position is kept."""
        self._do("pause")

    def unpause(self) -> None:
        """Go on from there."""
        self._do("unpause")

    def restart(self) -> None:
        """Go to the beginning."""
        self._do("restart")

    def forward(self, ms: int) -> None:
        """Skip ahead over all segments; past the end the playback is finished."""
        self._do("forward", ms)

    def reverse(self, ms: int) -> None:
        """Skip back, at most to the beginning."""
        self._do("reverse", ms)

    def stop(self) -> None:
        """End it: the next frame carries nothing of it."""
        self._do("stop")

    def _do(self, action: commands.PlaybackAction, ms: int = 0) -> None:
        if not self._ended.is_set():
            port = self._port
            port._send(
                commands.ControlPlayback(port.slot, port.generation, self._id, action, max(0, ms))
            )

    def _on_report(self, report: HandleReport) -> bool:
        """Take a report; whether it was the last."""
        self._begun.set()
        if isinstance(report, PlaybackEnded):
            self._end = report
            self._ended.set()
        else:
            self._started = True
        return self._ended.is_set()

    def _on_death(self, reason: str) -> None:
        self._on_report(PlaybackEnded(self._id, False, reason, 0))

    async def wait_started(self) -> bool:
        """Whether it could start at all; False where it ended instead."""
        await self._begun.wait()
        return self._started

    async def wait_ended(self) -> PlaybackEnded:
        """How it ended."""
        await self._ended.wait()
        return self._end


class Recording:
    """A recording that was asked for."""

    def __init__(self, port: "Port") -> None:
        self._port = port
        self._begun = trio.Event()
        self._ended = trio.Event()
        self._started = False
        self._end = RecordingEnded(0, False, "failed", CLOSED, 0, 0, 0)
        self._id = 0 if port.closed else port._wire.register(self)

    def pause(self) -> None:
        """Leave out what follows."""
        self._do("pause")

    def unpause(self) -> None:
        """Go on."""
        self._do("unpause")

    def mute(self) -> None:
        """Write silence for what follows."""
        self._do("mute")

    def unmute(self) -> None:
        """Write sound again."""
        self._do("unmute")

    def stop(self) -> None:
        """End it and keep the file."""
        self._do("stop")

    def discard(self) -> None:
        """End it and delete the file."""
        self._do("discard")

    def _do(self, action: commands.RecordingAction) -> None:
        if not self._ended.is_set():
            self._port._wire.send(commands.ControlRecording(self._id, action))

    def _on_report(self, report: HandleReport) -> bool:
        """Take a report; whether it was the last."""
        self._begun.set()
        if isinstance(report, RecordingEnded):
            self._end = report
            self._ended.set()
        else:
            self._started = True
        return self._ended.is_set()

    def _on_death(self, reason: str) -> None:
        self._on_report(RecordingEnded(self._id, False, "failed", reason, 0, 0, 0))

    async def wait_started(self) -> bool:
        """Whether the file could be opened; False where it ended instead."""
        await self._begun.wait()
        return self._started

    async def wait_ended(self) -> RecordingEnded:
        """How it ended; the file is closed by then."""
        await self._ended.wait()
        return self._end


class Sending:
    """Digits on their way out."""

    def __init__(self, port: "Port") -> None:
        self._ended = trio.Event()
        self._completed = False
        self._id = 0 if port.closed else port._wire.register(self)

    def _on_report(self, report: HandleReport) -> bool:
        """Take a report; it is the last."""
        self._completed = isinstance(report, DtmfSent) and report.completed
        self._ended.set()
        return True

    def _on_death(self, _reason: str) -> None:
        self._ended.set()

    async def wait_sent(self) -> bool:
        """Whether all digits went out; False where the port closed before."""
        await self._ended.wait()
        return self._completed


class Port:
    """One channel's media end. `address` is where its RTP socket is bound, None for a pair's."""

    def __init__(
        self, wire: Wire, slot: int, generation: int, address: tuple[str, int] | None
    ) -> None:
        self._wire = wire
        self.slot = slot
        self.generation = generation
        self.address = address
        self._inbox: list[PortReport] = []
        self._news = trio.Event()
        self._closed = False
        self._drained = False
        self._snoops: set[Port] = set()
        self._spied: Port | None = None

    @property
    def closed(self) -> bool:
        """Whether the port has ended, by us or by the media process."""
        return self._closed

    def _send(self, command: Command) -> None:
        if not self._closed:
            self._wire.send(command)

    def set_remote(self, remote: Remote) -> None:
        """Say who the far end is, after an offer and its answer."""
        self._send(commands.SetRemote(self.slot, self.generation, remote))

    def connect(self, other: "Port") -> None:
        """Let the two hear each other, and no one else."""
        if not other.closed:
            self._send(commands.Connect(self.slot, self.generation, other.slot, other.generation))

    def disconnect(self) -> None:
        """Part from the peer."""
        self._send(commands.Disconnect(self.slot, self.generation))

    def echo(self, on: bool) -> None:
        """Send back what comes in."""
        self._send(commands.Echo(self.slot, self.generation, on))

    def indicate(self, tone: ToneSegment | None) -> None:
        """Send a tone where there is nothing better to send, until None."""
        self._send(commands.Indicate(self.slot, self.generation, tone))

    def hold_music(self, segments: tuple[commands.AnySegment, ...] | None) -> None:
        """Send these over and over in place of what peers or a mix say, until None.

        A playback comes first, and the music goes on after it. Where it can't be read a tone takes
        its place, and `receive` tells by MusicFailed. See `commands.HOLD_MUSIC`.
        """
        self._send(commands.HoldMusic(self.slot, self.generation, segments))

    def detect_talk(self, silence_ms: int | None, threshold: int = 256) -> None:
        """Have TalkStarted and TalkFinished reported, the latter after so much silence; or don't.

        `threshold` is the mean magnitude from which on a frame of 16-bit samples is talk.
        """
        wanted = 0 if silence_ms is None else max(1, threshold)
        self._send(commands.DetectTalk(self.slot, self.generation, wanted, silence_ms or 0))

    def detect_tone(
        self, frequency: int, *, outgoing: bool, duration_ms: int = 500, decibels: int = 16
    ) -> None:
        """Have ToneDetected reported for each tone of one side; a frequency of 0 ends that."""
        self._send(
            commands.DetectTone(
                self.slot, self.generation, outgoing, frequency, duration_ms, decibels
            )
        )

    def silence(self, on: bool) -> None:
        """Send silence where there is nothing else to send."""
        self._send(commands.Silence(self.slot, self.generation, on))

    def mute(self, side: Side) -> None:
        """Silence what comes in, what goes out, or both."""
        self._send(commands.Mute(self.slot, self.generation, side, True))

    def unmute(self, side: Side) -> None:
        """End a mute."""
        self._send(commands.Mute(self.slot, self.generation, side, False))

    def detect_dtmf(self, on: bool) -> None:
        """Listen for in-band DTMF, or don't; set by itself with the remote."""
        self._send(commands.DetectDtmf(self.slot, self.generation, on))

    def play(
        self,
        segments: tuple[commands.AnySegment, ...],
        *,
        offset_ms: int = 0,
        paused: bool = False,
    ) -> Playing:
        """Play segments one after another; replaces a playback that still runs."""
        playing = Playing(self)
        if self._closed:
            playing._on_death(CLOSED)
        self._send(
            commands.Play(
                self.slot, self.generation, playing._id, segments, max(0, offset_ms), paused
            )
        )
        return playing

    def record(self, spec: RecordSpec) -> Recording:
        """Record what the far end says into a file."""
        recording = Recording(self)
        if self._closed:
            recording._on_death(CLOSED)
        self._send(commands.Record(self.slot, self.generation, recording._id, spec))
        return recording

    def send_dtmf(
        self,
        digits: str,
        *,
        before_ms: int = 0,
        between_ms: int = 100,
        duration_ms: int = 100,
        after_ms: int = 0,
    ) -> Sending:
        """Send digits to the far end, as events where it takes them, else as tones."""
        sending = Sending(self)
        if self._closed:
            sending._on_death(CLOSED)
        self._send(
            commands.SendDtmf(
                self.slot,
                self.generation,
                sending._id,
                digits,
                before_ms,
                between_ms,
                duration_ms,
                after_ms,
            )
        )
        return sending

    async def rtp_statistics(self) -> RtpStatistics:
        """The port's counts; all zero where it is closed or has no RTP."""
        if self._closed:
            return RtpStatistics()
        return await self._wire.ask_rtp(self)

    def close(self, reason: str = "closed") -> None:
        """End the port and all on it; recordings report their end when their file is closed."""
        if self._closed:
            return
        self._send(commands.Close(self.slot, self.generation))
        self._wire.release(self)
        self._on_closed(reason)

    def _accompany(self, snoop: "Port") -> None:
        """Have a snoop end with this port."""
        if self._closed:
            snoop.close(CLOSED)
        else:
            snoop._spied = self
            self._snoops.add(snoop)

    def _on_report(self, report: PortReport) -> None:
        if not self._closed and len(self._inbox) < INBOX:
            self._inbox.append(report)
            self._news.set()

    def _on_closed(self, reason: str) -> None:
        if self._closed:
            return
        self._closed = True
        self._inbox.append(PortClosed(self.slot, self.generation, reason))
        self._news.set()
        if self._spied is not None:
            self._spied._snoops.discard(self)
        for snoop in list(self._snoops):
            snoop.close(reason)

    async def receive(self) -> list[PortReport]:
        """All reports there are, at least one; the very last one is PortClosed.

        Raises trio.EndOfChannel after that.
        """
        if self._drained:
            raise trio.EndOfChannel
        await self._news.wait()
        self._news = trio.Event()
        reports, self._inbox = self._inbox, []
        self._drained = self._closed
        return reports

    async def reports(self) -> AsyncIterator[PortReport]:
        """Report by report, the last one being PortClosed."""
        while not self._drained:
            for report in await self.receive():
                yield report
