"""SQLite behind one writer thread, asked from Trio.

Writes that wait together share one commit (and one sync of the disk), each in a savepoint of its
own, so that one that fails takes no other along. A write is done whole or not at all: a waiter
that is cancelled either withdraws it in time or leaves it to be done. Reads have a connection of
their own and see whatever was committed before they began; WAL keeps them apart from the writer.
"""

import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Generic, TypeVar

import trio

from .errors import CloseTimeout, DatabaseClosed, DatabaseFailed, Unusable
from .files import make_private_file, make_private_folder
from .schema import migrate

T = TypeVar("T")

# How many writes may share a commit, and how many may wait before the next waits for room.
BATCH = 64
WAITING = 1024
CLOSE_WITHIN = 5.0  # seconds
BUSY_TIMEOUT = 5.0  # seconds that SQLite waits for another process's lock


class _Write(Generic[T]):
    """A function on its way to the writer, and its result on the way back."""

    __slots__ = ("done", "error", "function", "result", "withdrawn")

    result: T

    def __init__(self, function: Callable[[sqlite3.Connection], T]) -> None:
        self.function = function
        self.error: Exception | None = None
        self.withdrawn = False
        self.done = trio.Event()

    def attempt(self, connection: sqlite3.Connection) -> None:
        connection.execute("SAVEPOINT one")
        try:
            self.result = self.function(connection)
        except Exception as error:  # the barrier: a bug undoes one write of the batch
            if not connection.in_transaction:
                raise  # SQLite gave up the whole batch: the disk is full, or worse
            connection.execute("ROLLBACK TO one")
            self.error = error
        connection.execute("RELEASE one")

    def unwrap(self) -> T:
        if isinstance(self.error, sqlite3.Error):
            raise DatabaseFailed(str(self.error)) from self.error
        if self.error is not None:
            raise self.error
        return self.result


class Database:
    """One SQLite file. Made by `open_database`."""

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._reading = trio.CapacityLimiter(1)
        self._room = trio.CapacityLimiter(WAITING)
        self._writes: queue.SimpleQueue[_Write[object] | None] = queue.SimpleQueue()
        self._closed = False
        self._trio = trio.lowlevel.current_trio_token()
        # A daemon thread: a disk that never answers can't hold the process back.
        self._thread = threading.Thread(target=self._serve, name="store writer", daemon=True)
        self._thread.start()

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a function of queries in a thread, on one unchanging view of the data.

        Raises DatabaseClosed, DatabaseFailed, and whatever the function raises.
        """
        async with self._reading:
            self._require_open()
            try:
                return await trio.to_thread.run_sync(self._view, function)
            except sqlite3.Error as error:
                raise DatabaseFailed(str(error)) from error

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a function in the writer's thread, in a transaction that it must not end.

        Returns once its changes are committed. Raises DatabaseClosed, DatabaseFailed (nothing
        was changed), and whatever the function raises (nothing was changed).
        """
        async with self._room:
            self._require_open()
            write = _Write(function)
            self._writes.put(write)  # type: ignore[arg-type] # the writer never looks at the result
            try:
                await write.done.wait()
            except trio.Cancelled:
                write.withdrawn = True
                raise
        return write.unwrap()

    async def close(self, within: float = CLOSE_WITHIN) -> None:
        """Does the writes that wait, then closes.

        Raises CloseTimeout where the writer, or then a reader, takes more than `within` seconds.
        """
        if not self._closed:
            self._closed = True
            self._writes.put(None)
        with trio.CancelScope(shield=True):
            # The thread's own clock bounds this, so that a test's virtual clock can't cut it short.
            await trio.to_thread.run_sync(self._thread.join, within)
            with trio.move_on_after(within) as reading:
                async with self._reading:
                    self._reader.close()
        if self._thread.is_alive() or reading.cancelled_caught:
            raise CloseTimeout(f"the database was still busy after {within:g} seconds")

    def _require_open(self) -> None:
        if self._closed:
            raise DatabaseClosed("the database is closed")

    def _view(self, function: Callable[[sqlite3.Connection], T]) -> T:
        self._reader.execute("BEGIN")
        try:
            return function(self._reader)
        finally:
            self._reader.execute("ROLLBACK")

    # What follows runs in the writer's thread.

    def _serve(self) -> None:
        try:
            while batch := self._next_batch():
                self._commit(batch)
                self._trio.run_sync_soon(_finish, batch)
        except trio.RunFinishedError:
            pass  # nobody waits any more
        self._writer.close()

    def _next_batch(self) -> list[_Write[object]]:
        """The writes that wait, at least one; none once the database is closed."""
        batch: list[_Write[object]] = []
        while len(batch) < BATCH:
            try:
                write = self._writes.get(block=not batch)
            except queue.Empty:
                break
            if write is None:
                if batch:
                    self._writes.put(None)
                break
            batch.append(write)
        return batch

    def _commit(self, batch: list[_Write[object]]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for write in batch:
                if not write.withdrawn:
                    write.attempt(self._writer)
            self._writer.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the thread serves whoever comes next
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            for write in batch:
                write.error = error


def _finish(batch: list[_Write[object]]) -> None:
    for write in batch:
        write.done.set()


@asynccontextmanager
async def open_database(path: Path) -> AsyncIterator[Database]:
    """Opens the file, making or migrating it where needed, and closes it at the end.

    Raises Unusable where it is damaged, not a database, or of a later version.
    """
    writer, reader = await trio.to_thread.run_sync(_connect, path)
    database = Database(writer, reader)
    try:
        yield database
    finally:
        await database.close()


def _connect(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    with ExitStack() as opened:
        try:
            make_private_folder(path.parent)
            make_private_file(path)
            writer = opened.enter_context(closing(_connection(path)))
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = NORMAL")
            migrate(writer, path)
            reader = opened.enter_context(closing(_connection(path)))
            reader.execute("PRAGMA query_only = ON")
        except (sqlite3.Error, OSError) as error:
            raise Unusable(path, f"can't be opened as a database: {error}") from error
        opened.pop_all()
    return writer, reader


def _connection(path: Path) -> sqlite3.Connection:
    """A connection without implicit transactions; each is used by one thread at a time."""
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
