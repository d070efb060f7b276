"""From a method and a path to an operation: a trie of path segments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from stasisd.operations.declare import Operation

_ANY = ""  # the key below which a placeholder's branch hangs; no literal segment is empty


class Match(msgspec.Struct, frozen=True):
    """An operation and the parameters that stand in the path."""

    operation: Operation
    parameters: dict[str, str]


class _Node:
    def __init__(self) -> None:
        self.branches: dict[str, _Node] = {}
        self.methods: dict[str, tuple[Operation, tuple[str, ...]]] = {}


class Routes:
    """All routes of all operations."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            for route in operation.routes:
                self._add(operation, route.method, route.path)

    def _add(self, operation: Operation, method: str, path: str) -> None:
        node, names = self._root, []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                segment = _ANY  # noqa: PLW2901 - a placeholder's name does not matter to the trie
            node = node.branches.setdefault(segment, _Node())
        node.methods[method] = operation, tuple(names)

    def match(self, method: str, path: Sequence[str]) -> Match | None:
        """The operation that this method and path ask for."""
        found = self._find(path)
        if found is None or method not in found[0].methods:
            return None
        node, values = found
        operation, names = node.methods[method]
        return Match(operation, dict(zip(names, values, strict=True)))

    def allowed(self, path: Sequence[str]) -> tuple[str, ...] | None:
        """The methods that a path takes, or None for a path there is not."""
        found = self._find(path)
        return None if found is None else ("OPTIONS", *found[0].methods)

    def _find(self, path: Sequence[str]) -> tuple[_Node, list[str]] | None:
        """Walk the trie. A literal wins over a placeholder, and is tried alone."""
        node, values = self._root, []
        for segment in path:
            branch = node.branches.get(segment) if segment else None
            if branch is None:
                branch = node.branches.get(_ANY) if segment else None
                values.append(segment)
            if branch is None:
                return None
            node = branch
        return (node, values) if node.methods else None
