"""Where we answer otherwise than a real Asterisk did, each with its reason.

The replays excuse what stands here and nothing else; the same table is the page
`docs/reference/differences.md`.
"""

from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from tests.compatibility.matching import Problem
from tests.compatibility.recording import Line


class Place(msgspec.Struct, frozen=True):
    """Lines of a scenario, and the parts of them that differ, by pattern."""

    scenario: str
    lines: tuple[int, ...]
    paths: tuple[str, ...]

    def holds(self, scenario: str, line: Line, problem: Problem) -> bool:
        return (
            scenario == self.scenario
            and line.n in self.lines
            and any(fnmatchcase(problem.path, path) for path in self.paths)
        )


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One deliberate difference."""

    recorded: str
    ours: str
    reason: str
    places: tuple[Place, ...]


NOT_SENT = ("asked",)

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        recorded="Media of an unknown scheme (`nonsense:x`) is told to start and then never heard "
        "of again.",
        ours="`PlaybackFinished` with state `failed` follows, and `reason` says why.",
        reason="A playback that began has to end, or who waits for its end waits for ever.",
        places=(),  # the recording stops too early to contradict
    ),
    Difference(
        recorded="The response to `POST .../play` shows the playback as `queued` in some runs and "
        "as `playing` in others.",
        ours="It always shows `queued`.",
        reason="Whether the playback or the response is quicker is chance there; here the "
        "response is made before the playback's own task runs.",
        places=(Place("playback", (24,), ("body.state",)),),
    ),
    Difference(
        recorded="`GET /asterisk/info` tells the options, date and user of the build.",
        ours="The fields are there and empty.",
        reason="Nothing was compiled.",
        places=(Place("asterisk_resource", (0,), ("body.build.*",)),),
    ),
    Difference(
        recorded="`GET /asterisk/modules` lists Asterisk's modules, and `GET /asterisk/logging` "
        "the log files of its configuration.",
        ours="They list stasisd's own parts, and the log channels that were added at run time. "
        "Each item has the recorded shape.",
        reason="They are about an implementation, and this is another one.",
        places=(),  # the replay passes over items that were not recorded
    ),
    Difference(
        recorded="A configuration object of the type `auth` shows its password.",
        ours="The field is left out.",
        reason="Who may read the configuration need not learn passwords.",
        places=(),
    ),
    Difference(
        recorded="`GET /sounds` lists the prompts of Asterisk's own packages, as gsm and slin.",
        ours="It lists our own prompts, as flac, and those of Debian's packages where they are "
        "installed. Each item has the recorded shape.",
        reason="The prompts of the packages have authors of their own; ours come with us.",
        places=(Place("sounds", (0,), ("body*",)), Place("sounds", (1,), NOT_SENT)),
    ),
    Difference(
        recorded="A recording that nobody spoke into has a file without samples.",
        ours="Its file holds the silence, as long as the recording was.",
        reason="What lasted four seconds shall play for four seconds. Which samples a file holds "
        "is no part of the interface.",
        places=(Place("record_channel", (25,), ("body",)),),
    ),
    Difference(
        recorded="What is played to a channel fails when somebody joins its bridge.",
        ours="It goes on.",
        reason="Whoever it is for shall hear it to the end; nothing was done to it.",
        places=(Place("bridge_media", (15,), ("event.playback.state",)),),
    ),
    Difference(
        recorded="The last `DeviceStateChanged` of `Local/echo@conformance` says `INUSE` after its "
        "last channel was destroyed.",
        ours="It says `NOT_INUSE`.",
        reason="Whoever shows states would show a call that is over.",
        places=(Place("subscribe_all", (41,), ("event.device_state.state",)),),
    ),
    Difference(
        recorded="When a channel is hung up and its bridge is destroyed right after, the other "
        "channel may leave the bridge first.",
        ours="The one that was hung up leaves first.",
        reason="Each channel has a thread there, and which is quicker is chance.",
        places=(
            Place("external_media", (37, 38, 39), ("event.*",)),
            Place("external_media", (42,), ("event.bridge.technology",)),
        ),
    ),
    Difference(
        recorded="`Answer()` on the far half of a Local channel goes on as soon as something is "
        "played to the near half.",
        ours="It waits for the half second that it waits at most.",
        reason="Between the halves of a Local channel there is no packet to wait for.",
        places=(Place("external_media", (28,), ("missing.ChannelDialplan",)),),
    ),
    Difference(
        recorded="An INVITE within a call is answered by 200 alone.",
        ours="A 100 comes before it.",
        reason="It stops retransmissions while we think; RFC 3261, section 17.2.1, leaves it to "
        "the server.",
        places=(),  # the replay passes over a 100 that was not recorded
    ),
    Difference(
        recorded="Some status lines carry words of their own, such as `400 Invalid Reason`, "
        "`404 Variable Not Found` or `404 Not found`.",
        ours="The words are those of RFC 9110.",
        reason="HTTP clients ignore them, and HTTP/2 has none.",
        places=(),
    ),
    Difference(
        recorded="Passwords are taken over plain HTTP from everywhere.",
        ours="Those of other machines are refused with 403, unless `http.allow_plaintext` is true.",
        reason="Anybody on the way could read them.",
        places=(),
    ),
    Difference(
        recorded="The `server` header names Asterisk and its version.",
        ours="It names stasisd.",
        reason="It is not Asterisk.",
        places=(),
    ),
)


class Excuses:
    """The differences of one scenario, and which of them were met."""

    def __init__(self, scenario: str) -> None:
        self.scenario = scenario
        self.unmet = {
            place
            for difference in DIFFERENCES
            for place in difference.places
            if place.scenario == scenario
        }
        self._places = tuple(self.unmet)

    def __call__(self, line: Line, problem: Problem) -> bool:
        met = [place for place in self._places if place.holds(self.scenario, line, problem)]
        self.unmet.difference_update(met)
        return bool(met)


PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "differences.md"
HEAD = """# Where ARI differs

What follows is all that is known to be answered otherwise than by the Asterisk that was
recorded (its master of 2026). Fields that are only in our answers, such as `detail` beside an
error's `message` and `reason` in a playback, are no differences: clients pass over them. The
recordings are replayed by `tests/compatibility`, which excuse exactly this table; the page is
written by `python -m tests.compatibility.differences`.

| Asterisk | stasisd | why |
|---|---|---|
"""


def page() -> str:
    """The table as a page."""
    rows = (f"| {d.recorded} | {d.ours} | {d.reason} |\n" for d in DIFFERENCES)
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
