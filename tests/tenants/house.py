"""The tenants of a daemon on a virtual network, with SIP and media, under the jumping clock."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import trio
import trio.testing

from caps.caveats import Caveat
from caps.grant import Grant
from caps.keyring import Keyring
from stasisd.config import load, settings
from stasisd.core import bus
from stasisd.core.tenant import Tenant
from stasisd.media.control import Media, MediaSettings
from stasisd.operations import OPERATIONS
from stasisd.operations.authentication import Authenticator, Shown
from stasisd.operations.gate import Gate
from stasisd.operations.tenure import Tenures
from stasisd.store.contacts import Contacts
from stasisd.store.database import Database
from stasisd.technologies.sip import Sip, SipSettings
from stasisd.tenants.entry import Connection
from stasisd.tenants.keeping import ensure_secrets, root_key
from stasisd.tenants.tenants import Around, Tenants
from tests.support.media import Network, in_process
from tests.support.tenant import EPOCH
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.wire import Switch
from tests.technologies.sip.world import SERVER, InlineDatabase

CONFIGURATION = """
[audit]
enabled = false
[tenants.acme.users.app]
[tenants.acme.endpoints.100]
password = "acme"
[tenants.globex]
domains = ["globex.example"]
[tenants.globex.users.app]
[tenants.globex.endpoints.100]
password = "globex"
"""
INITECH = {
    "domains": ["initech.example"],
    "users": {"app": {}},
    "endpoints": {"100": {"password": "initech"}},
}
OPERATOR = Grant(tenant=None, key_id="k", token_id="t", caveats=())


def connections(_tenant: Tenant, given: settings.Tenant) -> Sequence[Connection]:
    """None; certificates are read as the daemon would."""
    for outbound in given.outbound.values():
        if outbound.authorities is not None:
            ssl.create_default_context(cafile=outbound.authorities)
    return ()


class House:
    """What the daemon has around its tenants; ``folder`` and ``database`` outlive it."""

    def __init__(self, folder: Path, database: InlineDatabase, *, audited: bool = False) -> None:
        file = folder / "stasisd.toml"
        file.write_text(
            CONFIGURATION.replace("enabled = false", f"enabled = {str(audited).lower()}")
        )
        configuration = load(file, {"STATE_DIRECTORY": str(folder / "state")})
        kept, _ = ensure_secrets(configuration)
        self.secrets, self.configuration = kept, configuration
        self.state = configuration.state
        self.network, self.switch = Network(), Switch()
        self.media = Media(MediaSettings(bind=SERVER[0]), in_process(self.network))
        self.keyring = Keyring(map(root_key, kept.root_keys))
        self.tenants = Tenants(configuration, self.media, kept)
        self.authenticator = Authenticator(self.tenants.users(), self.keyring, lambda: EPOCH)
        self.gate = Gate(self.tenants, lambda: EPOCH, self.tenants)
        stored = cast(Database, database)
        self.sip = Sip(
            SipSettings(host=SERVER[0], port=SERVER[1]),
            Contacts(stored),
            open_wire=self.switch.wire,
            wall_clock=lambda: EPOCH + trio.current_time(),
        )
        tenures = Tenures(self.keyring, lambda: EPOCH)
        self.around = Around(stored, self.sip, self.authenticator, tenures, connections)
        self._nursery: trio.Nursery
        self._phones = 0

    async def run(self, *, task_status: trio.TaskStatus["House"]) -> None:
        async with trio.open_nursery() as self._nursery:
            await self._nursery.start(self.media.run)
            await self._nursery.start(self.tenants.run, self.around)
            await self._nursery.start(self.sip.run)
            self.tenants.open()
            task_status.started(self)

    async def operate(self, name: str, *caveats: Caveat, **raw: Any) -> Any:
        """Ask as an operator does."""
        return await self.gate.perform(OPERATOR.narrow(*caveats), OPERATIONS[name], raw)

    async def log_in(self, login: str, password: str) -> Grant:
        """The grant of a user."""
        return await self.authenticator.log_in(Shown(password, login), "192.0.2.9")

    async def phone(self, tenant: str) -> Phone:
        """A phone 100 of a tenant, which is not registered."""
        self._phones += 1
        domain = None if tenant == "acme" else f"{tenant}.example"
        phone = Phone(
            "100",
            f"192.0.2.{self._phones}",
            SERVER,
            self.switch,
            self.network,
            domain=domain,
            password=tenant,
        )
        await self._nursery.start(phone.run)
        return phone

    def listen(self, tenant: Tenant, name: str = "app") -> bus.Mailbox:
        """A socket that serves an application."""
        mailbox = bus.Mailbox()
        tenant.serve_application(name).connect(mailbox, everything=True)
        return mailbox


@asynccontextmanager
async def house(
    folder: Path, database: InlineDatabase | None = None, *, audited: bool = False
) -> AsyncIterator[House]:
    """A house that is lived in."""
    made = House(folder, database or InlineDatabase(), audited=audited)
    async with trio.open_nursery() as nursery:
        yield await nursery.start(made.run)
        nursery.cancel_scope.cancel()
