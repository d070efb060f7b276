"""The tenants of a server, as its operator sees them. The daemon implements it."""

import enum
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from .audit_log import AuditLog


class Life(enum.Enum):
    """How a tenant is: a failed one ended by a bug, or could not be started."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    FAILED = "failed"


class TenantSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant. ``configured`` ones stand in the configuration file."""

    name: str
    state: Life
    domains: tuple[str, ...]
    configured: bool


class Passwords(msgspec.Struct, frozen=True):
    """The passwords that were made for a tenant's users and endpoints, by name."""

    users: Mapping[str, str]
    endpoints: Mapping[str, str]

    def __repr__(self) -> str:
        return f"<Passwords of {len(self.users)} users, {len(self.endpoints)} endpoints>"


class TenancyError(Exception):
    """A change of the tenants that can't be."""


class NoSuchTenant(TenancyError):
    """There is none of this name."""


class BadTenant(TenancyError):
    """A tenant can't be as its settings say; the message says why."""


class WrongLife(TenancyError):
    """The tenant is not where it would have to be for this; the message says where it is."""


class Tenancy(Protocol):
    """All tenants. The errors are those above, and the store's.

    ``audit`` tells what operators asked for, if that is kept.
    """

    audit: AuditLog | None

    def all(self) -> list[TenantSnapshot]:
        """Each of them, those of the configuration first."""

    def find(self, name: str) -> TenantSnapshot:
        """One of them."""

    async def create(self, name: str, settings: Mapping[str, Any]) -> Passwords:
        """Make one and start it; the settings are those of the configuration file."""

    async def suspend(self, name: str) -> None:
        """End all that a tenant does, and let nobody of it in, also after a restart."""

    async def resume(self, name: str) -> None:
        """Start one that was suspended, or failed."""

    async def remove(self, name: str) -> None:
        """End one that was made at run time, and forget it; its files are put aside."""
