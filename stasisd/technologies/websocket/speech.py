"""What a program said that nobody has heard yet. Sans-IO.

A machine that speaks sends sentences at once, and takes them back when somebody falls in. So the
sound waits here, and only a little of it is on its way to the media process, which plays it at its
pace and sends each mark back when all before the mark was heard.
"""

from collections import deque

from stasisd.media import paced
from stasisd.media.paced import Signal

# In frames of 20 ms.
CHUNK = 5  # sound between two marks of ours
AHEAD = 15  # sound on its way to the media process, about
XON, XOFF = 800, 900  # as in Asterisk
FULL = 6000  # two minutes


class Speech:
    """The queue of one channel; ``to_media`` is what has to be sent to the media process."""

    def __init__(self, frame: int) -> None:
        """``frame`` is the octets of 20 ms."""
        self._frame = frame
        self._waiting: deque[memoryview | str] = deque()
        # Of what is on its way: octets, or the text that its mark stands for.
        self._ahead: deque[int | str] = deque()
        self._flushing = 0
        self._octets = 0
        self._octets_ahead = 0
        self._signals = b""
        self.paused = False

    @property
    def frames(self) -> int:
        """How much waits to be heard, in frames, the last one perhaps not whole."""
        return -(-self._octets // self._frame)

    @property
    def is_empty(self) -> bool:
        """Whether all was heard."""
        return not self._waiting and not self._ahead

    @property
    def is_full(self) -> bool:
        """Whether no more should be taken until some of it was heard."""
        return self.frames >= FULL

    def say(self, sound: bytes) -> None:
        """More to be heard."""
        if sound:
            self._waiting.append(memoryview(sound))
            self._octets += len(sound)

    def mark(self, text: str) -> None:
        """Have this text back from ``reached`` when all before it was heard."""
        self._waiting.append(text)

    def flush(self) -> None:
        """Leave out what was not heard yet, and the marks in it."""
        self._waiting.clear()
        self._ahead.clear()
        self._octets = self._octets_ahead = 0
        self._flushing += 1
        self._signals += paced.make(Signal.FLUSH)

    def pause(self, on: bool) -> None:
        """Keep it back, or go on."""
        self.paused = on
        self._signals += paced.make(Signal.PAUSE if on else Signal.RESUME)

    def reached(self, signal: int) -> str | None:
        """A signal came back; the text that it stands for, if any.

        What was on its way when all was flushed comes back before the flush does.
        """
        if signal == Signal.FLUSH:
            self._flushing -= 1
        elif signal == Signal.MARK and not self._flushing and self._ahead:
            heard = self._ahead.popleft()
            if isinstance(heard, str):
                return heard
            self._octets -= heard
            self._octets_ahead -= heard
        return None

    def to_media(self) -> bytes:
        """What is to be sent now."""
        said, self._signals = [self._signals], b""
        while self._waiting and self._octets_ahead < AHEAD * self._frame:
            next_ = self._waiting.popleft()
            if not isinstance(next_, str):
                said.append(paced.sound(bytes(self._cut(next_))))
            else:
                self._ahead.append(next_)
            said.append(paced.make(Signal.MARK))
        return b"".join(said)

    def _cut(self, sound: memoryview) -> memoryview:
        """The beginning of a sound; the rest goes on waiting."""
        most = CHUNK * self._frame
        if len(sound) > most:
            self._waiting.appendleft(sound[most:])
            sound = sound[:most]
        self._ahead.append(len(sound))
        self._octets_ahead += len(sound)
        return sound
