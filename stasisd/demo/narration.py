"""What the demo prints: what happens in plain words, with ARI's requests and events beside it."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .ari import Json

# The first half of a UUID tells the playbacks of one call apart.
_UUID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
# Where what stands beside a step begins.
_INDENT = 10

# What is worth telling of an event, by its type.
DETAILS: dict[str, Callable[[Json], Any]] = {
    "StasisStart": lambda e: f"{e['channel']['name']} in state {e['channel']['state']}",
    "ChannelStateChange": lambda e: e["channel"]["state"],
    "ChannelDtmfReceived": lambda e: e["digit"],
    "ChannelVarset": lambda e: f"{e['variable']}={e['value']}",
    "ChannelHangupRequest": lambda e: f"cause {e.get('cause', '')}",
    "ChannelDialplan": lambda e: e["dialplan_app"],
    "PlaybackStarted": lambda e: e["playback"]["media_uri"],
    "PlaybackFinished": lambda e: f"{e['playback']['media_uri']} {e['playback']['state']}",
    "RecordingStarted": lambda e: e["recording"]["name"],
    "RecordingFinished": lambda e: f"{e['recording'].get('duration', 0)} s",
    "RecordingFailed": lambda e: e["recording"].get("cause", ""),
}


class Narrator:
    """Prints; ``clock`` tells seconds. It is a Witness of ARI, and shows everything if verbose."""

    def __init__(self, console: Console, clock: Callable[[], float], *, verbose: bool) -> None:
        self._console = console
        self._clock = clock
        self._verbose = verbose
        self._start = clock()

    def step(self, text: str) -> None:
        """Tell what happens next."""
        elapsed = f"{self._clock() - self._start:5.1f} s  "
        self._console.print(Text.assemble((elapsed, "dim"), (text, "bold")))

    def noticed(self, text: str) -> None:
        """Tell what was found to be as it should."""
        self._beside("✓", "green", text)

    def requested(self, method: str, path: str, parameters: Json, status: int) -> None:
        """Show a request of the application."""
        given = " ".join(f"{name}={_written(value)}" for name, value in parameters.items())
        style = "cyan" if status < 400 else "red"
        self._beside("→", style, f"{method} /ari/{path} {given}".rstrip(), f" {status}")

    def notified(self, event: Json) -> None:
        """Show an event that the application is told."""
        tell = DETAILS.get(event["type"])
        details = f" {tell(event)}" if tell is not None else ""
        self._beside("←", "magenta", event["type"], details)
        if self._verbose:
            self._beside("", "dim", msgspec.json.encode(event).decode())

    def sip(self, direction: str, data: bytes) -> None:
        """Show a SIP message of the phone, when verbose."""
        if self._verbose:
            first_line = data.partition(b"\r\n")[0].decode("utf-8", "replace")
            self._beside(direction, "yellow", first_line)

    def failed(self, text: str) -> None:
        """Tell what did not happen as it should."""
        self._console.print(Panel(Text(text), title="This is not as it should be", style="red"))

    def summary(self, files: Sequence[tuple[str, str, str]], verdict: str) -> None:
        """Show the files (name, duration, content), and how all of it went."""
        table = Table("File", "Length", "Content", box=None, padding=(0, 2, 0, 0))
        for row in files:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print()
        self._console.print(table)
        self._console.print()
        self._console.print(Text(verdict, style="bold green"))

    def _beside(self, sign: str, style: str, text: str, dim: str = "") -> None:
        shown = text if self._verbose else _UUID.sub(r"\1…", text)
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_column(width=_INDENT)
        line.add_column(overflow="fold")
        line.add_row(
            Text(sign, style, justify="right"), Text.assemble((shown, style), (dim, "dim"))
        )
        self._console.print(line)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
