"""Mistakes in the configuration."""

from pathlib import Path

import msgspec

# A place in the configuration: table names, keys, and indexes into lists.
KeyPath = tuple[str | int, ...]


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with one key. `got` never shows a password; `hint` is a sentence or empty."""

    path: KeyPath
    expected: str
    got: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"key '{dotted(self.path)}': expected {self.expected}, got {self.got}"
        return f"{text}. {self.hint}" if self.hint else text


class Problem(msgspec.Struct, frozen=True):
    """A mistake where it was written; `line` is 0 where it concerns the file as a whole."""

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class ConfigurationError(Exception):
    """The configuration can't be used. `problems` holds all that were found, in file order."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def dotted(path: KeyPath) -> str:
    """A place as the message names it: `tenants.default.sounds[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
