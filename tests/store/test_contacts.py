"""SIP contacts across restarts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stasisd.store.contacts import Contact, Contacts
from stasisd.store.database import open_database


@pytest.fixture
async def contacts(tmp_path: Path) -> AsyncIterator[Contacts]:
    async with open_database(tmp_path / "a.sqlite3") as database:
        yield Contacts(database)


def contact(uri: str = "sip:100@192.0.2.1", **changes: Any) -> Contact:
    usual: dict[str, Any] = {
        "tenant": "default",
        "aor": "100",
        "uri": uri,
        "expires": 100.0,
        "call_id": "abc",
        "cseq": 7,
        "source_host": "192.0.2.1",
        "source_port": 5060,
    }
    return Contact(**{**usual, **changes})


async def test_a_register_is_applied_as_a_whole(contacts: Contacts) -> None:
    old, new = contact("sip:old"), contact("sip:new", transport="tcp", user_agent="phone")
    await contacts.update("default", "100", put=[old])
    await contacts.update("default", "100", put=[new], remove=["sip:old", "sip:never"])
    assert await contacts.of("default", "100", now=0.0) == [new]


async def test_a_refresh_replaces_the_binding(contacts: Contacts) -> None:
    await contacts.update("default", "100", put=[contact()])
    await contacts.update("default", "100", put=[contact(expires=200.0, cseq=8)])
    assert await contacts.of("default", "100", now=150.0) == [contact(expires=200.0, cseq=8)]


async def test_the_preferred_contact_comes_first(contacts: Contacts) -> None:
    some = [contact("sip:a", q=0.1), contact("sip:b", q=1.0), contact("sip:c", q=0.5)]
    await contacts.update("default", "100", put=some)
    found = await contacts.of("default", "100", now=0.0)
    assert [each.uri for each in found] == ["sip:b", "sip:c", "sip:a"]


async def test_tenants_and_addresses_are_apart(contacts: Contacts) -> None:
    theirs, other = contact(tenant="theirs"), contact(aor="101")
    for each in (contact(), theirs, other):
        await contacts.update(each.tenant, each.aor, put=[each])
    await contacts.clear("default", "100")
    assert await contacts.unexpired(0.0) == [other, theirs]


async def test_expired_contacts_are_not_found_and_purged(contacts: Contacts) -> None:
    late = contact("sip:late", expires=300.0)
    await contacts.update("default", "100", put=[contact(), late])
    assert await contacts.unexpired(100.0) == [late]
    assert await contacts.of("default", "100", now=100.0) == [late]
    assert await contacts.purge(100.0) == 1
    assert await contacts.unexpired(0.0) == [late]
