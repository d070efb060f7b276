"""The clients, and a stage for what is made with them."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .running import Client, Stage, stage_at


@pytest.fixture
def ari_client(node_modules: Path) -> Client:
    return Client("ari_client", "node", {"NODE_PATH": str(node_modules)})


@pytest.fixture
def ipcom(node_modules: Path) -> Client:
    return Client("ipcom", "node", {"NODE_PATH": str(node_modules)})


@pytest.fixture
def aioari(python_with_aioari: Path) -> Client:
    return Client("aioari", python_with_aioari)


@pytest.fixture
def asyncari() -> Client:
    pytest.importorskip("asyncari")
    return Client("asyncari", sys.executable)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_at(tmp_path) as made:
        yield made
