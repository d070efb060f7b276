"""The prompts that can be played by name, in each language."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

# File extensions that can be played, and ARI's name of their format.
FORMATS = {
    ".wav": "wav",
    ".flac": "flac",
    ".gsm": "gsm",
    ".sln": "slin",
    ".sln16": "slin16",
    ".ulaw": "ulaw",
    ".alaw": "alaw",
    ".ogg": "ogg",
}


class SoundFile(msgspec.Struct, frozen=True):
    """One prompt in one language and format."""

    language: str
    format: str
    path: Path


class Sounds:
    """An index of sound folders, read once: looking a prompt up never touches the disk."""

    def __init__(self, index: Mapping[str, tuple[SoundFile, ...]]) -> None:
        """``index`` maps a prompt's name to its files; see :func:`scan`."""
        self._index = index

    def find(self, name: str, language: str) -> Path | None:
        """The file of a prompt: in the language, its base language, or English."""
        files = self._index.get(name, ())
        for wanted in (language, language.split("_", maxsplit=1)[0], "en"):
            for file in files:
                if file.language == wanted:
                    return file.path
        return None

    def get(self, name: str) -> tuple[SoundFile, ...]:
        """All files of a prompt."""
        return self._index.get(name, ())

    def all(self) -> Mapping[str, tuple[SoundFile, ...]]:
        """The whole index."""
        return self._index


def scan(folders: Iterable[Path]) -> Sounds:
    """Read the folders, each with one folder a language (``en/digits/1.flac``).

    Where a prompt is in several folders the first one is found first. Blocks: run it in a
    thread, or before Trio starts.
    """
    index: dict[str, list[SoundFile]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/**/*")):
            form = FORMATS.get(path.suffix)
            if form is None:
                continue
            language, *rest = path.relative_to(folder).with_suffix("").parts
            index.setdefault("/".join(rest), []).append(SoundFile(language, form, path))
    return Sounds({name: tuple(files) for name, files in index.items()})
