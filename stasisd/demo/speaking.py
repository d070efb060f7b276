"""What a phone sends: an RTP packet every 20 ms, of speech, of keys (RFC 4733), or of silence."""

from collections import deque

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from stasisd.media import codecs
from stasisd.media.commands import DTMF_FREQUENCIES, Remote
from stasisd.rtp import packet, telephone_event

from .hearing import RATE, Samples

FRAME = 160
GAP = RATE * 6 // 100  # between two keys
_AMPLITUDE = 6000  # of each of the two tones of a key
_SILENCE: Samples = np.zeros(FRAME, np.int16)


class Origin(Struct, frozen=True, gc=False):
    """Where a stream of packets begins; RFC 3550 section 5.1 wants all three to be random."""

    source: int
    sequence: int
    timestamp: int


class _Key(Struct):
    """A key that is held; the packets of its event carry the timestamp of its beginning."""

    sender: telephone_event.Sender
    timestamp: int | None = None


class Speaking:
    """The packets of one phone. ``remote`` says how the far end wants them, and may change."""

    def __init__(self, remote: Remote, origin: Origin) -> None:
        self.remote = remote
        self._source = origin.source
        self._sequence = origin.sequence
        self._timestamp = origin.timestamp
        self._queue: deque[Samples | _Key] = deque()
        self._frames: list[Samples] = []

    @property
    def idle(self) -> bool:
        """Whether all that was to be said and pressed has been sent."""
        return not self._queue

    @property
    def said(self) -> Samples:
        """All sound that was sent; silence where keys were pressed."""
        return np.concatenate([_SILENCE[:0], *self._frames])

    def say(self, samples: Samples) -> None:
        """Send sound after what is still to be sent. Its last frame is filled up with silence."""
        padding = np.zeros(-len(samples) % FRAME, np.int16)
        self._queue.append(np.concatenate([samples, padding]))

    def press(self, keys: str, milliseconds: int = 100) -> None:
        """Press keys one after the other: as events, or as tones where the far end takes none.

        Raise ValueError for what is no key.
        """
        if unknown := set(keys) - set(telephone_event.DIGITS):
            raise ValueError(f"no keys of a telephone: {''.join(sorted(unknown))!r}")
        length = milliseconds * RATE // 1000
        for key in keys:
            if self.remote.telephone_event is None:
                self.say(tones(key, length))
            else:
                self._queue.append(_Key(telephone_event.Sender(key, length, FRAME)))
            self.say(np.zeros(GAP, np.int16))

    def next_frame(self) -> list[bytes]:
        """The packets of the next 20 ms; none while the far end wants to hear nothing."""
        step = self._queue[0] if self._queue else _SILENCE
        packets = self._hold(step) if isinstance(step, _Key) else self._speak(step)
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        return packets if self.remote.flow in {"sendrecv", "sendonly"} else []

    def _speak(self, samples: Samples) -> list[bytes]:
        frame, rest = samples[:FRAME], samples[FRAME:]
        if self._queue:
            self._queue.popleft()
            if len(rest):
                self._queue.appendleft(rest)
        self._frames.append(frame)
        payload = codecs.encode(frame, codecs.NUMBERS[self.remote.codec]).tobytes()
        return [self._packet(self.remote.payload_type, payload, self._timestamp)]

    def _hold(self, key: _Key) -> list[bytes]:
        begins = key.timestamp is None
        timestamp = self._timestamp if key.timestamp is None else key.timestamp
        key.timestamp = timestamp
        events = key.sender.next()
        if key.sender.finished:
            self._queue.popleft()
        self._frames.append(_SILENCE)
        number = self.remote.telephone_event
        assert number is not None
        return [
            self._packet(number, telephone_event.make(event), timestamp, marker=begins)
            for event in events
        ]

    def _packet(
        self, payload_type: int, payload: bytes, timestamp: int, *, marker: bool = False
    ) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return packet.make(
            packet.Packet(payload_type, self._sequence, timestamp, self._source, payload, marker)
        )


def tones(key: str, length: int) -> Samples:
    """The two tones of a key (ITU-T Q.23), so many samples long."""
    time: NDArray[np.float64] = np.arange(length) / RATE
    low, high = (np.sin(2 * np.pi * frequency * time) for frequency in DTMF_FREQUENCIES[key])
    mixed: Samples = (_AMPLITUDE * (low + high)).astype(np.int16)
    return mixed
