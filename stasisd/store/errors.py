"""What can go wrong with stored state, by condition."""

from pathlib import Path


class StoreError(Exception):
    """Base of every error of this room."""


class Unusable(StoreError):
    """A state file that can't be used as it is; the message says what to do."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class InsecureFile(Unusable):
    """A file of secrets that others could have read or written."""


class DatabaseClosed(StoreError):
    """Asked after `close`."""


class DatabaseFailed(StoreError):
    """SQLite refused: the disk is full, the file is damaged, another process holds it."""


class CloseTimeout(StoreError):
    """The writer was still busy when the bound on closing ran out."""
