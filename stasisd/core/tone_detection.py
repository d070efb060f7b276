"""``TONE_DETECT``: what is to be listened for on a channel, and how often it came.

Only the frequency, its duration and what follows are here; listening is the media process's.
"""

import re

import msgspec

# As in Asterisk, where the request does not say.
DURATION_MS = 500
DECIBELS = 16
MOST_DECIBELS = 60
LONGEST_MS = 600_000
HIGHEST = 3999  # hertz: half of the sampling rate is the end
MOST_HITS = 1_000_000
OPTION = re.compile(r"([a-z])(?:\(([^()]*)\))?")
KNOWN = frozenset("deghnrstx")


class BadDetection(ValueError):
    """The arguments of the function make no sense; the message says which."""


class ToneDetection(msgspec.Struct, kw_only=True):
    """What is listened for on a channel's two sides.

    ``hits`` is how many tones it takes on one side until one is told, and sends the channel to
    ``goto_in`` or ``goto_out``: context, extension and priority with commas, the first of them
    optional. ``once`` ends it then.
    """

    frequency: int
    duration_ms: int
    decibels: int
    incoming: bool
    outgoing: bool
    hits: int
    once: bool
    goto_in: str
    goto_out: str
    # What came so far.
    heard_in: int = 0
    heard_out: int = 0
    over: bool = False

    def listens(self, *, outgoing: bool) -> bool:
        """Whether there is something to listen for on a side."""
        return not self.over and (self.outgoing if outgoing else self.incoming)

    def heard(self, *, outgoing: bool) -> bool:
        """Count a tone; whether it is one to be told."""
        if self.over:
            return False
        if outgoing:
            self.heard_out += 1
        else:
            self.heard_in += 1
        enough = (self.heard_out if outgoing else self.heard_in) >= self.hits
        self.over = enough and self.once
        return enough

    def place(self, *, outgoing: bool) -> str:
        """Where the channel is to go because of a tone, or ""."""
        return self.goto_out if outgoing or not self.goto_in else self.goto_in


def parse(argument: str) -> ToneDetection | None:
    """Read ``FREQUENCY[,MILLISECONDS[,OPTIONS]]``; None for the option that ends it.

    Raises :class:`BadDetection`.
    """
    frequency, duration, options = (*(part.strip() for part in argument.split(",", 2)), "", "")[:3]
    given = _options(options)
    if "x" in given:
        return None
    # Without any option it is what comes in; with some, both sides unless they name one.
    incoming = "r" in given or "t" not in given
    return ToneDetection(
        frequency=_number("the frequency", frequency, 0, HIGHEST),
        duration_ms=_number("the duration", duration, 1, LONGEST_MS, DURATION_MS),
        decibels=_number("d", given.get("d", ""), 1, MOST_DECIBELS, DECIBELS),
        incoming=incoming,
        outgoing=bool(options) and "r" not in given,
        hits=_number("n", given.get("n", ""), 1, MOST_HITS, 1),
        once="e" in given,
        goto_in=given.get("g", ""),
        goto_out=given.get("h", ""),
    )


def _options(text: str) -> dict[str, str]:
    found = list(OPTION.finditer(text))
    if "".join(match[0] for match in found) != text:
        raise BadDetection(f"options are letters, some with a value in parentheses: {text!r}")
    given = {match[1]: match[2] or "" for match in found}
    unknown = sorted(given.keys() - KNOWN)
    if unknown:
        raise BadDetection(f"there are no options {', '.join(unknown)} here")
    return given


def _number(what: str, text: str, least: int, most: int, default: int | None = None) -> int:
    if not text and default is not None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise BadDetection(f"{what} is a number from {least} to {most}, not {text!r}")
    return int(text)
