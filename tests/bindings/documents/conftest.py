"""Fixtures of the tests with clients."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def garbage_collected() -> Iterator[None]:
    """What a client leaves open warns in its own test, where that is ignored."""
    yield
    gc.collect()
