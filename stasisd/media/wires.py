"""Ports whose audio travels over a stream socket: AudioSocket, or plain samples.

A stream may bring sound faster than it is spoken: a machine that speaks sends a sentence at once.
So what came is queued, and nothing more is read while enough is queued; the far end then waits, as
TCP has it. What the far end does not take for a second is left out, as on a wire.
"""

from collections import deque
from typing import Protocol

import numpy as np

from . import audiosocket
from .codecs import NUMBERS, Samples, decode, encode
from .commands import ALL_DIGITS, Framing, StreamFormat
from .linear import Linear
from .ports import Ports, Rows
from .reports import Report, StreamEnded

ENOUGH = 1600  # samples queued until more is read: 200 ms
BEGIN = 320  # samples queued until a sound begins, or a frame's wait
PATIENCE = 50  # frames that wait to be taken
DIGIT_MS = 100  # of a digit, whose length is not told


class Stream(Protocol):
    """A connected stream socket; none of its verbs blocks or raises."""

    def receive(self) -> bytes | None:
        """What has come, b"" where nothing has; None once the far end is gone."""

    def send(self, data: bytes) -> int:
        """Send some of `data`; how much was taken."""

    def close(self) -> None:
        """End it."""


class Coding(Protocol):
    """Octets of one format to samples of 8 kHz and back."""

    def decode(self, octets: bytes) -> Samples:
        """Octets as samples."""

    def encode(self, samples: Samples) -> bytes:
        """Samples as octets."""


class Companded:
    """G.711 in a stream."""

    def __init__(self, codec: int) -> None:
        self._codec = codec

    def decode(self, octets: bytes) -> Samples:
        """Octets as samples."""
        return decode(np.frombuffer(octets, np.uint8), self._codec)

    def encode(self, samples: Samples) -> bytes:
        """Samples as octets."""
        return encode(samples, self._codec).tobytes()


def _coding(name: StreamFormat) -> Coding:
    match name:
        case "slin":
            return Linear(8000, "<")
        case "slin16":
            return Linear(16000, "<")
        case "ulaw":
            return Companded(NUMBERS["PCMU"])
        case "alaw":
            return Companded(NUMBERS["PCMA"])


class Ended(Exception):
    """The far end ended the stream; says why."""


class Plain:
    """Nothing but octets of the format."""

    def __init__(self, name: StreamFormat) -> None:
        self._coding = _coding(name)
        self._width = 2 if name in {"slin", "slin16"} else 1
        self._rest = b""

    def read(self, data: bytes) -> tuple[list[Samples], str]:
        """Sound and digits in what came."""
        data = self._rest + data
        whole = len(data) - len(data) % self._width
        self._rest = data[whole:]
        return [self._coding.decode(data[:whole])], ""

    def sound(self, samples: Samples) -> bytes:
        """A frame for the far end."""
        return self._coding.encode(samples)

    def digit(self, _digit: str) -> bytes:
        """Digits have no place in plain sound."""
        return b""

    def goodbye(self) -> bytes:
        """Nor has an end."""
        return b""


def _digit(content: bytes) -> str:
    digit = content[:1].decode("latin-1").upper()
    return digit if digit and digit in ALL_DIGITS else ""


class Framed:
    """AudioSocket; the far end may send sound at either rate, whatever we send."""

    def __init__(self, name: StreamFormat) -> None:
        self._parser = audiosocket.Parser()
        self._kind = audiosocket.AUDIO_16 if name == "slin16" else audiosocket.AUDIO
        self._codings = {
            audiosocket.AUDIO: Linear(8000, "<"),
            audiosocket.AUDIO_16: Linear(16000, "<"),
        }

    def read(self, data: bytes) -> tuple[list[Samples], str]:
        """Sound and digits in what came; raises Ended."""
        sounds, digits = [], ""
        for kind, content in self._parser.receive(data):
            if kind in self._codings:
                even = content[: len(content) - len(content) % 2]
                sounds.append(self._codings[kind].decode(even))
            elif kind == audiosocket.DIGIT:
                digits += _digit(content)
            elif kind == audiosocket.HANGUP:
                raise Ended("the far end hung up")
            elif kind == audiosocket.FAILURE:
                raise Ended(f"the far end failed with code {content[:4].hex() or 'none'}")
        return sounds, digits

    def sound(self, samples: Samples) -> bytes:
        """A frame for the far end."""
        return audiosocket.make(self._kind, self._codings[self._kind].encode(samples))

    def digit(self, digit: str) -> bytes:
        """A key for the far end."""
        return audiosocket.make(audiosocket.DIGIT, digit.encode())

    def goodbye(self) -> bytes:
        """The end, said."""
        return audiosocket.make(audiosocket.HANGUP)


class Wire:
    """One stream: what is queued for its port, and what the far end has yet to take."""

    def __init__(self, stream: Stream, framing: Plain | Framed, hello: bytes) -> None:
        self.stream = stream
        self.framing = framing
        self.ended = False
        self._queue: deque[Samples] = deque()
        self.queued = 0
        self._playing = self._waited = False
        self._unsent: deque[bytes] = deque([hello] if hello else [])

    def put(self, sounds: list[Samples]) -> None:
        """Queue what came."""
        self._queue.extend(sounds)
        self.queued += sum(len(sound) for sound in sounds)

    def take(self, frame: Samples) -> bool:
        """Fill the next frame; False where there is nothing, or too little to begin with."""
        if not self._playing:
            self._playing = self.queued >= BEGIN or self._waited
            self._waited = self.queued > 0
        if not self._playing or not self.queued:
            self._playing = False
            return False
        filled = 0
        while self._queue and filled < len(frame):
            sound = self._queue.popleft()
            count = min(len(sound), len(frame) - filled)
            frame[filled : filled + count] = sound[:count]
            filled += count
            if count < len(sound):
                self._queue.appendleft(sound[count:])
        frame[filled:] = 0
        self.queued -= filled
        return True

    def send(self, data: bytes) -> None:
        """Send what waits and then this, or let it wait; past the patience it is left out."""
        if data and len(self._unsent) < PATIENCE:
            self._unsent.append(data)
        while self._unsent:
            taken = self.stream.send(self._unsent[0])
            if taken < len(self._unsent[0]):
                self._unsent[0] = self._unsent[0][taken:]
                return
            self._unsent.popleft()


class Wires:
    """All ports of this kind; they are few, so each is served by itself."""

    def __init__(self, ports: Ports, reports: list[Report]) -> None:
        self._ports = ports
        self._reports = reports
        self._wires: dict[int, Wire] = {}
        self._digits: list[tuple[int, str]] = []

    @property
    def count(self) -> int:
        """Streams that are open."""
        return len(self._wires)

    def open(
        self, slot: int, stream: Stream, framing: Framing, name: StreamFormat, hello: bytes
    ) -> None:
        """Begin with a stream; `hello` is sent first, as it is."""
        made = Framed(name) if framing == "audiosocket" else Plain(name)
        self._wires[slot] = Wire(stream, made, hello)

    def close(self, slot: int) -> None:
        """Say goodbye and end the stream."""
        wire = self._wires.pop(slot)
        if not wire.ended:
            wire.send(wire.framing.goodbye())
        wire.stream.close()

    def hear(self, rows: Rows) -> None:
        """Read what has come for the ports, and fill their `rx`."""
        for slot in rows.tolist():
            wire = self._wires[slot]
            if not wire.ended and wire.queued < ENOUGH:
                self._read(slot, wire)
            self._ports.rx_ok[slot] = wire.take(self._ports.rx[slot])

    def _read(self, slot: int, wire: Wire) -> None:
        data = wire.stream.receive()
        try:
            if data is None:
                raise Ended("the far end closed the connection")
            sounds, digits = wire.framing.read(data)
        except Ended as ended:
            wire.ended = True
            generation = int(self._ports.generation[slot])
            self._reports.append(StreamEnded(slot, generation, str(ended)))
        else:
            wire.put(sounds)
            self._digits += [(slot, digit) for digit in digits]

    def digits(self) -> list[tuple[int, str]]:
        """Digits that came since the last call: (slot, digit)."""
        digits, self._digits = self._digits, []
        return digits

    def send(self, rows: Rows) -> None:
        """Send the `tx` of those ports that have any, and what still waits."""
        for slot in rows.tolist():
            wire = self._wires[slot]
            if not wire.ended:
                has = self._ports.tx_ok[slot]
                wire.send(wire.framing.sound(self._ports.tx[slot]) if has else b"")

    def send_digit(self, slot: int, digit: str) -> None:
        """Tell the far end of a key."""
        wire = self._wires[slot]
        if not wire.ended:
            wire.send(wire.framing.digit(digit))
