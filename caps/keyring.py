"""Root keys by id, and what was revoked; all in memory, loading and saving are the caller's."""

import math
import secrets
from collections.abc import Callable, Iterable, Mapping

import msgspec

from caps.errors import ExpiredToken, RevokedToken
from caps.grant import Grant
from caps.recent import Recent

KEY_LENGTH = 32


class RootKey(msgspec.Struct, frozen=True):
    """The key that signs the tokens of one tenant; `id` is public and stands in each token.

    A key whose `tenant` is None is the operator's: what it signs is of no tenant, and may act on
    all of them. From `until` on (seconds since 1970) it verifies nothing any more.
    """

    id: str
    tenant: str | None
    secret: bytes
    until: float = math.inf

    def __repr__(self) -> str:
        return f"RootKey(id={self.id!r}, tenant={self.tenant!r})"


# A tenant, and the id of a token or the name of a user in it.
TokenId = tuple[str | None, str]
User = tuple[str | None, str]


class Keyring:
    """Holds root keys, what was revoked, and the grants of tokens verified before.

    A tenant may have several keys at a time: the newest signs, the older ones still verify.
    """

    def __init__(
        self,
        keys: Iterable[RootKey] = (),
        revoked: Iterable[TokenId] = (),
        revoked_users: Mapping[User, float] | None = None,
        *,
        cache_size: int = 4096,
    ) -> None:
        self._keys: dict[str, RootKey] = {}
        self._newest: dict[str | None, RootKey] = {}
        self._revoked = set(revoked)
        self._revoked_users = dict(revoked_users or {})
        self._grants: Recent[str, Grant] = Recent(cache_size)
        # Stands in for a key we do not hold, so that refusing its token costs the same work.
        self._decoy = secrets.token_bytes(KEY_LENGTH)
        for key in keys:
            self.add(key)

    def add(self, key: RootKey) -> None:
        """Adds a key, which becomes its tenant's newest; ValueError if the id is taken."""
        if key.id in self._keys:
            raise ValueError(f"the key id {key.id!r} is taken")
        self._keys[key.id] = self._newest[key.tenant] = key

    def rotate(self, key: RootKey, until: float) -> None:
        """Adds a key; the tenant's older ones verify until then, or their own earlier end.

        Raises ValueError if the id is taken.
        """
        older = [held.id for held in self._keys.values() if held.tenant == key.tenant]
        self.add(key)
        for key_id in older:
            self.limit(key_id, until)

    def limit(self, key_id: str, until: float) -> None:
        """Lets a key verify until then at most; one that is not held is passed over."""
        held = self._keys.get(key_id)
        if held is not None and until < held.until:
            limited = msgspec.structs.replace(held, until=until)
            self._keys[key_id] = limited
            if self._newest[held.tenant].id == key_id:
                self._newest[held.tenant] = limited
            self._forget(lambda grant: grant.key_id == key_id)

    def retire(self, key_id: str) -> None:
        """Forgets a key, and with it every token it signed."""
        key = self._keys.pop(key_id, None)
        if key is not None and self._newest[key.tenant].id == key_id:
            self._elect(key.tenant)
        self._forget(self.is_revoked)

    def _elect(self, tenant: str | None) -> None:
        """The last of the keys that are left is the newest."""
        del self._newest[tenant]
        self._newest.update({k.tenant: k for k in self._keys.values() if k.tenant == tenant})

    @property
    def keys(self) -> tuple[RootKey, ...]:
        """All keys, the oldest first, for saving."""
        return tuple(self._keys.values())

    def newest(self, tenant: str | None) -> RootKey | None:
        """The key that signs this tenant's new tokens; None stands for the operator."""
        return self._newest.get(tenant)

    def find(self, key_id: str) -> RootKey | None:
        """The key with this id."""
        return self._keys.get(key_id)

    def secret_or_decoy(self, key_id: str) -> bytes:
        """The secret to verify with; for an unknown id one that never verifies."""
        key = self._keys.get(key_id)
        return self._decoy if key is None else key.secret

    def revoke(self, tenant: str | None, token_id: str) -> None:
        """From now on no token of the tenant with this id verifies, nor any attenuated from it."""
        self._revoked.add((tenant, token_id))
        self._forget(self.is_revoked)

    def revoke_user(self, tenant: str | None, user: str, now: float) -> None:
        """No token verifies that was minted for the user before now, nor any made of it."""
        self._revoked_users[tenant, user] = now
        self._forget(self.is_revoked)

    @property
    def revoked(self) -> frozenset[TokenId]:
        """The revoked tokens, for saving."""
        return frozenset(self._revoked)

    @property
    def revoked_users(self) -> dict[User, float]:
        """The users whose tokens were revoked, and when, for saving."""
        return dict(self._revoked_users)

    def is_revoked(self, grant: Grant) -> bool:
        """Whether the token was revoked: by its id, by its user, or by the end of its key."""
        key = self._keys.get(grant.key_id)
        if key is None or (key.tenant, grant.token_id) in self._revoked:
            return True
        if grant.user is None:
            return False
        return grant.issued < self._revoked_users.get((key.tenant, grant.user), -math.inf)

    def require_valid(self, grant: Grant, now: float) -> None:
        """Whether a grant still stands, as a holder of an open socket must ask.

        Raises RevokedToken (the key's retirement counts as that) or ExpiredToken.
        """
        if self.is_revoked(grant):
            raise RevokedToken
        if not grant.not_before <= now < min(grant.expires, self._keys[grant.key_id].until):
            raise ExpiredToken

    def recall(self, text: str) -> Grant | None:
        """The grant of a token that verified before and was not revoked since."""
        return self._grants.get(text)

    def remember(self, text: str, grant: Grant) -> None:
        """Keeps a verified token's grant; the oldest makes room."""
        self._grants.keep(text, grant)

    def _forget(self, lost: Callable[[Grant], bool]) -> None:
        for text in [text for text, grant in self._grants.items() if lost(grant)]:
            del self._grants[text]

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)} keys, {len(self._revoked)} tokens revoked>"
