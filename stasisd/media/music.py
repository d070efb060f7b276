"""Music on hold: a playback of its own for each port, over and over, that can't fail for long."""

from .commands import HOLD_TONE, AnySegment
from .library import Audio, Library
from .playing import Player
from .ports import Mask, Ports, Rows
from .reports import MusicFailed, PlaybackEnded, Report


class Music:
    """What ports on hold hear."""

    def __init__(self, ports: Ports, library: Library, reports: list[Report]) -> None:
        self._ports = ports
        self._reports = reports
        self._outcomes: list[Report] = []  # of the player, which names a playback slot + 1
        self._player = Player(ports, library, self._outcomes)

    def hold(self, slot: int, segments: tuple[AnySegment, ...]) -> None:
        """Begin the music of a port, in place of the one there is."""
        self._player.play(slot, slot + 1, segments, repeat=True)

    def stop(self, slot: int) -> None:
        """End the music of a port, if there is any."""
        self._player.stop(slot, "stopped")

    def opened(self, path: str, audio: Audio | str) -> None:
        """A file was looked at, which some ports may have waited for."""
        self._player.opened(path, audio)
        self._replace_failed()

    def fill(self, rows: Rows) -> Mask:
        """Put the next frame of each row on hold into its `tx`; which rows those were."""
        served = self._player.fill(rows)
        if self._outcomes:
            self._replace_failed()
        return served

    def _replace_failed(self) -> None:
        outcomes = self._outcomes[:]
        self._outcomes.clear()
        for outcome in outcomes:
            if isinstance(outcome, PlaybackEnded) and not outcome.ok:
                slot = outcome.handle - 1
                generation = int(self._ports.generation[slot])
                self._reports.append(MusicFailed(slot, generation, outcome.reason))
                self.hold(slot, (HOLD_TONE,))
