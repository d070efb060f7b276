"""A dictionary of bounded size."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(dict[K, V]):
    """Keeps so many entries; the one that was added first makes room for a new one."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def keep(self, key: K, value: V) -> None:
        """Adds an entry, or replaces it where it stands."""
        if key not in self and len(self) >= self._size:
            del self[next(iter(self))]
        self[key] = value
