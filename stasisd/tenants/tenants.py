"""All tenants of the daemon: those that run, by name, and the changes that an operator makes.

Each runs in a task of its own, so that one ends without the others. Changes are made one at a
time; what is known of run-time tenants, and who is suspended, is kept in SQLite.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog
import trio

from stasisd.config import Configuration, settings
from stasisd.core.audit_log import AuditLog
from stasisd.core.kept import Kept
from stasisd.core.log_files import LogFiles
from stasisd.core.tenancy import (
    BadTenant,
    Life,
    NoSuchTenant,
    Passwords,
    TenantSnapshot,
    WrongLife,
)
from stasisd.core.tenant import Tenant
from stasisd.dialplan.parser import DialplanError
from stasisd.media.control import Media
from stasisd.operations.authentication import OPERATORS, Authenticator, User
from stasisd.operations.tenure import Tenures
from stasisd.store import SECRETS, secrets
from stasisd.store.database import Database
from stasisd.store.tenants import StoredTenant
from stasisd.store.tenants import Tenants as StoredTenants
from stasisd.technologies.sip import Sip

from . import making
from .entry import Connection, Entry
from .judging import with_tenant, without_tenant
from .keeping import add_keys, ensure_secrets, put_aside, retire_keys
from .keys import TenantKeys

log = structlog.get_logger(__name__)

Connect = Callable[[Tenant, settings.Tenant], Sequence[Connection]]
# What making a tenant may find wrong with its files.
UNREADABLE = (DialplanError, OSError, UnicodeDecodeError)
SUSPENDED, REMOVED = "the tenant is suspended", "the tenant is removed"
FAILED = "the tenant has failed"
# A tenant that a bug ends is started again, but not one that it ends again within so many seconds.
STEADY = 60.0


class Around(msgspec.Struct, frozen=True):
    """What of the daemon has to know each tenant that runs. ``connect`` makes its connections."""

    database: Database
    sip: Sip
    authenticator: Authenticator
    tenures: Tenures
    connect: Connect


class Tenants(Mapping[str, Tenant]):
    """The tenants that run, by name. It is operators' :class:`~stasisd.core.tenancy.Tenancy`."""

    def __init__(self, configuration: Configuration, media: Media, kept: secrets.Secrets) -> None:
        """Makes those of the configuration: blocks, and raises what making raises."""
        self._configuration = configuration
        self._media = media
        self._prompts = making.Prompts()
        self._secrets = kept
        self._operators = configuration.settings.operators
        self._entries: dict[str, Entry] = {}
        self._running: dict[str, Tenant] = {}
        # Those of all tenants, running or not, for the copies of log lines.
        self.logs: dict[str, LogFiles] = {}
        operators = making.audit_settings(configuration, OPERATORS)
        self.audit = AuditLog(operators) if operators is not None else None
        self._kept: Kept[StoredTenant] = Kept()
        self._changing = trio.Lock()
        self._opened, self._stop = trio.Event(), trio.Event()
        self._around: Around
        self._nursery: trio.Nursery
        for name, given in configuration.settings.tenants.items():
            entry = self._entries[name] = Entry(name, given, configured=True)
            self._admit(entry, self._make(entry))

    def __getitem__(self, name: str) -> Tenant:
        return self._running[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._running)

    def __len__(self) -> int:
        return len(self._running)

    # --- who may log in

    def users(self) -> list[User]:
        """The users of all tenants, running or not, and the operators."""
        users = [
            user
            for entry in self._entries.values()
            for user in making.users(entry.name, entry.given, self._secrets)
        ]
        return users + making.operators(self._operators, self._secrets)

    def reread(self, configuration: Configuration, kept: secrets.Secrets) -> list[User]:
        """Take the users and operators of a configuration that was read anew.

        Within a :meth:`change`, in which its secrets were read, too.
        """
        self._secrets, self._operators = kept, configuration.settings.operators
        for entry in self._entries.values():
            if entry.configured:
                given = configuration.settings.tenants.get(entry.name)
                users = {} if given is None else given.users
                entry.given = msgspec.structs.replace(entry.given, users=users)
        return self.users()

    # --- life

    async def run(
        self, around: Around, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Carry the tenants until cancelled. Raises the store's errors."""
        self._around = around
        await self._kept.load(StoredTenants(around.database))
        await TenantKeys(None, around.tenures).keep_in(around.database)
        async with trio.open_nursery() as self._nursery:
            if self.audit is not None:
                self._nursery.start_soon(self.audit.run)
            for entry in list(self._entries.values()):
                if self._is_suspended(entry.name):
                    self._set_aside(entry)
                else:
                    await self._start(entry, self._running[entry.name])
            for name, stored in self._kept.values.items():
                if stored.settings is not None:
                    await self._restore(name, stored)
            around.authenticator.replace(self.users())
            task_status.started()
            await trio.sleep_forever()

    def open(self) -> None:
        """The daemon serves now: let tenants connect to others."""
        self._opened.set()

    async def part(self) -> None:
        """Let no tenant connect to others any more, and wait until all have said goodbye."""
        self._stop.set()
        for entry in list(self._entries.values()):
            await entry.parted.wait()

    def _is_suspended(self, name: str) -> bool:
        stored = self._kept.values.get(name)
        return stored is not None and stored.suspended

    def _set_aside(self, entry: Entry) -> None:
        """A tenant is not to run, but its hosts and logins stay its own."""
        self._running.pop(entry.name, None)
        if entry.life is Life.RUNNING:
            entry.life = Life.SUSPENDED
        self._around.sip.reserve(entry.name, entry.given.domains)

    async def _restore(self, name: str, stored: StoredTenant) -> None:
        """Have a tenant again that was made in an earlier run."""
        if name in self._entries:
            log.warning("the configuration has this tenant now", tenant=name)
            return
        assert stored.settings is not None
        try:
            self._configuration = with_tenant(self._configuration, name, stored.settings)
        except BadTenant as bad:
            log.error("a tenant can't be started", tenant=name, reason=str(bad))
            unknown = settings.Tenant(users={}, endpoints={})
            self._entries[name] = failed = Entry(name, unknown, configured=False)
            failed.life = Life.FAILED
            return
        given = self._configuration.settings.tenants[name]
        entry = self._entries[name] = Entry(name, given, configured=False)
        await self._learn_secrets(name)
        if stored.suspended:
            self._set_aside(entry)
            return
        try:
            await self._make_and_start(entry)
        except BadTenant as bad:
            log.error("a tenant can't be started", tenant=name, reason=str(bad))
            entry.life = Life.FAILED
            self._set_aside(entry)

    def _make(self, entry: Entry) -> Tenant:
        return making.make(self._configuration, self._media, self._prompts, entry.name, entry.given)

    async def _make_and_start(self, entry: Entry) -> None:
        try:
            tenant = await trio.to_thread.run_sync(self._make, entry)
        except UNREADABLE as error:
            raise BadTenant(str(error)) from None
        try:
            await self._start(entry, tenant)
        except BaseException:
            entry.life = Life.FAILED
            self._around.sip.remove(tenant)
            raise
        self._admit(entry, tenant)

    def _admit(self, entry: Entry, tenant: Tenant) -> None:
        self._running[entry.name] = tenant
        entry.life = Life.RUNNING
        self.logs[entry.name] = tenant.log_files

    async def _start(self, entry: Entry, tenant: Tenant) -> None:
        around, name = self._around, entry.name
        tenant.keys = keys = TenantKeys(name, around.tenures)
        await keys.keep_in(around.database)
        await tenant.keep_in(around.database)
        around.sip.add(tenant, making.accounts(name, entry.given, self._secrets))
        await around.sip.objects.load(tenant, around.database)
        try:
            connections = around.connect(tenant, entry.given)
        except OSError as error:  # a certificate that can't be read
            raise BadTenant(f"outbound: {error}") from None
        await self._nursery.start(
            entry.carry, tenant, connections, self._opened, self._stop, self._crashed
        )

    def _withdraw(self, entry: Entry, reason: str) -> None:
        """Let nobody reach a tenant any more; sockets are told the reason. Idempotent."""
        tenant = self._running.pop(entry.name, None)
        if tenant is not None:
            tenant.close(reason)
            self._around.sip.remove(tenant)

    def _crashed(self, entry: Entry) -> None:
        self._withdraw(entry, FAILED)
        if trio.current_time() - entry.began >= STEADY:
            self._nursery.start_soon(self._revive, entry)

    async def _revive(self, entry: Entry) -> None:
        try:
            async with self.change():
                if entry.life is Life.FAILED:
                    await self._make_and_start(entry)
                    log.warning("tenant started again", tenant=entry.name)
        except Exception:  # the barrier: the tenant stays as it is, for an operator to see
            log.exception("a tenant can't be started again", tenant=entry.name)

    async def _learn_secrets(self, name: str) -> Passwords:
        """Have keys and passwords for a tenant, which are made where there are none."""
        self._secrets, _ = await trio.to_thread.run_sync(ensure_secrets, self._configuration)
        add_keys(self._around.tenures.keyring, self._secrets, name)
        kept = self._secrets
        return Passwords(kept.users.get(name, {}), kept.endpoints.get(name, {}))

    async def _unlearn_secrets(self, name: str) -> None:
        """Have no key and no password of a tenant."""
        retire_keys(self._around.tenures.keyring, name)
        path = self._configuration.state / SECRETS
        await trio.to_thread.run_sync(secrets.forget, path, name)

    # --- what an operator asks

    def all(self) -> list[TenantSnapshot]:
        """Each tenant, those of the configuration first."""
        return [entry.snapshot for entry in self._entries.values()]

    def find(self, name: str) -> TenantSnapshot:
        """One of them. Raises NoSuchTenant."""
        return self._entry(name).snapshot

    def _entry(self, name: str) -> Entry:
        entry = self._entries.get(name)
        if entry is None:
            raise NoSuchTenant(name)
        return entry

    @asynccontextmanager
    async def change(self) -> AsyncIterator[None]:
        """One change at a time, which who gives up waiting does not cut short."""
        with trio.CancelScope(shield=True):
            async with self._changing:
                yield

    async def create(self, name: str, table: Mapping[str, Any]) -> Passwords:
        """Make a tenant and start it. Raises WrongLife, BadTenant and the store's errors."""
        async with self.change():
            if name in self._entries:
                raise WrongLife("There is a tenant of this name")
            before = self._configuration
            self._configuration = with_tenant(before, name, table)
            entry = Entry(name, self._configuration.settings.tenants[name], configured=False)
            try:
                passwords = await self._learn_secrets(name)
                await self._make_and_start(entry)
            except BaseException:
                self._configuration = before
                await self._unlearn_secrets(name)
                raise
            self._entries[name] = entry
            self._around.authenticator.replace(self.users())
            self._kept.put(name, StoredTenant(dict(table)))
            await self._kept.saved()
            log.info("tenant created", tenant=name)
            return passwords

    async def suspend(self, name: str) -> None:
        """End all that a tenant does. Raises NoSuchTenant, WrongLife and the store's errors."""
        async with self.change():
            entry = self._entry(name)
            if entry.life is Life.SUSPENDED:
                raise WrongLife("The tenant is suspended already")
            entry.life = Life.SUSPENDED
            self._withdraw(entry, SUSPENDED)
            await entry.end()
            self._note(entry, suspended=True)
            await self._kept.saved()
            log.info("tenant suspended", tenant=name)

    async def resume(self, name: str) -> None:
        """Start a tenant again. Raises NoSuchTenant, WrongLife, BadTenant, the store's errors."""
        async with self.change():
            entry = self._entry(name)
            if entry.life is Life.RUNNING:
                raise WrongLife("The tenant runs already")
            stored = self._kept.values.get(name)
            if stored is not None and stored.settings is not None:
                self._configuration = with_tenant(self._configuration, name, stored.settings)
                entry.given = self._configuration.settings.tenants[name]
                await self._learn_secrets(name)
                self._around.authenticator.replace(self.users())
            await self._make_and_start(entry)
            self._note(entry, suspended=False)
            await self._kept.saved()
            log.info("tenant resumed", tenant=name)

    def _note(self, entry: Entry, *, suspended: bool) -> None:
        stored = self._kept.values.get(entry.name, StoredTenant(None))
        self._kept.put(entry.name, msgspec.structs.replace(stored, suspended=suspended))

    async def remove(self, name: str) -> None:
        """End a run-time tenant and forget it. Raises NoSuchTenant, WrongLife, store's errors."""
        async with self.change():
            entry = self._entry(name)
            if entry.configured:
                raise WrongLife("The tenant is of the configuration file; remove it there")
            self._withdraw(entry, REMOVED)
            await entry.end()
            del self._entries[name]
            self._around.authenticator.replace(self.users())
            self.logs.pop(name, None)
            self._around.sip.release(name)
            await self._unlearn_secrets(name)
            self._kept.remove(name)
            await self._kept.saved()
            await trio.to_thread.run_sync(self._put_aside, name)
            self._configuration = without_tenant(self._configuration, name)
            log.info("tenant removed", tenant=name)

    def _put_aside(self, name: str) -> None:
        """Put a tenant's files aside. Blocks."""
        try:
            put_aside(self._configuration, name)
        except OSError as error:
            log.error("files of a tenant are left", tenant=name, reason=str(error))
