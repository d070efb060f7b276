"""Sound with signals in between: how control carries what a program says to the media process.

The frames are AudioSocket's (:mod:`.audiosocket`); of its kinds there are AUDIO, whose content is
in the stream's format, and DIGIT. The signals of this module have no content. They wait in the
queue of the sound, or change it:

- MARK is sent back when all sound before it has been spoken;
- FLUSH leaves out sound and marks that wait, and is sent back;
- PAUSE keeps the queue where it is, RESUME goes on.

Who sends this is trusted to have little on its way, since everything is read at once.
"""

import enum

from . import audiosocket


class Signal(enum.IntEnum):
    """What stands between pieces of sound, by the kind of its frame."""

    MARK = 0x20
    FLUSH = 0x21
    PAUSE = 0x22
    RESUME = 0x23


SIGNALS = frozenset(Signal)


def make(signal: Signal) -> bytes:
    """Write one signal."""
    return audiosocket.make(signal)


def sound(octets: bytes) -> bytes:
    """Write a piece of sound, of at most 65535 octets."""
    return audiosocket.make(audiosocket.AUDIO, octets)
