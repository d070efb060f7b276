"""The keys that sign a tenant's tokens, as operations see them."""

from typing import Protocol

import msgspec


class NoSuchKey(Exception):
    """The tenant has no key of this id."""


class LastKey(Exception):
    """Without this key nobody of the tenant could log in any more."""


class KeySnapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key by its id; ``signs`` says that new tokens are made with it. None: no end."""

    id: str
    signs: bool
    until: float | None = None


class Keys(Protocol):
    """The keys of one tenant, and what it revoked. Changes hold at once; `now` is since 1970.

    They reach the keys and tokens of this tenant, and of no other.
    """

    def all(self) -> list[KeySnapshot]:
        """The keys that verify, or did since the start; the oldest first."""

    def rotate(self, now: float, until: float) -> KeySnapshot:
        """Make a new key to sign with; what the older ones signed is good until then."""

    def end(self, key_id: str, now: float) -> None:
        """Let nothing verify by this key any more.

        Raises :class:`NoSuchKey`, and :class:`LastKey` for the one that signs.
        """

    def revoke_token(self, token_id: str, now: float) -> None:
        """No token of this id, nor any made of it, is taken any more."""

    def revoke_user(self, user: str, now: float) -> None:
        """No token is taken any more that was minted for the user before now."""

    async def saved(self) -> None:
        """Wait until it is on the disk. Raises the store's errors."""
