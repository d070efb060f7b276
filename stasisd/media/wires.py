"""Ports whose audio travels over a stream socket: AudioSocket, or sound that control paces.

A stream may bring sound faster than it is spoken: a machine that speaks sends a sentence at once.
So what came is queued, and nothing more is read while enough is queued; the far end then waits, as
TCP has it. What the far end does not take for a second is left out, as on a wire. Control has such
a queue of its own for those that it paces, and what it says is read at once.
"""

from collections import deque
from typing import Protocol

import numpy as np

from . import audiosocket, paced
from .codecs import NUMBERS, Samples, decode, encode
from .commands import ALL_DIGITS, Framing, StreamFormat
from .linear import Linear
from .paced import SIGNALS, Signal
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


Said = Samples | Signal


class Ended(Exception):
    """The far end ended the stream; says why."""


class Paced:
    """Sound of any format with control's signals in it; see :mod:`.paced`."""

    bounded = True

    def __init__(self, name: StreamFormat) -> None:
        self._parser = audiosocket.Parser()
        self._coding = _coding(name)
        self._width = 2 if name in {"slin", "slin16"} else 1
        self._rest = b""

    def read(self, data: bytes) -> tuple[list[Said], str]:
        """Sound and signals in what came."""
        said: list[Said] = []
        for kind, content in self._parser.receive(data):
            if kind == audiosocket.AUDIO:
                said.append(self._decode(content))
            elif kind in SIGNALS:
                said.append(Signal(kind))
                if kind == Signal.FLUSH:
                    self._rest = b""
        return said, ""

    def _decode(self, octets: bytes) -> Samples:
        octets = self._rest + octets
        whole = len(octets) - len(octets) % self._width
        self._rest = octets[whole:]
        return self._coding.decode(octets[:whole])

    def sound(self, samples: Samples) -> bytes:
        """A frame for the far end."""
        return paced.sound(self._coding.encode(samples))

    def digit(self, digit: str) -> bytes:
        """A key for the far end."""
        return audiosocket.make(audiosocket.DIGIT, digit.encode())

    def goodbye(self) -> bytes:
        """Control knows that it is the end."""
        return b""


def _digit(content: bytes) -> str:
    digit = content[:1].decode("latin-1").upper()
    return digit if digit and digit in ALL_DIGITS else ""


class Framed:
    """AudioSocket; the far end may send sound at either rate, whatever we send."""

    bounded = False

    def __init__(self, name: StreamFormat) -> None:
        self._parser = audiosocket.Parser()
        self._kind = audiosocket.AUDIO_16 if name == "slin16" else audiosocket.AUDIO
        self._codings = {
            audiosocket.AUDIO: Linear(8000, "<"),
            audiosocket.AUDIO_16: Linear(16000, "<"),
        }

    def read(self, data: bytes) -> tuple[list[Said], str]:
        """Sound and digits in what came; raises Ended."""
        sounds: list[Said] = []
        digits = ""
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

    def __init__(self, stream: Stream, framing: Paced | Framed, hello: bytes) -> None:
        self.stream = stream
        self.framing = framing
        self.ended = False
        self._queue: deque[Said] = deque()
        self._queued = 0
        self._playing = self._waited = self._paused = False
        self._unsent: deque[bytes] = deque([hello] if hello else [])

    @property
    def wants_more(self) -> bool:
        """Whether what has come should be read."""
        return not self.ended and (self.framing.bounded or self._queued < ENOUGH)

    def put(self, said: list[Said]) -> None:
        """Queue what came, or do what it says."""
        for each in said:
            if isinstance(each, Signal):
                self._obey(each)
            else:
                self._queue.append(each)
                self._queued += len(each)

    def _obey(self, signal: Signal) -> None:
        match signal:
            case Signal.MARK:
                self._queue.append(signal)
            case Signal.FLUSH:
                self._queue.clear()
                self._queued = 0
                self._unsent.append(paced.make(signal))
            case Signal.PAUSE | Signal.RESUME:
                self._paused = signal is Signal.PAUSE

    def take(self, frame: Samples) -> bool:
        """Fill the next frame; False where there is nothing, or too little to begin with."""
        if self._paused:
            return False
        self._pass_marks()
        if not self._playing:
            self._playing = self._queued >= BEGIN or self._waited
            self._waited = self._queued > 0
        if not self._playing or not self._queued:
            self._playing = False
            return False
        filled = 0
        while self._queue and filled < len(frame):
            sound = self._queue.popleft()
            assert not isinstance(sound, Signal), "those at the head were passed"
            count = min(len(sound), len(frame) - filled)
            frame[filled : filled + count] = sound[:count]
            filled += count
            if count < len(sound):
                self._queue.appendleft(sound[count:])
            self._pass_marks()
        frame[filled:] = 0
        self._queued -= filled
        return True

    def _pass_marks(self) -> None:
        """Send back the marks before which nothing is left."""
        while self._queue and isinstance(self._queue[0], Signal):
            self._queue.popleft()
            self._unsent.append(paced.make(Signal.MARK))

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
        made = Framed(name) if framing == "audiosocket" else Paced(name)
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
            if wire.wants_more:
                self._read(slot, wire)
            self._ports.rx_ok[slot] = wire.take(self._ports.rx[slot])

    def _read(self, slot: int, wire: Wire) -> None:
        data = wire.stream.receive()
        while data and wire.framing.bounded and (more := wire.stream.receive()):
            data += more
        try:
            if data is None:
                raise Ended("the far end closed the connection")
            said, digits = wire.framing.read(data)
        except Ended as ended:
            wire.ended = True
            generation = int(self._ports.generation[slot])
            self._reports.append(StreamEnded(slot, generation, str(ended)))
        else:
            wire.put(said)
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
