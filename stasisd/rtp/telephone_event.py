"""Named telephone events: the sixteen DTMF digits in RTP (RFC 4733, section 2.3).

::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |     event     |E|R| volume    |          duration             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

All packets of one event carry the timestamp of its start, and a growing duration in samples;
the last one, with E set, is sent three times.
"""

import struct

import msgspec

DIGITS = "0123456789*#ABCD"
LONGEST = 0xFFFF  # samples; an event that lasts longer is cut there
ENDS = 3  # times the final packet is sent
VOLUME = 10  # -dBm0
_EVENT = struct.Struct("!BBH")
_END = 0x80


class MalformedEvent(ValueError):
    """The payload is no telephone event."""


class TelephoneEvent(msgspec.Struct, frozen=True, gc=False):
    """One report of an event in progress, or of its end; `duration` in samples so far."""

    event: int
    duration: int
    end: bool = False
    volume: int = VOLUME


class Digit(msgspec.Struct, frozen=True, gc=False):
    """One DTMF digit that has ended; `duration` in samples."""

    digit: str
    duration: int


def parse(payload: bytes) -> TelephoneEvent:
    """Read one event; raises MalformedEvent."""
    if len(payload) < _EVENT.size:
        raise MalformedEvent("shorter than four bytes")
    event, flags, duration = _EVENT.unpack_from(payload)
    return TelephoneEvent(event, duration, bool(flags & _END), flags & 0x3F)


def make(event: TelephoneEvent) -> bytes:
    """Write one event."""
    return _EVENT.pack(event.event, event.end << 7 | event.volume, min(event.duration, LONGEST))


class Receiver:
    """The events of one stream: each digit comes out once, when it ends.

    An event ends with its first packet that has E set. When all of those are lost it ends with
    the next event's first packet, or when nothing was heard of it for `PATIENCE` seconds. Another
    sender (SSRC) has timestamps of its own, which can't be older than those before.
    """

    PATIENCE = 0.12

    __slots__ = ("_current", "_ended", "_heard", "_ssrc", "_timestamp")

    def __init__(self) -> None:
        self._current: TelephoneEvent | None = None
        self._ssrc: int | None = None
        self._timestamp: int | None = None
        self._ended = False
        self._heard = 0.0

    @property
    def pending(self) -> bool:
        """Whether a digit has begun and not ended."""
        return self._current is not None

    def receive(self, event: TelephoneEvent, ssrc: int, timestamp: int, now: float) -> list[Digit]:
        """Take one event with its packet's SSRC and timestamp; the digits that ended by it."""
        digits: list[Digit] = []
        if (ssrc, timestamp) != (self._ssrc, self._timestamp):
            if self._is_old(ssrc, timestamp):
                return digits
            digits += self._finish()
            self._ssrc, self._timestamp, self._ended = ssrc, timestamp, False
        if self._ended:
            return digits
        known = self._current.duration if self._current is not None else 0
        self._current = msgspec.structs.replace(event, duration=max(event.duration, known))
        self._heard = now
        if event.end:
            digits += self._finish()
        return digits

    def expire(self, now: float) -> list[Digit]:
        """End a digit of which nothing was heard for too long."""
        return self._finish() if now - self._heard >= self.PATIENCE else []

    def _is_old(self, ssrc: int, timestamp: int) -> bool:
        if self._timestamp is None or ssrc != self._ssrc:
            return False
        return 0 < (self._timestamp - timestamp) & 0xFFFFFFFF < 0x80000000

    def _finish(self) -> list[Digit]:
        current, self._current, self._ended = self._current, None, True
        if current is None or current.event >= len(DIGITS):
            return []
        return [Digit(DIGITS[current.event], current.duration)]


class Sender:
    """One digit on its way out: `next` is called once per frame until `finished`."""

    __slots__ = ("_digit", "_elapsed", "_frame", "_samples", "finished")

    def __init__(self, digit: str, samples: int, frame: int = 160) -> None:
        self._digit = DIGITS.index(digit)
        self._samples = min(samples, LONGEST)
        self._frame = frame
        self._elapsed = 0
        self.finished = False

    def next(self) -> list[TelephoneEvent]:
        """The events to send with this frame: one while it lasts, three at its end."""
        self._elapsed = min(self._elapsed + self._frame, self._samples)
        self.finished = self._elapsed >= self._samples
        event = TelephoneEvent(self._digit, self._elapsed, self.finished)
        return [event] * (ENDS if self.finished else 1)
