"""Trio's jumping clock for whole modules: `pytestmark = jumping_clock`.

Whenever nothing can run, time jumps to the next deadline, so that waits cost nothing. Work in
threads would not be waited for: :func:`inline_threads` lets it run in the test's own thread.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest import mock

import pytest
import trio
import trio.testing

T = TypeVar("T")


def run(
    function: Callable[..., Awaitable[T]],
    *arguments: Any,
    clock: trio.abc.Clock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
) -> T:
    """`trio.run` on a jumping clock, with threads inline."""
    jumping = trio.testing.MockClock(autojump_threshold=0)
    with inline_threads():
        return trio.run(function, *arguments, clock=clock or jumping, instruments=instruments)


jumping_clock = pytest.mark.jumping_clock


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "jumping_clock: runs on Trio's jumping clock")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        function = getattr(item, "obj", None)
        if item.get_closest_marker("jumping_clock") and inspect.iscoroutinefunction(function):
            item.add_marker(pytest.mark.trio(run=run), append=False)


@contextmanager
def inline_threads() -> Iterator[None]:
    """Let `trio.to_thread.run_sync` call instead of starting a thread."""

    async def call(function: Callable[..., T], *arguments: Any, **_options: Any) -> T:
        await trio.lowlevel.checkpoint()
        return function(*arguments)

    with mock.patch("trio.to_thread.run_sync", call):
        yield
