"""The server that the recordings are replayed against: `target/`, on virtual networks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import trio

from stasisd.sip.flow import Address
from stasisd.store.contacts import Contacts
from stasisd.store.database import Database
from stasisd.technologies.sip import Sip, SipAccount, SipSettings
from tests.support.server import Server, serving
from tests.technologies.sip.wire import Switch
from tests.technologies.sip.world import InlineDatabase

SIP: Address = ("127.0.0.1", 25060)
# Of `target/pjsip.conf`: it may register without a password, from one address.
PHONE = SipAccount(
    tenant="default",
    name="confphone",
    password=None,
    context="conformance",
    codecs=("ulaw",),
    max_contacts=1,
    caller_number="confphone",
)


class Target:
    """The server, and the network that phones reach it by."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.switch = Switch()
        host, port = SIP
        self.sip = Sip(
            SipSettings(host=host, port=port, tcp=False),
            Contacts(cast(Database, InlineDatabase())),
            open_wire=self.switch.wire,
            wall_clock=server.tenant.now,
        )
        self.sip.add(server.tenant, [PHONE])


@asynccontextmanager
async def target(folder: Path) -> AsyncIterator[Target]:
    """The target, running."""
    async with serving(folder, bind=SIP[0]) as server, trio.open_nursery() as nursery:
        made = Target(server)
        await nursery.start(made.sip.run)
        yield made
        nursery.cancel_scope.cancel()
