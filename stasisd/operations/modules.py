"""Operations on the parts of this server, under the names that ARI has for loadable modules."""

from typing import Annotated

import msgspec

from stasisd.core.component import Component, ReloadFailed

from .declare import ControlTenant, Named, ReadTenant, Within, operation
from .errors import Conflict, NotFound

ModuleName = Annotated[str, Named("moduleName")]
NOT_RUNNING = "Module not found in running modules"


class Module(msgspec.Struct, frozen=True):
    """A part of this server."""

    name: str
    description: str
    use_count: int


def _module(component: Component) -> Module:
    return Module(component.name, component.description, component.users())


def _component(within: Within, name: str, absent: str = NOT_RUNNING) -> Component:
    found = within.tenant.components.get(name)
    if found is None:
        raise NotFound(absent)
    return found


@operation("asterisk.listModules", rest="GET /asterisk/modules")
def list_modules(tenant: ReadTenant) -> list[Module]:
    """List the parts of this server."""
    return [_module(component) for component in tenant.tenant.components.values()]


@operation(
    "asterisk.getModule",
    rest="GET /asterisk/modules/{moduleName}",
    errors={
        404: "Module could not be found in running modules.",
        409: "Module information could not be retrieved.",
    },
)
def get_module(tenant: ReadTenant, name: ModuleName) -> Module:
    """Get one part of this server."""
    return _module(_component(tenant, name, "Module could not be found in running modules"))


@operation(
    "asterisk.loadModule",
    rest="POST /asterisk/modules/{moduleName}",
    errors={409: "Module could not be loaded."},
)
def load_module(tenant: ControlTenant, name: ModuleName) -> None:
    """Load a part: all that there are run already, so this says which of the two it is."""
    if name in tenant.tenant.components:
        raise Conflict("Module is already loaded")
    raise Conflict("Module could not be loaded", detail="all parts of stasisd run from its start")


@operation(
    "asterisk.unloadModule",
    rest="DELETE /asterisk/modules/{moduleName}",
    errors={
        404: "Module not found in running modules.",
        409: "Module could not be unloaded.",
    },
)
def unload_module(tenant: ControlTenant, name: ModuleName) -> None:
    """Unload a part: none can be."""
    _component(tenant, name)
    raise Conflict("Module could not be unloaded", detail="stasisd runs with all its parts")


@operation(
    "asterisk.reloadModule",
    rest="PUT /asterisk/modules/{moduleName}",
    errors={
        404: "Module not found in running modules.",
        409: "Module could not be reloaded.",
    },
)
async def reload_module(tenant: ControlTenant, name: ModuleName) -> None:
    """Let a part read its files anew, such as the dialplan."""
    component = _component(tenant, name)
    if component.reload is None:
        raise Conflict("Module could not be reloaded", detail="it has no files to read anew")
    try:
        await component.reload()
    except ReloadFailed as failed:
        raise Conflict("Module could not be reloaded", detail=str(failed)) from None
