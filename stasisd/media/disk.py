"""Where the tick hands over what may wait for a disk."""

import threading
from collections import deque
from queue import SimpleQueue
from typing import Protocol


class Job(Protocol):
    """Something done with files; it keeps its own outcome and raises nothing."""

    def run(self) -> None:
        """Do it, on whatever thread this is."""


class Disk(Protocol):
    """Does jobs in the order of their coming."""

    def submit(self, job: Job) -> None:
        """Take a job, without waiting."""

    def completed(self) -> list[Job]:
        """The jobs that were done since the last call."""


class InlineDisk:
    """Does each job at once: for tests, where time is not ours to spend."""

    def __init__(self) -> None:
        self._done: list[Job] = []

    def submit(self, job: Job) -> None:
        """Do the job now."""
        job.run()
        self._done.append(job)

    def completed(self) -> list[Job]:
        """The jobs that were done since the last call."""
        done, self._done = self._done, []
        return done


class ThreadDisk:
    """Does jobs on a thread of its own."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: deque[Job] = deque()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Take a job, without waiting."""
        self._jobs.put(job)

    def completed(self) -> list[Job]:
        """The jobs that were done since the last call."""
        done = []
        while self._done:
            done.append(self._done.popleft())
        return done

    def finish(self, timeout: float) -> None:
        """Do what was submitted, for at most `timeout` seconds, and take no more."""
        self._jobs.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
            self._done.append(job)
