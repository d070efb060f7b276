"""The promises of the one writer: whole or not at all, cancelled or not, and an end in time."""

import sqlite3
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from stasisd.store.database import Database, _connect, open_database
from stasisd.store.errors import CloseTimeout, DatabaseClosed, DatabaseFailed, Unusable
from stasisd.store.key_values import KeyValues
from stasisd.store.schema import migrations

COUNT = "SELECT count(*) FROM key_values"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path / "state" / "test.sqlite3") as opened:
        yield opened


def insert(key: str) -> str:
    return f"INSERT INTO key_values VALUES ('t', 'f', '{key}', 'v')"


async def count(database: Database) -> int:
    found = await database.read(lambda connection: connection.execute(COUNT).fetchone())
    return int(found[0])


class Gate:
    """A write that holds the writer until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()

    def __call__(self, connection: sqlite3.Connection) -> None:
        connection.execute(insert("gate"))
        self.entered.set()
        assert self.released.wait(10)

    async def wait_entered(self) -> None:
        assert await trio.to_thread.run_sync(self.entered.wait, 10)


async def test_what_is_written_is_read(database: Database) -> None:
    values = KeyValues(database)
    await values.put("t", "f", "k", "1")
    await values.put("t", "f", "k", "2")
    assert await values.get("t", "f", "k") == "2"


async def test_the_files_are_private(database: Database, tmp_path: Path) -> None:
    await KeyValues(database).put("t", "f", "k", "1")
    folder = tmp_path / "state"
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(files) == {"test.sqlite3", "test.sqlite3-wal", "test.sqlite3-shm"}
    assert set(files.values()) == {0o600}


async def test_a_failing_write_changes_nothing_and_harms_no_other(database: Database) -> None:
    gate, errors = Gate(), []

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute(insert("half"))
        raise LookupError("no")

    async def expect_failure() -> None:
        with pytest.raises(LookupError) as caught:
            await database.write(fail)
        errors.append(caught.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(database.write, gate)
        await gate.wait_entered()
        nursery.start_soon(database.write, lambda c: c.execute(insert("before")))
        nursery.start_soon(expect_failure)
        nursery.start_soon(database.write, lambda c: c.execute(insert("after")))
        await wait_all_tasks_blocked()
        gate.released.set()
    assert len(errors) == 1
    assert await KeyValues(database).family("t", "f") == {"gate": "v", "before": "v", "after": "v"}


async def test_writes_that_wait_together_share_a_commit(database: Database) -> None:
    gate, seen = Gate(), []

    def write(connection: sqlite3.Connection) -> None:
        seen.append(connection.total_changes)
        connection.execute(insert(str(len(seen))))

    commits: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            database.write,
            lambda c: c.set_trace_callback(lambda sql: commits.append(sql.split()[0])),
        )
        await wait_all_tasks_blocked()
        nursery.start_soon(database.write, gate)
        await gate.wait_entered()
        commits.clear()
        for _ in range(10):
            nursery.start_soon(database.write, write)
        await wait_all_tasks_blocked()
        gate.released.set()
    assert len(seen) == 10
    assert commits.count("BEGIN") == 1
    assert await count(database) == 11


async def test_sqlite_errors_have_one_type(database: Database) -> None:
    with pytest.raises(DatabaseFailed, match="no such table"):
        await database.write(lambda c: c.execute("INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(DatabaseFailed, match="no such table"):
        await database.read(lambda c: c.execute("SELECT * FROM nowhere"))


async def test_a_full_disk_fails_the_write_and_the_writer_goes_on(database: Database) -> None:
    big = "x" * 1_000_000
    await database.write(lambda c: c.execute("PRAGMA max_page_count = 20"))
    with pytest.raises(DatabaseFailed, match="full"):
        await KeyValues(database).put("t", "f", "big", big)
    await KeyValues(database).put("t", "f", "small", "v")
    assert await KeyValues(database).family("t", "f") == {"small": "v"}


async def test_a_write_that_ends_the_transaction_is_refused(database: Database) -> None:
    with pytest.raises(DatabaseFailed):
        await database.write(lambda c: c.execute("COMMIT"))
    await database.write(lambda c: c.execute(insert("next")))
    assert await count(database) == 1


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseFailed, match="readonly"):
        await database.read(lambda c: c.execute(insert("sneaked")))
    assert await count(database) == 0


async def test_reading_does_not_wait_for_the_writer(database: Database) -> None:
    gate = Gate()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(database.write, gate)
        await gate.wait_entered()
        assert await count(database) == 0
        gate.released.set()
    assert await count(database) == 1


async def test_a_cancelled_write_is_withdrawn_or_whole(database: Database) -> None:
    gate, waiting = Gate(), trio.CancelScope()

    async def give_up() -> None:
        with waiting:
            await database.write(lambda c: c.execute(insert("withdrawn")))

    async def leave(scope: trio.CancelScope) -> None:
        with scope:
            await database.write(gate)

    begun = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave, begun)
        await gate.wait_entered()
        nursery.start_soon(give_up)
        await wait_all_tasks_blocked()
        waiting.cancel()
        begun.cancel()
        await wait_all_tasks_blocked()
        gate.released.set()
    assert waiting.cancelled_caught
    assert begun.cancelled_caught
    await database.write(lambda c: c.execute(insert("later")))
    assert set(await KeyValues(database).family("t", "f")) == {"gate", "later"}


async def test_closing_does_what_waits_and_refuses_the_rest(tmp_path: Path) -> None:
    gate = Gate()
    async with open_database(tmp_path / "a.sqlite3") as database, trio.open_nursery() as nursery:
        nursery.start_soon(database.write, gate)
        await gate.wait_entered()
        for index in range(100):
            nursery.start_soon(database.write, lambda c, i=index: c.execute(insert(str(i))))
        await wait_all_tasks_blocked()
        nursery.start_soon(database.close)
        await wait_all_tasks_blocked()
        with pytest.raises(DatabaseClosed):
            await database.write(gate)
        with pytest.raises(DatabaseClosed):
            await database.read(gate)
        gate.released.set()
    async with open_database(tmp_path / "a.sqlite3") as database:
        assert await count(database) == 101


async def test_closing_is_not_cut_short_by_cancellation(tmp_path: Path) -> None:
    with trio.CancelScope() as scope:
        async with open_database(tmp_path / "a.sqlite3") as database:
            await database.write(lambda c: c.execute(insert("kept")))
            scope.cancel()
            await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert not database._thread.is_alive()


async def test_virtual_time_does_not_cut_closing_short(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    gate = Gate()
    async with open_database(tmp_path / "a.sqlite3") as database, trio.open_nursery() as nursery:
        nursery.start_soon(database.write, gate)
        await gate.wait_entered()
        nursery.start_soon(database.close)
        await trio.sleep(3600)
        gate.released.set()


async def test_closing_has_a_bound_for_readers_too(tmp_path: Path) -> None:
    entered, released = threading.Event(), threading.Event()

    def linger(_connection: sqlite3.Connection) -> None:
        entered.set()
        assert released.wait(10)

    async with open_database(tmp_path / "a.sqlite3") as database, trio.open_nursery() as nursery:
        nursery.start_soon(database.read, linger)
        assert await trio.to_thread.run_sync(entered.wait, 10)
        with pytest.raises(CloseTimeout, match="still busy"):
            await database.close(within=0.01)
        released.set()


async def test_closing_has_a_bound(tmp_path: Path) -> None:
    gate = Gate()
    async with open_database(tmp_path / "a.sqlite3") as database, trio.open_nursery() as nursery:
        nursery.start_soon(database.write, gate)
        await gate.wait_entered()
        with pytest.raises(CloseTimeout, match="still busy"):
            await database.close(within=0.01)
        gate.released.set()


async def test_a_writer_that_outlives_the_run_ends(tmp_path: Path) -> None:
    gate = Gate()

    async def abandoned() -> Database:
        database = Database(*_connect(tmp_path / "a.sqlite3"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.write, gate)
            await gate.wait_entered()
            nursery.cancel_scope.cancel()
        return database

    database = await trio.to_thread.run_sync(trio.run, abandoned)
    gate.released.set()
    await trio.to_thread.run_sync(database._thread.join, 10)
    assert not database._thread.is_alive()
    database._reader.close()


def test_migrations_are_numbered_without_gaps() -> None:
    assert list(migrations()) == list(range(1, len(migrations()) + 1))


async def test_migrations_run_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_database(tmp_path / "a.sqlite3") as database:
        await database.write(lambda c: c.execute(insert("old")))
    newest = len(migrations())
    steps = {
        **migrations(),
        newest + 1: "ALTER TABLE key_values ADD COLUMN extra TEXT;",
        newest + 2: "UPDATE key_values SET extra = key || '!';",
    }
    monkeypatch.setattr("stasisd.store.schema.migrations", lambda: steps)
    for _ in range(2):
        async with open_database(tmp_path / "a.sqlite3") as database:
            rows = await database.read(
                lambda c: c.execute("SELECT key, extra FROM key_values").fetchall()
            )
            version = await database.read(lambda c: c.execute("PRAGMA user_version").fetchone())
        assert rows == [("old", "old!")]
        assert version == (newest + 2,)


async def test_a_migration_that_fails_leaves_the_version_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {**migrations(), 2: "CREATE TABLE extra (a TEXT); INSERT INTO nowhere VALUES (1);"}
    with monkeypatch.context() as patch:
        patch.setattr("stasisd.store.schema.migrations", lambda: steps)
        with pytest.raises(Unusable, match="no such table: nowhere"):
            await open_database(tmp_path / "a.sqlite3").__aenter__()
    async with open_database(tmp_path / "a.sqlite3") as database:
        tables = await database.read(
            lambda c: c.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall()
        )
    assert tables == []


async def test_a_later_version_is_left_alone(tmp_path: Path) -> None:
    async with open_database(tmp_path / "a.sqlite3"):
        pass
    with sqlite3.connect(tmp_path / "a.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Unusable, match="a later stasisd wrote it"):
        await open_database(tmp_path / "a.sqlite3").__aenter__()


async def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    path.write_bytes(b"not a database, but long enough to look into" * 100)
    with pytest.raises(Unusable, match="not a database"):
        await open_database(path).__aenter__()
    with pytest.raises(Unusable):
        await open_database(path / "below a file").__aenter__()
    assert path.read_bytes().startswith(b"not a database")
