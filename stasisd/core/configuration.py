"""Configuration objects that can be read, and some changed, while the server runs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .kept import Kept

if TYPE_CHECKING:
    from .tenant import Tenant

# The fields of an object, in the order in which they are shown.
Fields = Mapping[str, str]


class BadObject(Exception):
    """The object can't be as its fields say; the message says why."""


class ConfigurationClass(Protocol):
    """One class of objects, e.g. those of ``res_pjsip``, of all tenants.

    An object has a type, one of ``types``, and an id. What is changed is in force at once.
    """

    types: tuple[str, ...]

    def get(self, tenant: "Tenant", object_type: str, object_id: str) -> Fields | None:
        """The fields that may be shown of an object, or None."""

    def is_fixed(self, tenant: "Tenant", object_type: str, object_id: str) -> bool:
        """Whether the object is of the configuration file, where alone it can be changed."""

    def put(
        self, tenant: "Tenant", object_type: str, object_id: str, fields: Mapping[str, str]
    ) -> None:
        """Make an object, or change these fields of it. Raises :class:`BadObject`."""

    def delete(self, tenant: "Tenant", object_type: str, object_id: str) -> None:
        """Delete an object that is there."""

    def kept(self, tenant: "Tenant") -> Kept[Any]:
        """Where a tenant's objects are kept."""
