"""A tenant's root keys and what it revoked: kept, and in force at once.

The keyring is one for the whole daemon, since a token says by its key whose it is. What is done
here reaches the keys and tokens of one tenant, or of the operator, and no other's.
"""

import math
import secrets

import msgspec

from caps.keyring import Keyring, RootKey
from caps.token import generate_key
from stasisd.core.kept import Kept
from stasisd.core.keys import KeySnapshot, LastKey, NoSuchKey
from stasisd.operations.tenure import Tenures
from stasisd.store.database import Database
from stasisd.store.keys import Keys as KeyStore
from stasisd.store.keys import Revocations, StoredKey

TOKEN, USER = "token/", "user/"
OPERATOR = ""  # no tenant has this name
KEY_ID_BYTES = 5


class TenantKeys:
    """The keys of one tenant, or of the operator where that is None."""

    def __init__(self, tenant: str | None, tenures: Tenures) -> None:
        """The keyring of the tenures has the tenant's first key already."""
        self.tenant = tenant
        self._tenures = tenures
        self._keyring = tenures.keyring
        self.stored: Kept[StoredKey] = Kept()
        self.revoked: Kept[float] = Kept()

    async def keep_in(self, database: Database) -> None:
        """Take over what an earlier run kept. Raises the store's errors."""
        name = stored_name(self.tenant)
        await self.stored.load(KeyStore(database, name))
        await self.revoked.load(Revocations(database, name))
        restore(self._keyring, self.tenant, self.stored.values, self.revoked.values)

    def all(self) -> list[KeySnapshot]:
        """The keys that verify, or did since the start; the oldest first."""
        newest = self._keyring.newest(self.tenant)
        return [
            KeySnapshot(key.id, key is newest, None if key.until == math.inf else key.until)
            for key in self._keyring.keys
            if key.tenant == self.tenant
        ]

    def rotate(self, now: float, until: float) -> KeySnapshot:
        """Make a new key to sign with; what the older ones signed is good until then."""
        key = new_key(self.tenant)
        self._keyring.rotate(key, until)
        self.stored.put(key.id, StoredKey(key.secret, now))
        for held in self._held():
            if held.id != key.id:
                self._store(held)
        self._tenures.revise()
        return KeySnapshot(key.id, signs=True)

    def end(self, key_id: str, now: float) -> None:
        """Let nothing verify by this key any more.

        Raises :class:`NoSuchKey`, and :class:`LastKey` for the one that signs.
        """
        key = self._keyring.find(key_id)
        if key is None or key.tenant != self.tenant:
            raise NoSuchKey(key_id)
        if key is self._keyring.newest(self.tenant):
            raise LastKey(key_id)
        self._keyring.limit(key_id, now)
        self._store(msgspec.structs.replace(key, until=min(key.until, now)))
        self._tenures.revise()

    def revoke_token(self, token_id: str, now: float) -> None:
        """No token of this id, nor any made of it, is taken any more."""
        self._keyring.revoke(self.tenant, token_id)
        self.revoked.put(TOKEN + token_id, now)
        self._tenures.revise()

    def revoke_user(self, user: str, now: float) -> None:
        """No token is taken any more that was minted for the user before now."""
        self._keyring.revoke_user(self.tenant, user, now)
        self.revoked.put(USER + user, now)
        self._tenures.revise()

    async def saved(self) -> None:
        """Wait until it is on the disk. Raises the store's errors."""
        await self.stored.saved()
        await self.revoked.saved()

    def _held(self) -> list[RootKey]:
        return [key for key in self._keyring.keys if key.tenant == self.tenant]

    def _store(self, key: RootKey) -> None:
        known = self.stored.values.get(key.id)
        # A key of the file of secrets is older than all that are made here.
        made = known.made if known is not None else 0.0
        until = None if key.until == math.inf else key.until
        self.stored.put(key.id, StoredKey(key.secret, made, until))


def stored_name(tenant: str | None) -> str:
    """What a tenant is called in the store."""
    return tenant if tenant is not None else OPERATOR


def new_key(tenant: str | None) -> RootKey:
    """A key of an id that nobody has."""
    return generate_key(secrets.token_hex(KEY_ID_BYTES), tenant)


def restore(
    keyring: Keyring,
    tenant: str | None,
    keys: dict[str, StoredKey],
    revoked: dict[str, float],
) -> None:
    """Have in the ring what was stored of a tenant, beside its first keys, which are there."""
    for key_id, key in keys.items():
        until = math.inf if key.until is None else key.until
        if keyring.find(key_id) is None:
            keyring.add(RootKey(key_id, tenant, key.secret, until))
        else:
            keyring.limit(key_id, until)
    for name, at in revoked.items():
        if name.startswith(TOKEN):
            keyring.revoke(tenant, name.removeprefix(TOKEN))
        else:
            keyring.revoke_user(tenant, name.removeprefix(USER), at)
