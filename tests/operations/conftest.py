"""A server whose operations are asked for as an ARI client asks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.server import Server, serving


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made
