"""Range requests: RFC 9110 section 14, and If-Range of section 13.1.5. Pure."""

from __future__ import annotations

import re
from email.utils import formatdate

import msgspec

# One range of bytes. More digits than any file has bytes are as invalid as letters.
_BYTE_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE)


class Part(msgspec.Struct, frozen=True):
    """Bytes `offset` to `offset + length`; `length` is at least 1."""

    offset: int
    length: int


class Unsatisfiable(msgspec.Struct, frozen=True):
    """The range lies outside of the representation: 416."""


class Validators(msgspec.Struct, frozen=True):
    """What tells one version of a representation from another: ETag and Last-Modified."""

    etag: str
    last_modified: str
    date_is_strong: bool


def validators(size: int, modified: float, now: float) -> Validators:
    """Make the validators of a file; `modified` and `now` in seconds of the epoch.

    The date is a strong validator once it can't change within its second (section 8.8.2.2).
    """
    return Validators(
        etag=f'"{int(modified * 1e6):x}-{size:x}"',
        last_modified=formatdate(modified, usegmt=True),
        date_is_strong=now - modified >= 1.0,
    )


def select(header: str | None, size: int) -> Part | Unsatisfiable | None:
    """Decide what a Range header asks of `size` bytes; None is all of them.

    An unknown unit, bad syntax and several ranges are ignored, as section 14.2 allows.
    """
    match = _BYTE_RANGE.fullmatch(header) if header is not None else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        return _first_to_last(int(first), int(last) if last else size, size)
    return _suffix(int(last), size) if last else None


def _first_to_last(first: int, last: int, size: int) -> Part | Unsatisfiable | None:
    if first >= size:
        return Unsatisfiable()
    if last < first:
        return None
    return Part(first, min(last, size - 1) - first + 1)


def _suffix(length: int, size: int) -> Part | Unsatisfiable:
    length = min(length, size)
    return Part(size - length, length) if length else Unsatisfiable()


def if_range_holds(header: str | None, current: Validators) -> bool:
    """Tell whether Range may be honoured: no If-Range, or one that names this very version.

    The comparison is strong: a weak tag, or a date that might still change, never matches.
    """
    if header is None:
        return True
    if header.startswith('"'):
        return header == current.etag
    return current.date_is_strong and header == current.last_modified
