"""Waiting for the disk, and what to say when it fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stasisd.core.kept import Full, Kept
from stasisd.store.errors import StoreError

from .errors import OperationFailed


@contextmanager
def changing() -> Iterator[None]:
    """Say so, where what is kept may not grow any more."""
    try:
        yield
    except Full as full:
        raise OperationFailed("There are too many", detail=str(full)) from None


async def on_disk(kept: Kept[Any]) -> None:
    """Wait until what was changed is on the disk."""
    try:
        await kept.saved()
    except StoreError as error:
        raise OperationFailed(
            "The change holds, but could not be saved", detail=str(error)
        ) from None
