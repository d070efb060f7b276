"""Operations on configuration objects: reading, making, changing and deleting them at run time."""

from typing import Annotated, Any

import msgspec

from stasisd.core.configuration import BadObject, ConfigurationClass, Fields

from .declare import ControlTenant, Named, ReadTenant, Within, operation
from .errors import InvalidParameter, NotAllowed, NotFound
from .saving import changing, on_disk

ConfigClass = Annotated[str, Named("configClass")]
ObjectType = Annotated[str, Named("objectType")]
ObjectId = Annotated[str, Named("id")]
PATH = "/asterisk/config/dynamic/{configClass}/{objectType}/{id}"
NOT_FOUND = {404: "{configClass|objectType|id} not found"}
FORBIDDEN = {403: "Could not create, change or delete the object", **NOT_FOUND}


class ConfigTuple(msgspec.Struct, frozen=True):
    """One field of a configuration object."""

    attribute: str
    value: str


def _class(within: Within, name: str, object_type: str) -> ConfigurationClass:
    found = within.tenant.configuration.get(name)
    if found is None:
        raise NotFound(f"configClass '{name}' not found")
    if object_type not in found.types:
        raise NotFound(f"objectType '{object_type}' not found")
    return found


def _tuples(fields: Fields | None, object_id: str) -> list[ConfigTuple]:
    if fields is None:
        raise NotFound(f"Object with id '{object_id}' not found")
    return [ConfigTuple(name, value) for name, value in fields.items()]


def _require_changeable(
    objects: ConfigurationClass, within: Within, object_type: str, object_id: str
) -> None:
    if objects.is_fixed(within.tenant, object_type, object_id):
        raise NotAllowed(
            f"Object with id '{object_id}' can't be changed",
            detail="it is of the configuration file; change it there",
        )


@operation("asterisk.getObject", rest=f"GET {PATH}", errors=NOT_FOUND)
def get_object(
    tenant: ReadTenant, config_class: ConfigClass, object_type: ObjectType, object_id: ObjectId
) -> list[ConfigTuple]:
    """Get the fields of a configuration object, passwords left out."""
    objects = _class(tenant, config_class, object_type)
    return _tuples(objects.get(tenant.tenant, object_type, object_id), object_id)


@operation(
    "asterisk.updateObject", rest=f"PUT {PATH}", errors={400: "Bad request body", **FORBIDDEN}
)
async def update_object(
    tenant: ControlTenant,
    config_class: ConfigClass,
    object_type: ObjectType,
    object_id: ObjectId,
    fields: list[dict[str, Any]] = [],  # noqa: B006 - the default of a declaration; nothing changes it
) -> list[ConfigTuple]:
    """Make a configuration object, or change some of its fields. It is in force at once."""
    objects = _class(tenant, config_class, object_type)
    _require_changeable(objects, tenant, object_type, object_id)
    try:
        with changing():
            objects.put(tenant.tenant, object_type, object_id, _pairs(fields))
    except BadObject as bad:
        raise InvalidParameter(
            f"Object with id '{object_id}' could not be updated", detail=str(bad)
        ) from None
    await on_disk(objects.kept(tenant.tenant))
    return _tuples(objects.get(tenant.tenant, object_type, object_id), object_id)


@operation("asterisk.deleteObject", rest=f"DELETE {PATH}", errors=FORBIDDEN)
async def delete_object(
    tenant: ControlTenant, config_class: ConfigClass, object_type: ObjectType, object_id: ObjectId
) -> None:
    """Delete a configuration object that was made at run time."""
    objects = _class(tenant, config_class, object_type)
    _tuples(objects.get(tenant.tenant, object_type, object_id), object_id)
    _require_changeable(objects, tenant, object_type, object_id)
    objects.delete(tenant.tenant, object_type, object_id)
    await on_disk(objects.kept(tenant.tenant))


def _pairs(fields: list[dict[str, Any]]) -> dict[str, str]:
    """The fields by name; of one that is given twice the last counts."""
    pairs = {}
    for field in fields:
        name, value = field.get("attribute"), field.get("value")
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidParameter(
                'fields must be objects like {"attribute": "...", "value": "..."}'
            )
        pairs[name] = value
    return pairs
