"""The audit log's files: one JSON record a line, each with the hash of the line before it.

A record can't be changed, removed or put elsewhere without all hashes after it being wrong. A whole
new chain could still be written by who has the files: note the last hash elsewhere now and then
(`stasisd audit verify` prints it). Files are named by the serial number of their first record, so
they sort by age and the oldest may go. Everything here blocks.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from .errors import StoreError
from .files import PRIVATE_FILE, make_private_folder

BEGINNING = "0" * 64  # stands for the hash before the first record of all
SUFFIX = ".jsonl"
MOST_OF_A_LINE = 1 << 20  # bytes


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked and decided. ``at`` is seconds since 1970; ``token`` is its id, not itself.

    ``outcome`` is "allow", "deny", "absent" (no such object) or "invalid"; ``reason`` says why
    it was denied, also where the caller was told that there is no such object.
    """

    at: float
    operation: str
    outcome: str
    tenant: str = ""
    token: str = ""
    objects: tuple[str, ...] = ()
    reason: str = ""
    request: str = ""


class Record(msgspec.Struct, frozen=True):
    """An entry in its place: ``previous`` is the SHA-256 of the line before, in hex."""

    serial: int
    previous: str
    entry: Entry


class BrokenChain(StoreError):
    """A record is not the one that was written; the message names file and line."""


class Seal(msgspec.Struct, frozen=True):
    """Where a chain ends: the serial number and hash of its last record."""

    serial: int = 0
    hash: str = BEGINNING


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


def link(seal: Seal, entry: Entry) -> tuple[bytes, Seal]:
    """The line that an entry becomes after this end of the chain, and the new end; pure."""
    line = _encode(Record(seal.serial + 1, seal.hash, entry))
    return line + b"\n", Seal(seal.serial + 1, _hash(line))


def files_in(folder: Path) -> list[Path]:
    """The files of a log, the oldest first."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit())


def verify(folder: Path) -> Seal:
    """Reads the whole log and returns its end.

    The first record's predecessor is not there to be compared with, unless it is the first of
    all. Raises BrokenChain at the first record that does not follow from the one before, and
    OSError.
    """
    seal: Seal | None = None
    for path in files_in(folder):
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                seal = _follow(seal, line, f"{path}, line {number}")
    return seal or Seal()


def _follow(seal: Seal | None, line: bytes, place: str) -> Seal:
    try:
        record = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BrokenChain(f"{place}: not a record") from None
    if seal is None:
        seal = Seal() if record.serial == 1 else Seal(record.serial - 1, record.previous)
    if record.serial != seal.serial + 1:
        raise BrokenChain(f"{place}: record {record.serial} follows record {seal.serial}")
    if record.previous != seal.hash:
        raise BrokenChain(f"{place}: the record before it is not the one that was written")
    return Seal(record.serial, _hash(line.removesuffix(b"\n")))


def read(folder: Path, after: int, limit: int) -> list[Record]:
    """The records behind a serial number, in order, at most so many. Raises as `verify`."""
    found: list[Record] = []
    paths = files_in(folder)
    # The last file that begins no later than the record wanted, and those behind it.
    first = max((n for n, path in enumerate(paths) if int(path.stem) <= after + 1), default=0)
    for record in _records(paths[first:]):
        if len(found) == limit:
            break
        if record.serial > after:
            found.append(record)
    return found


def _records(paths: Iterable[Path]) -> Iterator[Record]:
    for path in paths:
        try:
            with path.open("rb") as file:
                # A line that is just being written is not there yet.
                yield from (_decode(line) for line in file if line.endswith(b"\n"))
        except FileNotFoundError:
            continue  # it was the oldest, and has gone meanwhile
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise BrokenChain(f"{path}: a line is not a record") from None


class AuditFiles:
    """Appends to a log, and goes on in a new file where one has grown too big."""

    def __init__(self, folder: Path, file_bytes: int, keep_files: int) -> None:
        """``keep_files`` counts the one that is being written."""
        self.folder = folder
        self._file_bytes = file_bytes
        self._keep = keep_files
        self._file: BinaryIO | None = None
        self._size = 0
        self.seal = Seal()

    def append(self, entries: Iterable[Entry]) -> None:
        """Writes entries, all or none of them. Raises OSError, and BrokenChain at the first use."""
        if self._file is None:
            self._resume()
        if self._size >= self._file_bytes:
            self._turn_over()
        assert self._file is not None
        lines, seal = bytearray(), self.seal
        for entry in entries:
            line, seal = link(seal, entry)
            lines += line
        try:
            _write_all(self._file.fileno(), lines)
        except OSError:
            os.ftruncate(self._file.fileno(), self._size)
            raise
        self.seal = seal
        self._size += len(lines)

    def close(self) -> None:
        """Puts on the disk what was written, and writes no more. Idempotent."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def _resume(self) -> None:
        make_private_folder(self.folder)
        paths = files_in(self.folder)
        if not paths:
            self._open(1)
            return
        line = _last_line(paths[-1])
        if line:
            self.seal = _follow(None, line, f"{paths[-1]}, its last line")
        elif len(paths) > 1:  # it was made just before the end, and nothing came into it
            paths[-1].unlink()
            self._resume()
            return
        self._file = _appending(paths[-1])
        self._size = self._file.seek(0, os.SEEK_END)

    def _turn_over(self) -> None:
        self.close()
        self._open(self.seal.serial + 1)
        for path in files_in(self.folder)[: -self._keep]:
            path.unlink()

    def _open(self, serial: int) -> None:
        self._file = _appending(self.folder / f"{serial:016d}{SUFFIX}")
        self._size = 0


def _appending(path: Path) -> BinaryIO:
    flags = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return open(os.open(path, flags, PRIVATE_FILE), "ab+", buffering=0)  # noqa: PTH123 - of a descriptor, and kept


def _last_line(path: Path) -> bytes:
    """The last line, once what a killed process left half written is taken away; b"" for none."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - MOST_OF_A_LINE)
        file.seek(start)
        tail = file.read()
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            file.truncate(start + whole)
        return b"".join(tail[:whole].splitlines()[-1:])


def _write_all(descriptor: int, data: bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
