"""The segments of a playback laid end to end, in samples."""

from bisect import bisect_right
from itertools import accumulate

from .commands import AnySegment, FileSegment, Step, ToneSegment
from .library import BLOCK, Audio, Library, Run

ENDLESS = 1 << 62  # samples
_RATE_MS = 8


class Failed(Exception):
    """A segment can't be read."""


class FileSpan:
    """A whole file."""

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self.length = audio.length

    def run(self, library: Library, at: int) -> Run | None:
        """What lies together from `at` on, None while it is read; raises Failed."""
        if self._audio.error is not None:
            raise Failed(self._audio.error)
        return library.run(self._audio, at)


class ToneSpan:
    """Steps of a tone, once or for ever."""

    def __init__(self, segment: ToneSegment) -> None:
        self._steps = [step for step in segment.steps if step.ms > 0]
        self._ends = list(accumulate(step.ms * _RATE_MS for step in self._steps))
        self._cycle = self._ends[-1] if self._ends else 0
        self.length = ENDLESS if segment.repeat and self._cycle else self._cycle

    def run(self, library: Library, at: int) -> Run | None:
        """What lies together from `at` on; None while the arena is full."""
        within = at % self._cycle
        index = bisect_right(self._ends, within)
        step, end = self._steps[index], self._ends[index]
        inside = within - (end - step.ms * _RATE_MS)
        tone = library.tone(step.frequencies)
        run = library.run(tone, inside % tone.length)
        return Run(run.at, min(run.count, end - within)) if run is not None else None


Span = FileSpan | ToneSpan


class Timeline:
    """Spans with their places, once or over and over; files come in as they are opened."""

    def __init__(self, segments: tuple[AnySegment, ...], *, repeat: bool = False) -> None:
        self._segments = segments
        self._repeat = repeat
        self._opened: dict[str, Audio] = {}
        self._spans: list[Span] = []
        self._ends: list[int] = []
        self.missing = {part.path for part in segments if isinstance(part, FileSegment)}
        self._lay()

    def enter(self, path: str, audio: Audio) -> None:
        """A file is open; the timeline is whole when none is missing."""
        self._opened[path] = audio
        self.missing.discard(path)
        self._lay()

    def _lay(self) -> None:
        if self.missing:
            return
        self._spans = [self._span(segment) for segment in self._segments]
        self._ends = list(accumulate(span.length for span in self._spans))

    def _span(self, segment: AnySegment) -> Span:
        if isinstance(segment, FileSegment):
            return FileSpan(self._opened[segment.path])
        return ToneSpan(segment)

    @property
    def length(self) -> int:
        """Samples in all."""
        return ENDLESS if self._repeat and self._lap else self._lap

    @property
    def _lap(self) -> int:
        return self._ends[-1] if self._ends else 0

    def run(self, library: Library, position: int) -> Run | None:
        """What lies together from `position` (before the end) on; None while it is read.

        Raises Failed.
        """
        return self._run(library, position % self._lap)[0]

    def _run(self, library: Library, within: int) -> tuple[Run | None, int]:
        """The run at a position of the lap, and how much of its span is left."""
        index = bisect_right(self._ends, within)
        span, end = self._spans[index], self._ends[index]
        return span.run(library, within - (end - span.length)), end - within

    def prepare(self, library: Library, position: int) -> None:
        """Have read what is played within a second from `position` on; raises Failed."""
        end = min(position + BLOCK, self.length)
        while position < end:
            run, left = self._run(library, position % self._lap)
            position += run.count if run is not None else left


def is_sound(segments: tuple[AnySegment, ...]) -> bool:
    """Whether all numbers of the segments make sense."""
    tones = [part for part in segments if isinstance(part, ToneSegment)]
    steps = [step for tone in tones for step in tone.steps]
    return all(_is_sound(step) for step in steps)


def _is_sound(step: Step) -> bool:
    return step.ms >= 0 and all(0 < frequency < 4000 for frequency in step.frequencies)
