"""Where in a TOML text each key was written.

tomllib tells values, not lines. But each statement of TOML - a header, or a key with its value,
over several lines or not - is valid TOML alone, so the statements are cut out one after the other
by trying, and each gives the keys it defines, in the light of the last header.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

from .errors import KeyPath


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line (from 1) on which each table, key and list item of valid TOML was first written."""
    lines: dict[KeyPath, int] = {}
    arrays: dict[KeyPath, int] = {}
    header: KeyPath = ()
    for line, statement in _statements(text):
        table = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            header = _header(table, arrays)
            table = {}
        for path in (header, *_paths(table, header)):
            for end in range(1, len(path) + 1):
                lines.setdefault(path[:end], line)
    return lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the closest table around it that was written; 1 if none was."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    pending: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        pending.append(line)
        try:
            tomllib.loads("\n".join(pending))
        except tomllib.TOMLDecodeError:
            continue
        yield number - len(pending) + 1, "\n".join(pending)
        pending = []


def _header(table: dict[str, Any], arrays: dict[KeyPath, int]) -> KeyPath:
    """The place a header names; `arrays` counts the elements of arrays of tables so far."""
    path: KeyPath = ()
    node: Any = table
    while isinstance(node, dict) and node:
        key, node = next(iter(node.items()))
        path = (*path, key)
        if isinstance(node, list):  # [[path]]: one element more
            arrays[path] = arrays.get(path, 0) + 1
        if path in arrays:
            path = (*path, arrays[path] - 1)
    return path


def _paths(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """The places within a value, itself included."""
    yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, item in value.items() if isinstance(value, dict) else ():
        yield from _paths(item, (*path, key))
