"""Fixtures for all tests."""

import ctypes
import logging
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = [
    "tests.support.clock",
    "tests.support.media",
    "tests.support.tenant",
    "tests.support.conference",
    "tests.support.published",
    "tests.phone.fixtures",
]

# Each media engine has large arrays. Left alone, glibc learns to keep what is freed of such, until
# a run of all tests holds gigabytes: so give back what is larger than this (mallopt(3)).
M_MMAP_THRESHOLD, LARGE = -3, 1 << 20
ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


# The long tests take minutes, and more on a machine that does something else, too.
SLOW_TIMEOUT = pytest.mark.timeout(3600)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(SLOW_TIMEOUT)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A test that configures the logs of the process leaves them to the next as they were."""
    before, handlers = structlog.get_config(), [*logging.root.handlers]
    yield
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
