"""Root keys by id, and what was revoked; all in memory, loading and saving are the caller's."""

import secrets
from collections.abc import Callable, Iterable

import msgspec

from caps.errors import ExpiredToken, RevokedToken
from caps.grant import Grant

KEY_LENGTH = 32


class RootKey(msgspec.Struct, frozen=True):
    """The key that signs the tokens of one tenant; `id` is public and stands in each token."""

    id: str
    tenant: str
    secret: bytes

    def __repr__(self) -> str:
        return f"RootKey(id={self.id!r}, tenant={self.tenant!r})"


class Keyring:
    """Holds root keys, revoked token ids, and the grants of tokens verified before.

    A tenant may have several keys at a time: the newest signs, the older ones still verify.
    """

    def __init__(
        self,
        keys: Iterable[RootKey] = (),
        revoked: Iterable[str] = (),
        *,
        cache_size: int = 4096,
    ) -> None:
        self._keys: dict[str, RootKey] = {}
        self._revoked = set(revoked)
        self._grants: dict[str, Grant] = {}
        self._cache_size = cache_size
        # Stands in for a key we do not hold, so that refusing its token costs the same work.
        self._decoy = secrets.token_bytes(KEY_LENGTH)
        for key in keys:
            self.add(key)

    def add(self, key: RootKey) -> None:
        """Adds a key, which becomes its tenant's newest; ValueError if the id is taken."""
        if key.id in self._keys:
            raise ValueError(f"the key id {key.id!r} is taken")
        self._keys[key.id] = key

    def retire(self, key_id: str) -> None:
        """Forgets a key, and with it every token it signed."""
        self._keys.pop(key_id, None)
        self._forget(lambda grant: grant.key_id == key_id)

    def newest(self, tenant: str) -> RootKey | None:
        """The key that signs this tenant's new tokens."""
        return next((k for k in reversed(self._keys.values()) if k.tenant == tenant), None)

    def find(self, key_id: str) -> RootKey | None:
        """The key with this id."""
        return self._keys.get(key_id)

    def secret_or_decoy(self, key_id: str) -> bytes:
        """The secret to verify with; for an unknown id one that never verifies."""
        key = self._keys.get(key_id)
        return self._decoy if key is None else key.secret

    def revoke(self, token_id: str) -> None:
        """From now on no token with this id verifies, nor any attenuated from it."""
        self._revoked.add(token_id)
        self._forget(lambda grant: grant.token_id == token_id)

    def is_revoked(self, token_id: str) -> bool:
        """Whether this token id was revoked."""
        return token_id in self._revoked

    @property
    def revoked(self) -> frozenset[str]:
        """The revoked token ids, for saving."""
        return frozenset(self._revoked)

    def require_valid(self, grant: Grant, now: float) -> None:
        """Whether a grant still stands, as a holder of an open socket must ask.

        Raises RevokedToken (the key's retirement counts as that) or ExpiredToken.
        """
        if grant.token_id in self._revoked or grant.key_id not in self._keys:
            raise RevokedToken
        if not grant.not_before <= now < grant.expires:
            raise ExpiredToken

    def recall(self, text: str) -> Grant | None:
        """The grant of a token that verified before and was not revoked since."""
        return self._grants.get(text)

    def remember(self, text: str, grant: Grant) -> None:
        """Keeps a verified token's grant; the oldest makes room."""
        if len(self._grants) >= self._cache_size:
            del self._grants[next(iter(self._grants))]
        self._grants[text] = grant

    def _forget(self, lost: Callable[[Grant], bool]) -> None:
        self._grants = {text: grant for text, grant in self._grants.items() if not lost(grant)}

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)} keys, {len(self._revoked)} tokens revoked>"
