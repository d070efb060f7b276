"""What phones need, or the reason for which they are left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import speech
from .cable import Cable, CannotConnect, laid


@pytest.fixture(scope="session")
def cable() -> Iterator[Cable]:
    """A cable from this machine to a phone."""
    try:
        with laid() as cable:
            yield cable
    except CannotConnect as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the caller says: 80 seconds of speech."""
    return speech.say(tmp_path_factory.mktemp("said") / "said.wav", 80)
