"""The unmodified clients, installed from where they are published, or why one is left out.

They go into folders of their own that end with the run: what they need is not ours to have.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

NPM_PACKAGES = ("ari-client@2.2.0", "@ipcom/asterisk-ari@1.0.0")
PYPI_PACKAGE = "aioari==0.10.2"
PATIENCE = 240


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with npm's clients."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("npm")
    _install([npm, "install", "--silent", "--prefix", folder, *NPM_PACKAGES])
    return folder / "node_modules"


@pytest.fixture(scope="session")
def python_with_aioari(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has aioari."""
    folder = tmp_path_factory.mktemp("pypi")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / Path(sys.executable).name
    _install([python, "-m", "pip", "install", "--quiet", PYPI_PACKAGE])
    return python


def _install(command: list[str | Path]) -> None:
    done = subprocess.run(command, check=False, timeout=PATIENCE, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"can't be installed: {done.stderr[-300:]}")
