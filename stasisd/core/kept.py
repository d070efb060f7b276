"""Named values that outlive the daemon: changed at once in memory, then written to a store.

Changes are synchronous, so memory has one order of them. Whoever wants to know that a change is
on the disk waits for :meth:`Kept.saved`; changes that wait meanwhile are written together.
"""

from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

import trio

V = TypeVar("V")

# How many values there may be, so that no program can fill the memory and the disk with them.
MOST = 50_000


class Full(Exception):
    """There are as many values as there may be; the message says how many."""


class Store(Protocol[V]):
    """Where the values are kept; the store's errors come through."""

    async def load(self) -> dict[str, V]:
        """All values, by name."""

    async def save(self, changed: Mapping[str, V | None]) -> None:
        """Put these values, and remove those that are None, as a whole."""


class Kept(Generic[V]):
    """The values, by name. Without a store they live as long as the daemon."""

    def __init__(self) -> None:
        self.values: dict[str, V] = {}
        self._unsaved: dict[str, V | None] = {}
        self._store: Store[V] | None = None
        self._writing = trio.Lock()

    async def load(self, store: Store[V]) -> None:
        """Take over what an earlier run kept, and keep it there. Raises the store's errors."""
        self.values.update(await store.load())
        self._store = store

    def put(self, name: str, value: V) -> None:
        """Set a value. Raises :class:`Full` for one more than there may be."""
        if name not in self.values and len(self.values) >= MOST:
            raise Full(f"there are {MOST} already")
        self.values[name] = value
        self._unsaved[name] = value

    def remove(self, name: str) -> V | None:
        """Remove a value and return it; None where there is none."""
        if name not in self.values:
            return None
        self._unsaved[name] = None
        return self.values.pop(name)

    async def saved(self) -> None:
        """Wait until all that was changed is in the store. Raises the store's errors.

        What could not be written is tried again with the next change. A caller that gives up
        does not take the change back, so the write is not cancelled with it.
        """
        with trio.CancelScope(shield=True):
            async with self._writing:
                if self._unsaved and self._store is not None:
                    await self._write(self._store)

    async def _write(self, store: Store[V]) -> None:
        changed, self._unsaved = self._unsaved, {}
        try:
            await store.save(changed)
        except Exception:  # no barrier: what was not written is kept, and the error goes on
            self._unsaved = changed | self._unsaved
            raise
