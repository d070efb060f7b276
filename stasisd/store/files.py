"""Files and folders that only the daemon's user may read. All of this blocks."""

import os
import stat
from pathlib import Path

from .errors import InsecureFile

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private_folder(path: Path) -> None:
    """Makes the folder, and its parents where missing; one that exists is left as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Makes sure that the file exists and is ours alone, whatever the umask."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        os.fchmod(descriptor, PRIVATE_FILE)
    finally:
        os.close(descriptor)


def read_private(path: Path) -> bytes:
    """The file's bytes; raises InsecureFile where others have access, and OSError."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        mode = stat.S_IMODE(status.st_mode)
        if mode & _OTHERS:
            raise InsecureFile(
                path, f"others have access to it (mode {mode:04o}); run: chmod 600 {path}"
            )
        if status.st_uid not in {os.geteuid(), 0} and os.geteuid() != 0:
            raise InsecureFile(path, f"it belongs to another user (uid {status.st_uid})")
        return file.read()


def write_private(path: Path, data: bytes) -> None:
    """Replaces the file in one step: after a crash it holds the old bytes or the new ones."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with open(os.open(temporary, flags, PRIVATE_FILE), "wb") as file:  # noqa: PTH123 - of a descriptor
        if os.geteuid() == 0:  # the administrator writes for the daemon, which must read it
            owner = path.parent.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Puts the folder's entries on the disk, so that a rename survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
