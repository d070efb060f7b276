"""The contract with the media process: commands go in, reports (:mod:`.reports`) come out.

Both are frozen and serialisable, so that the process could be anywhere. A *port* is one channel's
media end, named by (slot, generation): control picks the slot, and a command or report whose
generation is over means nothing. Audio is 8 kHz; times are in milliseconds.
"""

from pathlib import Path
from typing import Literal

import msgspec

MAX_PORTS = 4096  # slots of one process

# ---- what is played ------------------------------------------------------------------------

DTMF_FREQUENCIES: dict[str, tuple[int, int]] = {
    digit: (low, high)
    for low, row in ((697, "123A"), (770, "456B"), (852, "789C"), (941, "*0#D"))
    for high, digit in zip((1209, 1336, 1477, 1633), row, strict=True)
}


class Segment(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A part of a playback."""


class FileSegment(Segment, frozen=True):
    """An audio file by its absolute path; raw formats are known by their extension."""

    path: str


class Step(msgspec.Struct, frozen=True, array_like=True):
    """A piece of a tone: frequencies in hertz (none: silence) for so long."""

    frequencies: tuple[int, ...]
    ms: int


class ToneSegment(Segment, frozen=True):
    """Steps in sequence, once or without end."""

    steps: tuple[Step, ...]
    repeat: bool = False


def silence(ms: int) -> ToneSegment:
    """Nothing, for so long."""
    return ToneSegment((Step((), ms),))


def digit_tone(digit: str, *, on_ms: int = 100, off_ms: int = 100) -> ToneSegment:
    """The sound of a DTMF digit and the pause after it; raises KeyError for what is no digit."""
    return ToneSegment((Step(DTMF_FREQUENCIES[digit], on_ms), Step((), off_ms)))


# Indications as North America hears them (ITU-T E.180, supplement 2).
DIALTONE = ToneSegment((Step((350, 440), 1000),), repeat=True)
RINGBACK = ToneSegment((Step((440, 480), 2000), Step((), 4000)), repeat=True)
BUSY = ToneSegment((Step((480, 620), 500), Step((), 500)), repeat=True)
CONGESTION = ToneSegment((Step((480, 620), 250), Step((), 250)), repeat=True)

AnySegment = FileSegment | ToneSegment

# Who is on hold hears this where nobody says what else, and the tone where a file can't be read.
HOLD_MUSIC = FileSegment(str(Path(__file__).parents[1] / "music" / "default.flac"))
HOLD_TONE = ToneSegment(
    (Step((440,), 200), Step((), 200), Step((440,), 200), Step((), 7400)), repeat=True
)

# ---- what a far end is ---------------------------------------------------------------------

Codec = Literal["PCMU", "PCMA", "L16", "L16/16000"]  # L16: samples as they are (RFC 3551, 4.5.11)
Side = Literal["in", "out", "both"]
Direction = Literal["none", "in", "out", "both"]
Flow = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class Remote(msgspec.Struct, frozen=True, array_like=True):
    """What SDP agreed on; `flow` is ours: sendonly means that we only send.

    `telephone_event` is the payload type under which the far end wants events, None where it can
    have none; `telephone_event_in` is the one we offered, where it differs.
    """

    address: tuple[str, int]
    codec: Codec = "PCMU"
    payload_type: int = 0
    telephone_event: int | None = None
    telephone_event_in: int | None = None
    flow: Flow = "sendrecv"


Framing = Literal["audiosocket", "paced"]
StreamFormat = Literal["slin", "slin16", "ulaw", "alaw"]  # AudioSocket knows the first two

# ---- what is recorded ----------------------------------------------------------------------

RecordingFormat = Literal["wav", "wav_ulaw", "wav_alaw", "ulaw", "alaw", "sln"]
IfExists = Literal["fail", "overwrite", "append"]


class RecordSpec(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One file of what the far end says.

    `path` is taken as it is, but its last part may be no symbolic link. Durations of 0 are
    without limit. `terminate_on` holds the digits that end it; they may be all of them.
    """

    path: str
    format: RecordingFormat = "wav"
    if_exists: IfExists = "fail"
    max_duration_ms: int = 0
    max_silence_ms: int = 0
    terminate_on: str = ""
    beep: bool = False


ALL_DIGITS = "0123456789*#ABCD"

# ---- commands ------------------------------------------------------------------------------


class Command(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Something that control wants done."""


class PortCommand(Command, frozen=True):
    """Something done to one port."""

    slot: int
    generation: int


class OpenRtp(PortCommand, frozen=True):
    """Bind RTP to this address and RTCP to the port after it; answered by Opened or OpenFailed."""

    host: str
    port: int


class OpenPair(PortCommand, frozen=True):
    """Open two ports: what goes out of one comes into the other a frame later."""

    other_slot: int
    other_generation: int


class OpenSnoop(PortCommand, frozen=True):
    """Open a port at another one.

    It hears what comes `in` from the other's far end, what goes `out` there, both or none; what
    is sent to it is mixed into these. It does not hear what it whispers.
    """

    spied_slot: int
    spied_generation: int
    spy: Direction
    whisper: Direction


class OpenStream(PortCommand, frozen=True):
    """Open a port whose far end is at a stream socket, which comes with the command.

    `hello` is sent first, as it is.
    """

    framing: Framing
    format: StreamFormat
    hello: bytes = b""


class Close(PortCommand, frozen=True):
    """End the port with all that happens on it."""


class SetRemote(PortCommand, frozen=True):
    """Say who the far end is, and latch on to it anew."""

    remote: Remote


class Connect(PortCommand, frozen=True):
    """Let two ports hear each other, each parted from its former peer or mix."""

    other_slot: int
    other_generation: int


class Disconnect(PortCommand, frozen=True):
    """Part a port from its peer or its mix."""


class JoinMix(PortCommand, frozen=True):
    """Put a port into a mix, out of its former mix or away from its peer; or change its part.

    In a mix each port that `hears` gets the sum of all others that speak, cut at full scale.
    `digits` says whether what its far end presses goes on to the others. A mix is there as long
    as a port is in it; its number is never used again.
    """

    mix: int
    hears: bool = True
    speaks: bool = True
    digits: bool = True
    watched: bool = False  # Speakers reports for this mix


class LeaveMix(PortCommand, frozen=True):
    """Take a port out of this mix, unless it has moved on to another."""

    mix: int


class Echo(PortCommand, frozen=True):
    """Send back what comes in."""

    on: bool


class Silence(PortCommand, frozen=True):
    """Send silence where there is nothing else to send."""

    on: bool


class Indicate(PortCommand, frozen=True):
    """Send a tone where there is nothing better to send; None ends it."""

    tone: ToneSegment | None


class HoldMusic(PortCommand, frozen=True):
    """Send these over and over in place of what peers or a mix say; None ends it.

    A playback comes first; the music waits for its end. Where a file can't be read it goes on
    with HOLD_TONE, and MusicFailed says why.
    """

    segments: tuple[AnySegment, ...] | None


class DetectTalk(PortCommand, frozen=True):
    """Tell when the far end begins and ends to talk; a threshold of 0 ends that.

    `threshold` is the mean magnitude of a frame's samples from which on it counts as speech. Talk
    has ended when there was none for `silence_ms`.
    """

    threshold: int
    silence_ms: int


class DetectTone(PortCommand, frozen=True):
    """Tell when a tone comes in (or goes out) on this frequency in hertz; 0 ends that.

    It is told once for each tone, when that has lasted for `duration_ms`. A tone is this many
    `decibels` above all else there is.
    """

    outgoing: bool
    frequency: int
    duration_ms: int = 500
    decibels: int = 16


class Mute(PortCommand, frozen=True):
    """Replace what comes in, or what goes out, by silence; or end that."""

    side: Side
    on: bool


class DetectDtmf(PortCommand, frozen=True):
    """Listen for in-band DTMF; set by SetRemote to whether events were not negotiated."""

    on: bool


class Play(PortCommand, frozen=True):
    """Play segments without gaps; replaces what the port is playing."""

    playback: int
    segments: tuple[AnySegment, ...]
    offset_ms: int = 0
    paused: bool = False


PlaybackAction = Literal["pause", "unpause", "restart", "forward", "reverse", "stop"]


class ControlPlayback(PortCommand, frozen=True):
    """Change a playback; `ms` is the way to go forward or back."""

    playback: int
    action: PlaybackAction
    ms: int = 0


class Record(PortCommand, frozen=True):
    """Begin a recording."""

    recording: int
    spec: RecordSpec


RecordingAction = Literal["pause", "unpause", "mute", "unmute", "stop", "discard"]


class ControlRecording(Command, frozen=True):
    """Change a recording: paused time is left out of the file, muted time is silence in it."""

    recording: int
    action: RecordingAction


class SendDtmf(PortCommand, frozen=True):
    """Send digits, each followed by `between_ms`; answered by DtmfSent."""

    dtmf: int
    digits: str
    before_ms: int = 0
    between_ms: int = 100
    duration_ms: int = 100
    after_ms: int = 0


class AskRtpStatistics(PortCommand, frozen=True):
    """Ask for a port's RTP statistics."""

    request: int


class AskStatistics(Command, frozen=True):
    """Ask for the process's statistics; it shows too that the process is well."""

    request: int


AnyCommand = (
    OpenRtp
    | OpenPair
    | OpenSnoop
    | OpenStream
    | Close
    | SetRemote
    | Connect
    | Disconnect
    | JoinMix
    | LeaveMix
    | Echo
    | Silence
    | Indicate
    | HoldMusic
    | DetectTalk
    | DetectTone
    | Mute
    | DetectDtmf
    | Play
    | ControlPlayback
    | Record
    | ControlRecording
    | SendDtmf
    | AskRtpStatistics
    | AskStatistics
)

encode = msgspec.msgpack.Encoder().encode
decode_command = msgspec.msgpack.Decoder(AnyCommand).decode
