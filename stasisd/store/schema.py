"""The database's tables, as numbered migrations that are applied in order and never edited."""

import sqlite3
from importlib.resources import files
from pathlib import Path

from .errors import Unusable


def migrations() -> dict[int, str]:
    """SQL scripts by number; script N brings a database from version N - 1 to N."""
    folder = files(__package__) / "migrations"
    return {
        int(entry.name[:4]): entry.read_text()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    }


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Brings the database to the newest version, one transaction a step.

    Raises Unusable where a later version of stasisd has written it, and sqlite3.Error.
    """
    steps = migrations()
    newest = max(steps)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > newest:
        raise Unusable(
            path, f"a later stasisd wrote it (version {version}, this one knows {newest})"
        )
    for number in range(version + 1, newest + 1):
        _apply(connection, steps[number], number)


def _apply(connection: sqlite3.Connection, script: str, number: int) -> None:
    whole = f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
    try:
        connection.executescript(whole)
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
