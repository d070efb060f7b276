"""What a socket asked and is not yet answered: several at a time, the rest in line, all bounded.

Requests are begun in the order they came. One task performs one after the other for as long as
none has to wait, which few do; only while one waits does another task go on with the next, so that
a burst costs one wake-up and a slow request delays no other. What was taken is performed to its
end, also when the socket is gone meanwhile: an operation is never cut in half by its client.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

import trio
from trio.lowlevel import ParkingLot, cancel_shielded_checkpoint

Answer = Callable[[str | bytes], Awaitable[bytes]]

# Tasks of one socket; so many requests may wait for something at a time.
AT_ONCE = 32
# Bytes of requests in line, and of answers not yet sent: beyond, the one who adds to them waits.
LIMIT = 1 << 20
# What a message costs beside its bytes.
OVERHEAD = 512
# Requests that a task performs before the others get their turn.
TURN = 16


class RequestQueue:
    """The requests of one socket."""

    def __init__(self, answer: Answer) -> None:
        """``answer`` performs one request; it must not raise."""
        self._answer = answer
        self._requests: deque[str | bytes] = deque()
        self._requests_size = 0
        self._replies: list[bytes] = []
        self._replies_size = 0
        self._finished = self._abandoned = self._ended = False
        self._nursery: trio.Nursery | None = None
        self._tasks = 0
        self._called = False  # whether a task is on its way to look for work
        self._idle = ParkingLot()
        self._reader = ParkingLot()
        self._writer = ParkingLot()

    @property
    def full(self) -> bool:
        """Whether so much is in line that no more is taken."""
        return self._requests_size > LIMIT

    async def run(self) -> None:
        """Perform what is taken, until `finish` and the end of all that was taken before it."""
        try:
            async with trio.open_nursery() as self._nursery:
                self._start(self._nursery)
        finally:  # also when cancelled, with requests in line
            self._ended = True
            self._writer.unpark_all()

    async def take(self, messages: Iterable[str | bytes]) -> None:
        """Put requests in line; waits while there is no room for more."""
        if self._finished:
            return
        for message in messages:
            self._requests.append(message)
            self._requests_size += len(message) + OVERHEAD
        self._call()
        while self.full and not self._finished:
            await self._reader.park()

    async def replies(self) -> Sequence[bytes] | None:
        """Wait for answers and return all there are, or None when none will come any more."""
        while not self._replies:
            if self._ended:
                return None
            await self._writer.park()
        taken, self._replies = self._replies, []
        self._replies_size = 0
        self._call()
        return taken

    def finish(self) -> None:
        """Take no more requests. Idempotent."""
        self._finished = True
        self._reader.unpark_all()
        self._idle.unpark_all()

    def abandon(self) -> None:
        """Nobody waits for answers any more: perform what is left, and drop them. Idempotent."""
        self._abandoned = True
        self._replies.clear()
        self._replies_size = 0
        self.finish()

    # --- the tasks

    def _start(self, nursery: trio.Nursery) -> None:
        self._tasks += 1
        self._called = True
        nursery.start_soon(self._work)

    def _call(self) -> None:
        """See that a task looks for work. One is enough: it calls the next."""
        if self._called or not self._requests:
            return
        if len(self._idle) > 0:
            self._called = True
            self._idle.unpark()
        elif self._nursery is not None and 0 < self._tasks < AT_ONCE:
            self._start(self._nursery)

    async def _work(self) -> None:
        self._called = False
        try:
            await self._perform()
        except trio.Cancelled:
            # The nursery may close at once, and what still comes in must not start a task in it.
            self._nursery = None
            raise

    async def _perform(self) -> None:
        done = 0
        try:
            while (request := await self._next()) is not None:
                self._reply(await self._answer(request))
                done += 1
                if done % TURN == 0:
                    await cancel_shielded_checkpoint()
        finally:
            self._tasks -= 1  # the nursery takes no task after the last one

    async def _next(self) -> str | bytes | None:
        while not self._requests or self._replies_size > LIMIT:
            if self._finished and not self._requests:
                return None
            await self._idle.park()
            self._called = False
        request = self._requests.popleft()
        self._requests_size -= len(request) + OVERHEAD
        if not self.full:
            self._reader.unpark_all()
        self._call()
        return request

    def _reply(self, reply: bytes) -> None:
        if not self._abandoned:
            self._replies.append(reply)
            self._replies_size += len(reply) + OVERHEAD
            self._writer.unpark()
