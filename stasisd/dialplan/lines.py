r"""The lines of an Asterisk configuration file, without their comments.

A `;` begins a comment, unless escaped as `\;`. `;--` begins a comment that reaches to `--;`, over
lines and nesting, unless a third dash follows. These rules hold inside quotes too.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

_MARK = re.compile(r"\\;|;--(?!-)|--;|;")
_BEGIN, _END, _ESCAPED, _COMMENT = ";--", "--;", r"\;", ";"


class Line(Struct, frozen=True, gc=False):
    """A line's number, from 1, and what is left of it."""

    number: int
    text: str


class UnclosedComment(Struct, frozen=True, gc=False):
    """The file ended inside the comment that this line began."""

    number: int


def lines(text: str) -> Iterator[Line | UnclosedComment]:
    """Yield the lines that say something, stripped of blanks and comments."""
    began: list[int] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        kept = _without_comments(line, number, began).strip()
        if kept:
            yield Line(number, kept)
    if began:
        yield UnclosedComment(began[-1])


def _without_comments(line: str, number: int, began: list[int]) -> str:
    """Return what a line says; `began` holds the lines of the block comments open."""
    kept: list[str] = []
    at = 0
    for mark in _MARK.finditer(line):
        if not began:
            kept.append(line[at : mark.start()])
        at = mark.end()
        if mark[0] == _BEGIN:
            began.append(number)
        elif mark[0] == _END and began:
            began.pop()
        elif mark[0] == _ESCAPED and not began:
            kept.append(";")
        elif not began:
            # A --; outside a block comment is two dashes and a comment.
            kept.append(mark[0].removesuffix(_COMMENT))
            return "".join(kept)
    return "".join(kept) + ("" if began else line[at:])
