"""A world with the usual accounts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.technologies.sip.world import World, running


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as made:
        yield made
