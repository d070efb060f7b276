"""The SIP technology in a tenant, phones around it, and nothing of it left at the end."""

import sqlite3
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import trio
import trio.testing

from stasisd.core.events import Event
from stasisd.core.tenant import Tenant
from stasisd.media.control import Media, MediaSettings
from stasisd.store.contacts import Contacts
from stasisd.store.database import Database
from stasisd.store.schema import migrate
from stasisd.technologies.sip import Sip, SipAccount, SipSettings
from tests.support.media import InProcessLink, Network, in_process
from tests.support.tenant import EPOCH, Listener, assert_nothing_left, make_tenant
from tests.technologies.sip.phones import Phone, Raw
from tests.technologies.sip.wire import Switch

T = TypeVar("T")

SERVER = ("192.0.2.100", 5060)
APP = "app"
DIALPLAN = """
[phones]
exten => 600,1,Answer()
 same => n,Echo()
 same => n,Hangup()
exten => 1000,1,Stasis(app)
 same => n,Hangup()
exten => 1001,1,Answer()
 same => n,Stasis(app)
 same => n,Hangup()
exten => ring,1,Ringing()
 same => n,Wait(60)
exten => busy,1,Busy(1)
exten => bye,1,Answer()
 same => n,Wait(1)
 same => n,Hangup(17)
exten => decline,1,Hangup(21)
exten => _1XX,1,Dial(PJSIP/${EXTEN},30)
 same => n,Set(ended=${DIALSTATUS})
 same => n,Hangup()
"""


class InlineDatabase:
    """SQLite in the test's own thread: nothing to wait for while the clock jumps."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        # Python 3.13 warns of connections that nobody has closed.
        weakref.finalize(self, self.connection.close)
        migrate(self.connection, Path(":memory:"))
        self.failing: Exception | None = None

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        await trio.lowlevel.checkpoint()
        return function(self.connection)

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        await trio.lowlevel.checkpoint()
        if self.failing is not None:
            raise self.failing
        return function(self.connection)


def account(name: str, **changes: Any) -> SipAccount:
    usual: dict[str, Any] = {
        "tenant": "default",
        "name": name,
        "password": "secret",
        "context": "phones",
        "caller_number": name,
    }
    return SipAccount(**usual | changes)


ACCOUNTS = (
    account("100"),
    account("101"),
    account("102", codecs=("alaw",)),
    account("open", password=None),
)


class Everything(Listener):
    """What everybody hears and what the application hears, each event once."""

    async def next(self) -> Event:
        event = await super().next()
        while any(event is heard for heard in self.heard[-2:-1]):
            self.heard.pop()
            event = await super().next()
        return event


class World:
    """One daemon's SIP, its tenant, and the phones that were plugged in."""

    def __init__(
        self,
        folder: Path,
        nursery: trio.Nursery,
        accounts: tuple[SipAccount, ...] = ACCOUNTS,
        database: InlineDatabase | None = None,
        **settings: Any,
    ) -> None:
        self.network = Network()
        self.switch = Switch()
        self.links: list[InProcessLink] = []
        self._folder = folder
        self.media = Media(MediaSettings(bind=SERVER[0]), in_process(self.network, self.links))
        self.tenant = make_tenant(self.media, folder, DIALPLAN)
        self.database = database or InlineDatabase()
        given: dict[str, Any] = {"host": SERVER[0], "port": SERVER[1]} | settings
        self.sip = Sip(
            SipSettings(**given),
            Contacts(cast(Database, self.database)),
            open_wire=self.switch.wire,
            wall_clock=lambda: EPOCH + trio.current_time(),
        )
        self.sip.add(self.tenant, accounts)
        self.phones: list[Phone] = []
        self._nursery = nursery
        self._service = trio.CancelScope()
        self._tasks = 0

    async def host(self, name: str, *domains: str, names: tuple[str, ...] = ("100",)) -> Tenant:
        """One more tenant, with phones of these names."""
        made = make_tenant(self.media, self._folder / name, DIALPLAN, name, domains)
        self.sip.add(made, [account(each, tenant=name, password=name) for each in names])
        await self._nursery.start(made.run)
        await self._count_tasks()
        return made

    async def start(self) -> None:
        await self._nursery.start(self.media.run)
        await self._nursery.start(self.tenant.run)
        await self._nursery.start(self._serve)
        self.events = Everything(self.tenant)
        self.tenant.serve_application(APP).connect(self.events.mailbox, everything=False)
        await self._count_tasks()

    async def _serve(self, *, task_status: trio.TaskStatus[None]) -> None:
        with self._service:
            await self.sip.run(task_status=task_status)

    async def stop(self) -> None:
        """End SIP as the daemon would at its end."""
        self._service.cancel()
        await self._count_tasks()

    async def _count_tasks(self) -> None:
        await trio.testing.wait_all_tasks_blocked()
        self._tasks = tasks_in(self._nursery)

    async def plug(self, name: str, **options: Any) -> Phone:
        """A phone that is not registered."""
        host = f"192.0.2.{1 + len(self.phones)}"
        phone = Phone(name, host, SERVER, self.switch, self.network, **options)
        self.phones.append(phone)
        await self._nursery.start(phone.run)
        await self._count_tasks()
        return phone

    async def phone(self, name: str, **options: Any) -> Phone:
        """A registered phone."""
        phone = await self.plug(name, **options)
        await phone.register()
        await self.events.settle(0.1)
        self.events.heard.clear()
        return phone

    def raw(self, host: str = "192.0.2.50") -> Raw:
        return Raw((host, 5060), SERVER, self.switch)

    async def check_nothing_left(self) -> None:
        """Once the last retransmission is over: no call, port, task or transaction."""
        await self.events.settle(70)
        assert_nothing_left(self.tenant)
        assert len(self.sip.calls) == 0
        running = [] if self._service.cancel_called else [self.sip.line]
        for line in (*running, *(phone.line for phone in self.phones)):
            statistics = line.agent.statistics()
            assert (statistics["calls"], statistics["transactions"]) == (0, 0), statistics
        await trio.testing.wait_all_tasks_blocked()
        assert tasks_in(self._nursery) == self._tasks


def tasks_in(nursery: trio.Nursery) -> int:
    """How many tasks there are in it and below."""
    return sum(1 + sum(map(tasks_in, task.child_nurseries)) for task in nursery.child_tasks)


@asynccontextmanager
async def running(
    folder: Path, *, check: bool = True, start: bool = True, **options: Any
) -> AsyncIterator[World]:
    """A world that is checked for leaks at its end."""
    async with trio.open_nursery() as nursery:
        made = World(folder, nursery, **options)
        if start:
            await made.start()
        yield made
        if check:
            await made.check_nothing_left()
        nursery.cancel_scope.cancel()
