"""Recordings on disk: the one folder of a tenant that ARI may write to and read from.

Names may hold slashes, never leave the folder, and are looked up without following links.
Everything that touches the disk runs in a thread.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import trio

# Extensions of recordings, and ARI's name of the format.
FORMATS = {
    ".wav": "wav",
    ".ulaw": "ulaw",
    ".alaw": "alaw",
    ".sln": "slin",
    ".flac": "flac",
    ".ogg": "ogg",
}
# In bytes, so that name and extension fit into any file system.
LONGEST_NAME = 200


class BadName(ValueError):
    """A recording can't have this name."""


class AlreadyExists(Exception):
    """There is a recording of this name."""


class StoredRecording(msgspec.Struct, frozen=True):
    """One recording: its name, ARI's name of its format, and its file."""

    name: str
    format: str
    path: Path


async def delete(recording: StoredRecording) -> None:
    """Remove a recording. Raises FileNotFoundError where it is gone already, or OSError."""
    await trio.to_thread.run_sync(recording.path.unlink)


def checked(name: str) -> str:
    """The name, if a recording can have it. Raises :class:`BadName`."""
    parts = name.split("/")
    if (
        not name
        or len(name.encode("utf-8", "replace")) > LONGEST_NAME
        or any(part in {"", ".", ".."} or part.startswith(".") for part in parts)
        or any(ord(c) < 32 or c in "\\\x7f" for c in name)
    ):
        raise BadName(name)
    return name


class StoredRecordings:
    """A tenant's recordings folder."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when the first recording needs it."""
        self.folder = folder

    async def find(self, name: str) -> StoredRecording | None:
        """The recording of this name, or None."""
        return await trio.to_thread.run_sync(self._find, name)

    async def all(self) -> list[StoredRecording]:
        """All recordings, by name."""
        return await trio.to_thread.run_sync(lambda: sorted(self._walk(), key=lambda r: r.name))

    async def room(self, limit: int | None) -> int | None:
        """How many bytes may be added within a limit, 0 at least; None without one."""
        if limit is None:
            return None
        return max(0, limit - await trio.to_thread.run_sync(self._bytes))

    def _bytes(self) -> int:
        total = 0
        for folder, _, files in os.walk(self.folder):
            for file in files:
                with contextlib.suppress(OSError):  # gone meanwhile
                    total += Path(folder, file).lstat().st_size
        return total

    async def copy(self, recording: StoredRecording, name: str) -> StoredRecording:
        """Copy a recording to a new name.

        Raises :class:`BadName`, :class:`AlreadyExists` or OSError.
        """
        return await trio.to_thread.run_sync(self._copy, recording, checked(name))

    async def place(self, name: str, extension: str, *, may_exist: bool) -> Path:
        """The path for a recording to be made, its folder made with it.

        Raises :class:`BadName`, :class:`AlreadyExists` or OSError.
        """
        return await trio.to_thread.run_sync(self._place, checked(name), extension, may_exist)

    def _find(self, name: str) -> StoredRecording | None:
        try:
            checked(name)
        except BadName:
            return None
        for extension, form in FORMATS.items():
            path = self.folder / f"{name}{extension}"
            if self._is_ours(path):
                return StoredRecording(name, form, path)
        return None

    def _is_ours(self, path: Path) -> bool:
        """A plain file, reached from our folder through no link."""
        try:
            if path.is_symlink() or not path.is_file():
                return False
            return path.parent.resolve().is_relative_to(self.folder.resolve())
        except OSError:
            return False

    def _walk(self) -> Iterator[StoredRecording]:
        for folder, _, files in os.walk(self.folder):
            for file in files:
                path = Path(folder, file)
                form = FORMATS.get(path.suffix)
                name = str(path.relative_to(self.folder).with_suffix(""))
                if form is not None and not path.is_symlink() and _is_allowed(name):
                    yield StoredRecording(name, form, path)

    def _place(self, name: str, extension: str, may_exist: bool) -> Path:
        if not may_exist and self._find(name) is not None:
            raise AlreadyExists(name)
        path = self.folder / f"{name}{extension}"
        # Asked before a folder is made: a link could let even that happen elsewhere.
        if not path.parent.resolve().is_relative_to(self.folder.resolve()):
            raise BadName(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        return path

    def _copy(self, recording: StoredRecording, name: str) -> StoredRecording:
        target = self._place(name, recording.path.suffix, may_exist=False)
        temporary = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(recording.path, temporary, follow_symlinks=False)
            os.link(temporary, target)  # fails where somebody else was faster
        except FileExistsError:
            raise AlreadyExists(name) from None
        finally:
            temporary.unlink(missing_ok=True)
        return StoredRecording(name, recording.format, target)


def _is_allowed(name: str) -> bool:
    try:
        checked(name)
    except BadName:
        return False
    return True
