"""What a model of ARI is: an object or an event, field by field.

Types are ARI's names: `string`, `int`, `long`, `double`, `boolean`, `Date`, `object`, another
model, or `List[...]` of one of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

NONE: Mapping[str, Any] = MappingProxyType({})


class Model(msgspec.Struct, frozen=True):
    """A model of a resource's document: the types of its fields, by name.

    `values` are those that a field may have, where they are few. `subtypes` are the models that
    extend this one and are told apart by the field `discriminator`.
    """

    resource: str
    required: Mapping[str, str] = NONE
    optional: Mapping[str, str] = NONE
    values: Mapping[str, tuple[str, ...]] = NONE
    subtypes: tuple[str, ...] = ()
    discriminator: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The types of all fields."""
        return {**self.required, **self.optional}
