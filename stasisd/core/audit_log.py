"""A tenant's audit log: what was asked of it and what was decided, on its way to the disk.

Recording is a step without waiting, so that it can't be left out by a cancellation. A task writes
what has gathered. Where the disk takes nothing any more the log fills up; who asks is refused then,
for what can't be recorded is not to be done.
"""

from pathlib import Path

import msgspec
import structlog
import trio

from stasisd.store.audit import AuditFiles, BrokenChain, Entry, Record, read

log = structlog.get_logger(__name__)

# Entries come in crowds: one write serves all that come within so many seconds.
GATHER = 0.05
RETRY = 1.0  # seconds until the disk is tried again


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a log is kept, and its bounds. ``waiting`` is of entries that are not written yet."""

    folder: Path
    file_bytes: int = 64 << 20
    keep_files: int = 16
    waiting: int = 100_000


class AuditLog:
    """Made by the tenant, which runs it."""

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._files = AuditFiles(settings.folder, settings.file_bytes, settings.keep_files)
        self._waiting: list[Entry] = []
        self._any = trio.Event()
        self._writing = trio.Lock()

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be done, since the disk has not taken what was."""
        return len(self._waiting) >= self._settings.waiting

    def record(self, entry: Entry) -> None:
        """Take an entry in."""
        self._waiting.append(entry)
        self._any.set()

    async def run(self) -> None:
        """Write until cancelled; what is left then is written at last."""
        try:
            while True:
                await self._any.wait()
                await trio.sleep(GATHER)
                if not await self._flush():
                    await trio.sleep(RETRY)
        finally:
            with trio.CancelScope(shield=True):
                await self._flush()
                await self._close()

    async def read(self, after: int, limit: int) -> list[Record]:
        """The records behind a serial number, at most so many; those of just now included.

        Raises BrokenChain and OSError.
        """
        await self._flush()
        return await trio.to_thread.run_sync(read, self._settings.folder, after, limit)

    async def _flush(self) -> bool:
        """Write what there is; says whether the disk took it."""
        async with self._writing:
            self._any = trio.Event()
            entries = self._waiting[:]
            if not entries:
                return True
            try:
                # Cancelled before it begins, or not at all: no entry is written twice.
                await trio.to_thread.run_sync(self._files.append, entries)
            except (OSError, BrokenChain) as error:
                self._any.set()
                log.error("the audit log can't be written", reason=str(error), waiting=len(entries))
                return False
            del self._waiting[: len(entries)]
            return True

    async def _close(self) -> None:
        async with self._writing:
            try:
                await trio.to_thread.run_sync(self._files.close)
            except OSError as error:
                log.error("the audit log can't be closed", reason=str(error))
