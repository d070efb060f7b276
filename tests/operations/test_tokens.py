"""Rotating keys and revoking tokens: at once, for one tenant, and for good."""

from pathlib import Path
from typing import Any

import pytest

from caps import verify
from caps.caveats import READ_ONLY, Expires
from caps.errors import ExpiredToken, InvalidToken, RevokedToken
from caps.keyring import Keyring, RootKey
from caps.token import mint
from stasisd.core.keys import KeySnapshot
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.gate import Gate
from stasisd.operations.tenure import Tenures
from stasisd.store.database import open_database
from stasisd.store.keys import read_beside
from stasisd.tenants.keys import TenantKeys
from tests.support.clock import jumping_clock
from tests.support.tenant import EPOCH
from tests.support.world import Failed, ask, grant

pytestmark = jumping_clock

FIRST = RootKey("first", "default", b"1" * 32)
FOREIGN = RootKey("foreign", "other", b"2" * 32)


@pytest.fixture
def ring(tenant: Tenant) -> Keyring:
    """The daemon's: the tenant's first key, and another tenant's."""
    ring = Keyring([FIRST, FOREIGN])
    tenant.keys = TenantKeys(tenant.name, Tenures(ring, tenant.now))
    return ring


def keys_of(tenant: Tenant) -> TenantKeys:
    assert isinstance(tenant.keys, TenantKeys)
    return tenant.keys


async def do(tenant: Tenant, asked: str, /, **raw: Any) -> Any:
    gate = Gate({tenant.name: tenant}, tenant.now)
    return await ask(gate, grant(), OPERATIONS[asked], raw)


async def test_a_revoked_token_and_all_made_of_it_are_refused(
    tenant: Tenant, ring: Keyring
) -> None:
    token, other = mint(FIRST), mint(FIRST)
    weaker = token.attenuate(Expires(EPOCH + 99))
    for each in (token, weaker):
        verify(each.encode(), ring, EPOCH)
    assert await do(tenant, "tokens.revoke", tokenId=token.token_id) is None
    for each in (token, weaker):
        with pytest.raises(RevokedToken):
            verify(each.encode(), ring, EPOCH)
    verify(other.encode(), ring, EPOCH)


async def test_a_foreign_token_can_not_be_revoked(tenant: Tenant, ring: Keyring) -> None:
    foreign = mint(FOREIGN, user="zoe", issued=1.0)
    assert await do(tenant, "tokens.revoke", tokenId=foreign.token_id) is None
    assert await do(tenant, "tokens.revokeUser", userName="zoe") is None
    verify(foreign.encode(), ring, EPOCH)
    assert await do(tenant, "keys.end", keyId="foreign") == Failed(
        "not_found", "Key not found", None
    )


async def test_a_users_tokens_are_revoked_up_to_now(tenant: Tenant, ring: Keyring) -> None:
    old = mint(FIRST, user="zoe", issued=EPOCH - 1)
    new = mint(FIRST, user="zoe", issued=EPOCH + 60)
    assert await do(tenant, "tokens.revokeUser", userName="zoe") is None
    with pytest.raises(RevokedToken):
        verify(old.encode(), ring, EPOCH)
    verify(new.encode(), ring, EPOCH + 60)


async def test_keys_overlap(tenant: Tenant, ring: Keyring) -> None:
    token = mint(FIRST).encode()
    made = await do(tenant, "keys.rotate", overlap="60")
    assert isinstance(made, KeySnapshot)
    assert await do(tenant, "keys.list") == [
        KeySnapshot("first", signs=False, until=tenant.now() + 60),
        KeySnapshot(made.id, signs=True),
    ]
    verify(token, ring, EPOCH + 59)
    with pytest.raises(ExpiredToken):
        verify(token, ring, EPOCH + 61)
    signing = ring.newest("default")
    assert signing is not None
    assert signing.id == made.id
    assert ring.newest("other") is FOREIGN


async def test_a_key_is_ended_at_once_but_for_the_one_that_signs(
    tenant: Tenant, ring: Keyring
) -> None:
    token = mint(FIRST).encode()
    refused = await do(tenant, "keys.end", keyId="first")
    assert (refused.kind, refused.message) == ("conflict", "The key signs")
    await do(tenant, "keys.rotate")
    assert await do(tenant, "keys.end", keyId="first") is None
    with pytest.raises(ExpiredToken):
        verify(token, ring, tenant.now())


async def test_a_reader_changes_nothing(tenant: Tenant, ring: Keyring) -> None:
    gate = Gate({tenant.name: tenant}, tenant.now)
    for name, raw in (("keys.rotate", {}), ("tokens.revoke", {"tokenId": "t"})):
        refused = await ask(gate, grant(READ_ONLY), OPERATIONS[name], raw)
        assert refused.message == "Write access denied"
    assert [key.id for key in ring.keys] == ["first", "foreign"]


async def test_it_holds_after_a_restart(tenant: Tenant, ring: Keyring, tmp_path: Path) -> None:
    old = mint(FIRST, user="zoe", issued=1.0).encode()
    revoked = mint(FIRST)
    async with open_database(tmp_path / "state.sqlite") as database:
        await keys_of(tenant).keep_in(database)
        made = await do(tenant, "keys.rotate", overlap="60")
        await do(tenant, "tokens.revoke", tokenId=revoked.token_id)
        await do(tenant, "tokens.revokeUser", userName="zoe")
        await do(tenant, "keys.rotate", overlap="30")
        signing = ring.newest("default")
        assert signing is not None
        token = mint(signing).encode()

        again = Keyring([FIRST, FOREIGN])  # as the file of secrets has it
        await TenantKeys("default", Tenures(again, tenant.now)).keep_in(database)
        nobodys = Keyring([FOREIGN])
        await TenantKeys("other", Tenures(nobodys, tenant.now)).keep_in(database)
    assert [key.id for key in again.keys] == [key.id for key in (FIRST, FOREIGN)] + [
        made.id,
        signing.id,
    ]
    assert again.newest("default") == signing
    verify(token, again, EPOCH)
    for refused in (old, revoked.encode()):
        with pytest.raises(RevokedToken):
            verify(refused, again, EPOCH)
    verify(mint(FIRST).encode(), again, EPOCH + 29)
    with pytest.raises(ExpiredToken):
        verify(mint(FIRST).encode(), again, EPOCH + 31)
    with pytest.raises(InvalidToken):
        verify(token, nobodys, EPOCH)


async def test_a_command_beside_the_daemon_reads_the_same(
    tenant: Tenant, ring: Keyring, tmp_path: Path
) -> None:
    path = tmp_path / "state.sqlite"
    assert read_beside(path, "default") == ({}, {})
    async with open_database(path) as database:
        await keys_of(tenant).keep_in(database)
        made = await do(tenant, "keys.rotate")
        await do(tenant, "tokens.revoke", tokenId="t")
        keys, revocations = read_beside(path, "default")
        assert list(keys) == ["first", made.id]
        assert list(revocations) == ["token/t"]
        assert read_beside(path, "other") == ({}, {})


@pytest.mark.parametrize("token_id", ["a/b", "x" * 65, "ü"])
async def test_what_is_no_tokens_id(token_id: str, tenant: Tenant, ring: Keyring) -> None:
    refused = await do(tenant, "tokens.revoke", tokenId=token_id)
    assert refused.kind == "invalid_parameter"


async def test_no_secret_is_shown(tenant: Tenant, ring: Keyring) -> None:
    tenant.keys.rotate(1.0, 2.0)
    shown = repr(keys_of(tenant).stored.values) + repr(tenant.keys.all())
    assert "secret" not in shown
    assert "\\x" not in shown
