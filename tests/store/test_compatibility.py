"""State that earlier versions wrote stays readable: the files under version_N are never edited."""

import shutil
from pathlib import Path

from stasisd.store import DATABASE, SECRETS
from stasisd.store.contacts import Contact, Contacts
from stasisd.store.database import open_database
from stasisd.store.key_values import KeyValues
from stasisd.store.secrets import Secrets, StoredKey, load

KEPT = Path(__file__).parent / "version_1"

CONTACT = Contact(
    tenant="default",
    aor="100",
    uri="sip:100@192.0.2.7:5062;transport=tcp",
    expires=2_000_000_000.5,
    call_id="843817637684230@998sdasdh09",
    cseq=1826,
    q=0.7,
    transport="tcp",
    source_host="198.51.100.3",
    source_port=40123,
    user_agent="a phone",
)
WRITTEN = Secrets(
    users={"default": {"stasis": "2345678923456789abcd"}},
    endpoints={"default": {"100": "abcdefghijkmnpqrstuv"}},
    root_keys=(StoredKey("k2345678", "default", bytes(range(32))),),
)


async def test_the_first_database(tmp_path: Path) -> None:
    copy = tmp_path / DATABASE
    shutil.copyfile(KEPT / DATABASE, copy)
    async with open_database(copy) as database:
        assert await Contacts(database).unexpired(0.0) == [CONTACT]
        assert await KeyValues(database).family("default", "cidname") == {"100": "Ada"}


def test_the_first_secrets(tmp_path: Path) -> None:
    copy = tmp_path / SECRETS
    shutil.copyfile(KEPT / SECRETS, copy)
    copy.chmod(0o600)
    assert load(copy) == WRITTEN
