"""Waiting for the disk, and what to say when it fails."""

from typing import Any

from stasisd.core.kept import Kept
from stasisd.store.errors import StoreError

from .errors import OperationFailed


async def on_disk(kept: Kept[Any]) -> None:
    """Wait until what was changed is on the disk."""
    try:
        await kept.saved()
    except StoreError as error:
        raise OperationFailed(
            "The change holds, but could not be saved", detail=str(error)
        ) from None
