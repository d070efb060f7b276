"""What the media process reports: the other half of the contract of :mod:`.commands`."""

from typing import Literal

import msgspec


class Report(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Something that happened in the media process."""


class PortReport(Report, frozen=True):
    """Something that happened on one port."""

    slot: int
    generation: int


class HandleReport(Report, frozen=True):
    """Something that became of a playback, a recording or digits, by the number in the command."""

    handle: int


class Opened(PortReport, frozen=True):
    """The port's sockets are bound."""


class OpenFailed(PortReport, frozen=True):
    """The port's sockets could not be bound, and it is closed."""

    reason: str


class Latched(PortReport, frozen=True):
    """The first valid packet came from this address, and what we send goes there."""

    host: str
    port: int


class DtmfReceived(PortReport, frozen=True):
    """The far end pressed a key and let it go."""

    digit: str
    duration_ms: int


class StreamEnded(PortReport, frozen=True):
    """The far end of a stream is gone; the port is there until it is closed."""

    reason: str


class TalkStarted(PortReport, frozen=True):
    """The far end began to talk."""


class TalkFinished(PortReport, frozen=True):
    """The far end has been quiet for long enough; the duration is from its beginning until now."""

    duration_ms: int


class ToneDetected(PortReport, frozen=True):
    """The tone that was listened for has lasted long enough, in what comes in or goes out."""

    outgoing: bool


class MusicFailed(PortReport, frozen=True):
    """The music on hold can't be read, and a tone has taken its place."""

    reason: str


class Speaker(msgspec.Struct, frozen=True, array_like=True):
    """Who talks in a mix: its port, and the mean magnitude of its samples."""

    slot: int
    generation: int
    level: int


class Speakers(Report, frozen=True):
    """Who talks in a watched mix now, the loudest first; sent when that has changed."""

    mix: int
    speakers: tuple[Speaker, ...]


class DtmfSent(HandleReport, frozen=True):
    """All digits of a SendDtmf are out, or the port closed before."""

    completed: bool


class PortClosed(PortReport, frozen=True):
    """The last report of every port; made by control."""

    reason: str


class PlaybackStarted(HandleReport, frozen=True):
    """The files are readable and the first frame is on its way."""


class PlaybackEnded(HandleReport, frozen=True):
    """Nothing of the playback is sent any more; `ok` unless it failed, `reason` says how it ended.

    `reason` is "finished", "stopped", "replaced", "closed", or what went wrong.
    """

    ok: bool
    reason: str
    position_ms: int


class RecordingStarted(HandleReport, frozen=True):
    """The file is open."""


RecordingEnd = Literal[
    "stopped", "discarded", "max_duration", "max_silence", "dtmf", "hangup", "failed"
]


class RecordingEnded(HandleReport, frozen=True):
    """The file is closed (or was never made); `reason` says what failed where `ok` is false."""

    ok: bool
    why: RecordingEnd
    reason: str
    duration_ms: int
    talking_ms: int
    silence_ms: int


class RtpStatistics(Report, frozen=True):
    """One port's RTP counts; all zero for a port without RTP."""

    request: int = 0
    local_ssrc: int = 0
    remote_ssrc: int = 0
    tx_packets: int = 0
    tx_octets: int = 0
    rx_packets: int = 0
    rx_octets: int = 0
    lost: int = 0
    late: int = 0
    malformed: int = 0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    remote_lost: int = 0
    remote_jitter_ms: float = 0.0


class WorkerStatistics(Report, frozen=True):
    """What the media process holds, and how it does."""

    request: int = 0
    ports: int = 0
    sockets: int = 0
    playbacks: int = 0
    recordings: int = 0
    files: int = 0
    audio_bytes: int = 0
    ticks: int = 0
    late_ticks: int = 0
    rejected: int = 0
    malformed: int = 0
    mixes: int = 0


class Rejected(Report, frozen=True):
    """A command made no sense: a mistake in control, or a port that is gone."""

    command: str
    reason: str


AnyReport = (
    Opened
    | OpenFailed
    | Latched
    | DtmfReceived
    | StreamEnded
    | TalkStarted
    | TalkFinished
    | ToneDetected
    | MusicFailed
    | Speakers
    | DtmfSent
    | PlaybackStarted
    | PlaybackEnded
    | RecordingStarted
    | RecordingEnded
    | RtpStatistics
    | WorkerStatistics
    | Rejected
)

encode = msgspec.msgpack.Encoder().encode
decode_reports = msgspec.msgpack.Decoder(list[AnyReport]).decode
