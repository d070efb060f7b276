"""Who talks: for single ports that want to be told, and for mixes that are watched.

The level of a frame is the mean magnitude of its samples; from a threshold on it is speech.
"""

import numpy as np
from numpy.typing import NDArray

from .mixes import Mixes
from .ports import NOBODY, Ports, Rows
from .reports import Report, Speaker, Speakers, TalkFinished, TalkStarted

THRESHOLD = 256  # of speech, where nobody says another
FRAME_MS = 20
LOOK_EVERY = 10  # frames between two looks at who talks in a mix
LINGER = 25  # frames for which who was loud counts as talking
MOST_SPEAKERS = 8  # in one report
_SMOOTH = 0.1  # a new frame's part in the level of a speaker
_KEEPS = 1.5  # times as loud as the first speaker is who takes the first place


def level(frames: NDArray[np.int16]) -> NDArray[np.float32]:
    """The mean magnitudes of K x n samples."""
    levels: NDArray[np.float32] = np.abs(frames.astype(np.float32)).mean(axis=1)
    return levels


class Talk:
    """Ports whose talk is reported, as arrays over slots."""

    def __init__(self, ports: Ports, reports: list[Report]) -> None:
        slots = ports.slots
        self._ports = ports
        self._reports = reports
        self._threshold = np.zeros(slots, np.int64)  # 0: nobody wants to know
        self._most_quiet = np.zeros(slots, np.int64)  # frames
        self._talks = np.zeros(slots, np.bool_)
        self._quiet = np.zeros(slots, np.int64)  # frames since the last loud one
        self._since = np.zeros(slots, np.int64)  # frames since the talk began

    def detect(self, slot: int, threshold: int, silence_ms: int) -> None:
        """Begin to listen, or change how; a threshold of 0 ends it, without a report."""
        self._threshold[slot] = threshold
        self._most_quiet[slot] = max(1, -(-silence_ms // FRAME_MS))
        self._talks[slot] &= threshold > 0

    def listen(self, rows: Rows) -> None:
        """Hear the `rx` of ports that are listened to."""
        rows = rows[self._threshold[rows] > 0]
        if not len(rows):
            return
        loud = self._ports.rx_ok[rows] & (level(self._ports.rx[rows]) >= self._threshold[rows])
        talked = self._talks[rows]
        self._quiet[rows] = np.where(loud, 0, self._quiet[rows] + 1)
        self._since[rows] = np.where(talked, self._since[rows] + 1, 1)
        ended = talked & (self._quiet[rows] >= self._most_quiet[rows])
        self._talks[rows] = (talked | loud) & ~ended
        for slot in rows[loud & ~talked]:
            self._reports.append(TalkStarted(int(slot), int(self._ports.generation[slot])))
        for slot in rows[ended]:
            generation, duration = int(self._ports.generation[slot]), int(self._since[slot])
            self._reports.append(TalkFinished(int(slot), generation, duration * FRAME_MS))


class Floor:
    """Who has the floor in the mixes that are watched.

    Reported when it changes, and not oftener than every 200 ms. Who speaks keeps the first place
    until another is clearly louder.
    """

    def __init__(self, ports: Ports, mixes: Mixes, reports: list[Report]) -> None:
        self._ports = ports
        self._mixes = mixes
        self._reports = reports
        self._level = np.zeros(ports.slots, np.float32)  # of each speaker, smoothed
        self._until = np.zeros(ports.slots, np.int64)  # the frame in which it stops to count
        self._next_look = 0
        self._reported: dict[int, list[int]] = {}  # by the mix's number, the first one first

    def forget(self, slot: int) -> None:
        """Another port has the slot now."""
        self._level[slot] = self._until[slot] = 0
        self._reported = {
            number: [speaker for speaker in speakers if speaker != slot]
            for number, speakers in self._reported.items()
        }

    def listen(self, phase: int, frame_number: int) -> None:
        """Hear what the ports of this phase say in watched mixes."""
        rows = self._mixes.watched_speakers(phase)
        if len(rows):
            levels = level(self._mixes.said[rows])
            self._level[rows] += _SMOOTH * (levels - self._level[rows])
            self._until[rows[levels >= THRESHOLD]] = frame_number + LINGER
        if frame_number >= self._next_look:
            self._next_look = frame_number + LOOK_EVERY
            self._look(frame_number)

    def _look(self, frame_number: int) -> None:
        watched = self._mixes.watched()
        for number in self._reported.keys() - watched.keys():
            del self._reported[number]
        for number, members in watched.items():
            before = self._reported.get(number, [])
            talking = members[self._until[members] > frame_number]
            now = self._ordered(talking, before[0] if before else NOBODY)
            if now[:1] != before[:1] or set(now) != set(before):
                self._reported[number] = now
                self._reports.append(Speakers(number, tuple(map(self._speaker, now))))

    def _ordered(self, talking: Rows, first: int) -> list[int]:
        weight = self._level[talking] * np.where(talking == first, _KEEPS, 1)
        order = np.argsort(-weight, kind="stable")[:MOST_SPEAKERS]
        return [int(slot) for slot in talking[order]]

    def _speaker(self, slot: int) -> Speaker:
        return Speaker(slot, int(self._ports.generation[slot]), int(self._level[slot]))
