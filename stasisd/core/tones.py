"""Call-progress tones by name and country, and as a cadence written out.

The frequencies are those of ITU-T E.180 supplement 2.
"""

import re

from stasisd.media.commands import BUSY, CONGESTION, DIALTONE, RINGBACK, Step, ToneSegment

MOST_STEPS = 64


class BadTone(ValueError):
    """There is no such tone, or the cadence can't be read."""


def _repeat(*steps: tuple[tuple[int, ...], int]) -> ToneSegment:
    return ToneSegment(tuple(Step(frequencies, ms) for frequencies, ms in steps), repeat=True)


US = {
    "dial": DIALTONE,
    "ring": RINGBACK,
    "busy": BUSY,
    "congestion": CONGESTION,
    "callwaiting": _repeat(((440,), 300), ((), 10000)),
    "dialrecall": _repeat(((350, 440), 100), ((), 100)),
    "record": _repeat(((1400,), 500), ((), 15000)),
    "info": _repeat(((950,), 330), ((1400,), 330), ((1800,), 330), ((), 1000)),
}
UK = US | {
    "ring": _repeat(((400, 450), 400), ((), 200), ((400, 450), 400), ((), 2000)),
    "busy": _repeat(((400,), 375), ((), 375)),
    "congestion": _repeat(((400,), 400), ((), 350), ((400,), 225), ((), 525)),
}
DE = US | {
    "dial": _repeat(((425,), 1000)),
    "ring": _repeat(((425,), 1000), ((), 4000)),
    "busy": _repeat(((425,), 480), ((), 480)),
    "congestion": _repeat(((425,), 240), ((), 240)),
}
ZONES = {"us": US, "uk": UK, "de": DE}

# Half the rate of our audio, in hertz.
TOO_HIGH = 4000

# One step of a written cadence: "440+480/2000", in hertz and milliseconds; "0/500" is a pause.
STEP = re.compile(r"(\d{1,4})(?:\+(\d{1,4}))?/(\d{1,6})")


def tone(text: str) -> ToneSegment:
    """The tone that ``ring``, ``busy;tonezone=uk`` or ``440+480/2000,0/4000`` asks for.

    Raises :class:`BadTone`.
    """
    name, _, options = text.partition(";")
    zone = "us"
    if options:
        key, _, zone = options.partition("=")
        if key != "tonezone" or zone not in ZONES:
            raise BadTone(
                f"unknown tone zone {options[:40]!r}; known are {', '.join(sorted(ZONES))}"
            )
    named = ZONES[zone].get(name)
    if named is not None:
        return named
    steps = name.split(",")
    if len(steps) > MOST_STEPS:
        raise BadTone(f"a cadence has at most {MOST_STEPS} steps")
    return ToneSegment(tuple(_step(part) for part in steps), repeat=True)


def _step(text: str) -> Step:
    match = STEP.fullmatch(text.strip())
    if match is None or int(match[3]) == 0:
        raise BadTone(
            f"no tone is called {text[:40]!r}, and it is no cadence like 440+480/2000,0/4000"
        )
    frequencies = tuple(int(f) for f in (match[1], match[2]) if f and int(f))
    if any(frequency >= TOO_HIGH for frequency in frequencies):
        raise BadTone(f"a telephone carries frequencies below {TOO_HIGH} Hz, not {text[:40]!r}")
    return Step(frequencies, int(match[3]))
