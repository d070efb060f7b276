"""Log channels: files that take copies of the log's lines, made, rotated and removed at run time.

Lines are appended as they come. That is a system call on a local file, like the log itself; a
file that can't be written any more is passed over, since nobody could be told in the log.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec

# What may be asked for, by the level of our log that it means.
LEVELS = {
    "debug": ("DEBUG",),
    "info": ("NOTICE", "VERBOSE"),
    "warning": ("WARNING",),
    "error": ("ERROR",),
    "critical": ("ERROR",),
}
NAMES = ("DEBUG", "NOTICE", "WARNING", "ERROR", "VERBOSE", "DTMF", "FAX", "SECURITY")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
MOST = 16  # channels of one tenant
BIGGEST = 64 << 20  # bytes after which a file is rotated by itself
KEPT = 5  # rotated files that stay


class BadLogChannel(Exception):
    """The name or the levels can't be used; the message says what could."""


class LogChannelExists(Exception):
    """There is a channel of this name."""


class LogChannel:
    """One file and the levels it takes."""

    def __init__(self, path: Path, levels: frozenset[str]) -> None:
        """Opens the file. Raises OSError."""
        self.path = path
        self.levels = levels
        self._file: BinaryIO | None = None
        self._size = 0
        self._open()

    @property
    def is_enabled(self) -> bool:
        """Whether lines are still written."""
        return self._file is not None

    def write(self, line: bytes) -> None:
        """Append a line, which ends in a line break."""
        if self._file is None:
            return
        try:
            self._file.write(line)
            self._size += len(line)
            if self._size > BIGGEST:
                self.rotate()
        except OSError:
            self.close()

    def rotate(self) -> None:
        """Go on in a new file; the old one is kept as ``.1``, older ones behind it.

        Raises OSError.
        """
        self.close()
        for number in range(KEPT, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number - 1}")
            source = self.path if number == 1 else older
            if source.exists():
                source.replace(self.path.with_name(f"{self.path.name}.{number}"))
        self._open()

    def close(self) -> None:
        """Write no more. The file stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        # Unbuffered: a line is in the file when the next one is made.
        self._file = self.path.open("ab", buffering=0)
        self._size = self._file.tell()


class LogChannelSnapshot(msgspec.Struct, frozen=True):
    """A log channel: its file, whether it is written, and the levels it takes."""

    path: Path
    enabled: bool
    levels: tuple[str, ...]


class LogFiles:
    """The log channels of one tenant, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._channels: dict[str, LogChannel] = {}

    def all(self) -> list[LogChannelSnapshot]:
        """All channels, in the order in which they were made."""
        return [
            LogChannelSnapshot(
                channel.path,
                channel.is_enabled,
                tuple(name for name in NAMES if name in channel.levels),
            )
            for channel in self._channels.values()
        ]

    def add(self, name: str, configuration: str) -> None:
        """Make a channel of this name, for levels such as ``notice,warning,error`` or ``*``.

        Raises BadLogChannel, LogChannelExists, or OSError.
        """
        if NAME.fullmatch(name) is None:
            raise BadLogChannel(
                "a name has letters, digits, '_', '-' and '.', and does not begin with '.' or '-'"
            )
        levels = parse_levels(configuration)
        if name in self._channels:
            raise LogChannelExists(name)
        if len(self._channels) >= MOST:
            raise BadLogChannel(f"there are {MOST} log channels already")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._channels[name] = LogChannel(self._folder / name, levels)

    def get(self, name: str) -> LogChannel | None:
        """The channel of this name."""
        return self._channels.get(name)

    def remove(self, name: str) -> bool:
        """Remove a channel, but not its file; says whether there was one."""
        channel = self._channels.pop(name, None)
        if channel is None:
            return False
        channel.close()
        return True

    def is_wanted(self, level: str) -> bool:
        """Whether any channel takes lines of this level of our log."""
        names = LEVELS.get(level, ())
        return any(not channel.levels.isdisjoint(names) for channel in self._channels.values())

    def write(self, level: str, line: bytes) -> None:
        """Give a line of our log, of this level, to all that take it."""
        names = LEVELS.get(level, ())
        for channel in self._channels.values():
            if not channel.levels.isdisjoint(names):
                channel.write(line)

    def close(self) -> None:
        """Write no more."""
        while self._channels:
            self._channels.popitem()[1].close()


def parse_levels(configuration: str) -> frozenset[str]:
    """The levels of a list as Asterisk's ``logger.conf`` has it. Raises BadLogChannel."""
    listed = re.sub(r"^\s*\[\w+\]", "", configuration)  # a format; ours is JSON lines always
    wanted = [name.strip().upper() for name in listed.split(",") if name.strip()]
    wanted = [re.sub(r"^VERBOSE\(\w*\)$", "VERBOSE", name) for name in wanted]
    if "*" in wanted:
        return frozenset(NAMES)
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown or not wanted:
        said = f"no level is called {unknown[0]}" if unknown else "no level is given"
        raise BadLogChannel(f"{said}; there are {_joined(NAMES)} and *")
    return frozenset(wanted)


def _joined(names: Iterable[str]) -> str:
    return ", ".join(name.lower() for name in names)
