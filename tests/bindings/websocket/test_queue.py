"""The requests of a socket: in order, several at a time, bounded, and never cut in half."""

import trio
from trio.testing import wait_all_tasks_blocked

from stasisd.bindings.websocket import queue
from stasisd.bindings.websocket.queue import RequestQueue


class Work:
    """Answers at once, but for what it is told to hold."""

    def __init__(self) -> None:
        self.begun: list[str | bytes] = []
        self.held: dict[str, trio.Event] = {}
        self.reply = b"done"

    def hold(self, request: str) -> None:
        self.held[request] = trio.Event()

    async def answer(self, request: str | bytes) -> bytes:
        self.begun.append(request)
        held = self.held.get(str(request))
        if held is not None:
            await held.wait()
        return self.reply + str(request)[:10].encode()


async def replies(requests: RequestQueue) -> list[bytes]:
    return list(await requests.replies() or [b"none will come"])


async def test_burst_is_answered_in_order_and_at_once(nursery: trio.Nursery) -> None:
    work = Work()
    requests = RequestQueue(work.answer)
    nursery.start_soon(requests.run)
    sent = [str(number) for number in range(100)]
    await requests.take(sent)
    await wait_all_tasks_blocked()
    assert await replies(requests) == [b"done" + one.encode() for one in sent]
    assert work.begun == sent
    nursery.cancel_scope.cancel()


async def test_a_slow_request_delays_no_other(nursery: trio.Nursery) -> None:
    work = Work()
    requests = RequestQueue(work.answer)
    nursery.start_soon(requests.run)
    for slow in ("slow 1", "slow 2"):
        work.hold(slow)
        await requests.take([slow, f"after {slow}"])
    await wait_all_tasks_blocked()
    assert await replies(requests) == [b"doneafter slow", b"doneafter slow"]
    work.held["slow 2"].set()
    await wait_all_tasks_blocked()
    assert await replies(requests) == [b"doneslow 2"]
    nursery.cancel_scope.cancel()


async def test_so_many_are_under_way_and_the_rest_waits(nursery: trio.Nursery) -> None:
    work = Work()
    requests = RequestQueue(work.answer)
    nursery.start_soon(requests.run)
    sent = [str(number) for number in range(queue.AT_ONCE + 5)]
    for request in sent:
        work.hold(request)
    await requests.take(sent)
    await wait_all_tasks_blocked()
    assert work.begun == sent[: queue.AT_ONCE]
    work.held["3"].set()
    await wait_all_tasks_blocked()
    assert work.begun == sent[: queue.AT_ONCE + 1]
    nursery.cancel_scope.cancel()


async def test_a_full_line_holds_the_reader_back(nursery: trio.Nursery) -> None:
    work = Work()
    requests = RequestQueue(work.answer)
    nursery.start_soon(requests.run)
    blockers = [f"b{number}" for number in range(queue.AT_ONCE)]
    for blocker in blockers:
        work.hold(blocker)
    await requests.take(blockers)
    await wait_all_tasks_blocked()
    taken = trio.Event()

    async def read() -> None:
        await requests.take(["x" * queue.LIMIT])
        taken.set()

    nursery.start_soon(read)
    await wait_all_tasks_blocked()
    assert (requests.full, taken.is_set()) == (True, False)
    work.held["b0"].set()
    await taken.wait()
    assert (requests.full, taken.is_set()) == (False, True)
    nursery.cancel_scope.cancel()


async def test_answers_that_nobody_takes_hold_the_work_back(nursery: trio.Nursery) -> None:
    work = Work()
    work.reply = b"x" * (queue.LIMIT // 4)
    requests = RequestQueue(work.answer)
    nursery.start_soon(requests.run)
    await requests.take(map(str, range(20)))
    await wait_all_tasks_blocked()
    assert len(work.begun) == 4
    assert len(await replies(requests)) == 4
    await wait_all_tasks_blocked()
    assert len(work.begun) == 8
    requests.abandon()
    await wait_all_tasks_blocked()
    assert len(work.begun) == 20
    assert await requests.replies() is None


async def test_what_was_taken_is_performed_to_its_end() -> None:
    work = Work()
    work.hold("one")
    requests = RequestQueue(work.answer)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(requests.run)
        await requests.take(["one", "two"])
        await wait_all_tasks_blocked()
        requests.finish()
        await requests.take(["too late"])
        work.held["one"].set()
        await wait_all_tasks_blocked()
        assert await replies(requests) == [b"donetwo", b"doneone"]
        assert await requests.replies() is None
    assert work.begun == ["one", "two"]


async def test_the_writer_waits_until_there_is_an_answer(nursery: trio.Nursery) -> None:
    requests = RequestQueue(Work().answer)
    nursery.start_soon(requests.run)
    got: list[bytes] = []

    async def write() -> None:
        got.extend(await replies(requests))

    nursery.start_soon(write)
    await wait_all_tasks_blocked()
    assert got == []
    await requests.take(["late"])
    await wait_all_tasks_blocked()
    assert got == [b"donelate"]
    nursery.cancel_scope.cancel()


async def test_what_comes_after_it_was_cancelled_is_left_alone() -> None:
    work = Work()
    requests = RequestQueue(work.answer)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(requests.run)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    await requests.take(["late"])
    assert await requests.replies() is None
    assert work.begun == []


async def test_what_comes_as_it_is_cancelled_starts_nothing() -> None:
    for _ in range(20):  # Trio takes the tasks of one moment in any order
        requests = RequestQueue(Work().answer)

        async def speak(queue: RequestQueue) -> None:
            try:
                await trio.sleep_forever()
            finally:
                await queue.take(["late"])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(requests.run)
            nursery.start_soon(speak, requests)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
