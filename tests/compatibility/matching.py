"""Whether our answer is the recorded one, but for what differs from run to run.

Ids that the server chose (`epoch.N`, UUIDs, the eight digits in a channel's name) stand for each
other: the first pair seen binds them, both ways, for the rest of the scenario. Times only have to
be times. Fields that we add are allowed; fields that are missing or stand in another order not.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

TOKEN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a bridge, a playback
    r"|(?<![0-9.])[0-9]{10}\.[0-9]+"  # a channel
    r"|(?<=-)[0-9a-f]{8}(?=;|$)"  # the end of a channel's name
    r"|(?<=-)0x[0-9a-f]+$"  # and of one for external media
)
# What is measured of a call, as it is written into variables.
QUALITY = re.compile(r"ssrc=| *minr")
CHOSEN = {"local_ssrc", "remote_ssrc"}  # at random, by each end
FREE = {"UNICASTRTP_LOCAL_PORT"}  # one of the ports that there are, the same from then on
NUMBER = re.compile(r" *\d+(\.\d+)?")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


class Problem(msgspec.Struct, frozen=True):
    """One difference, by the place in the answer or event: `body.dialplan.priority`."""

    path: str
    recorded: Any
    ours: Any


class Names:
    """Which recorded id is which of ours."""

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    def bind(self, recorded: str, ours: str) -> bool:
        """Whether the two may stand for each other, which they do from now on."""
        if recorded not in self._ours and ours not in self._recorded:
            self._ours[recorded] = ours
            self._recorded[ours] = recorded
        return self._ours.get(recorded) == ours

    def given(self, text: str) -> None:
        """The client chose the names in this text: they are the same for us."""
        for token in TOKEN.findall(text):
            if "-" in token or "." in token:  # our own, which the client only repeats
                continue
            self._ours.setdefault(token, token)
            self._recorded.setdefault(token, token)

    def to_ours(self, text: str) -> str:
        """A recorded text with our ids in it."""
        return TOKEN.sub(lambda match: self._ours.get(match[0], match[0]), text)

    def to_recorded(self, text: str) -> str:
        """One of our texts with the recorded ids in it."""
        return TOKEN.sub(lambda match: self._recorded.get(match[0], match[0]), text)

    def is_bound(self, recorded: str) -> bool:
        """Whether all ids of a recorded text are known."""
        return all(token in self._ours for token in TOKEN.findall(recorded))

    def texts_match(self, recorded: str, ours: str) -> bool:
        if recorded in self._ours:
            return self._ours[recorded] == ours
        if TIME.fullmatch(recorded):
            return TIME.fullmatch(ours) is not None
        if QUALITY.match(recorded):
            return NUMBER.sub("#", recorded) == NUMBER.sub("#", ours)
        if TOKEN.sub("#", recorded) != TOKEN.sub("#", ours):
            return False
        pairs = zip(TOKEN.findall(recorded), TOKEN.findall(ours), strict=True)
        return all(self.bind(*pair) for pair in pairs)

    def problems(self, path: str, recorded: Any, ours: Any) -> Iterator[Problem]:
        """All differences between two JSON values."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            yield from self._fields(path, recorded, ours)
        elif isinstance(recorded, list) and isinstance(ours, list):
            if len(recorded) != len(ours):
                yield Problem(path, recorded, ours)
                return
            for index, pair in enumerate(zip(recorded, ours, strict=True)):
                yield from self.problems(f"{path}[{index}]", *pair)
        elif isinstance(recorded, str) and isinstance(ours, str):
            if not self.texts_match(recorded, ours):
                yield Problem(path, recorded, ours)
        elif type(recorded) is not type(ours) or recorded != ours:
            yield Problem(path, recorded, ours)

    def _fields(
        self, path: str, recorded: dict[str, Any], ours: dict[str, Any]
    ) -> Iterator[Problem]:
        common = [name for name in ours if name in recorded]
        if common != [name for name in recorded if name in ours]:
            yield Problem(f"{path}:order", list(recorded), list(ours))
        for name, value in recorded.items():
            if name in ours and name in CHOSEN:
                yield from self.problems(f"{path}.{name}", type(value), type(ours[name]))
            elif name == "channels" and isinstance(ours.get(name), list):
                # Asterisk has them in a hash table.
                yield from self.problems(
                    f"{path}.{name}", sorted(value, key=self.to_ours), sorted(ours[name])
                )
            elif name in ours and name in FREE and self.bind(value, ours[name]):
                continue
            elif name in ours:
                yield from self.problems(f"{path}.{name}", value, ours[name])
            else:
                yield Problem(f"{path}.{name}", value, None)
