"""A channel's life: a nursery of its own, a crash barrier around it, and one way to end.

Hangup is cancellation of that nursery, so whatever ran on the channel has ended when the ``h``
extension runs, and all is released when the life is over, also after a bug.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from . import causes

if TYPE_CHECKING:
    from .channel import Channel

Body = Callable[["Channel"], Awaitable[None]]

# The h extension may not keep a dead call for ever.
HANGUP_EXTENSION_SECONDS = 60


async def live(channel: "Channel", body: Body) -> None:
    """Run ``body`` as the life of the channel, then destroy it.

    An exception in it, or in a task of the channel's nursery, ends this one channel and is
    logged with its id.
    """
    try:
        with crash_barrier(channel):
            await _talk(channel, body)
        with crash_barrier(channel), trio.move_on_after(HANGUP_EXTENSION_SECONDS):
            await channel.tenant.router.run_hangup(channel)
    finally:
        with crash_barrier(channel):
            channel.destroy()


async def _talk(channel: "Channel", body: Body) -> None:
    """Run the body and what it starts on the channel, until it is over or hung up."""
    try:
        async with trio.open_nursery() as nursery:
            channel.nursery = nursery
            if channel.hungup:  # before its life began
                nursery.cancel_scope.cancel()
            if channel.port is not None:
                channel.watch(channel.port, nursery)
            await body(channel)
            nursery.cancel_scope.cancel()
    finally:
        channel.nursery = None
        channel.hungup = True
        channel.ending.take_over()


@contextmanager
def crash_barrier(channel: "Channel") -> Iterator[None]:
    """Let a bug end this channel and nothing else."""
    try:
        yield
    except Exception:  # the barrier: a bug ends one channel
        channel.log.exception("channel crashed")
        if channel.cause is None:
            channel.cause = causes.TEMPORARY_FAILURE
