"""Operations on the server itself."""

import platform
from typing import Annotated

import msgspec

from stasisd.core import events

from .declare import ControlTenant, Named, ReadTenant, Required, operation

SECTIONS = ("build", "system", "config", "status")
VariableName = Annotated[str, Named("variable"), Required("Variable name is required")]


class Information(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of itself; sections that were not asked for are left out."""

    sections: tuple[str, ...]
    system_name: str
    language: str
    started: float
    reloaded: float
    operating_system: str
    kernel: str
    machine: str


class Pong(msgspec.Struct, frozen=True):
    """The server lives; the time is seconds since the epoch."""

    timestamp: float


@operation("asterisk.getInfo", rest="GET /asterisk/info")
def get_info(tenant: ReadTenant, only: list[str] | None = None) -> Information:
    """Get information about the server, all or only some sections of it."""
    here = tenant.tenant
    system = platform.uname()
    return Information(
        sections=tuple(name for name in SECTIONS if only is None or name in only),
        system_name=here.settings.system_name,
        language=here.settings.language,
        started=here.started,
        reloaded=here.reloaded,
        operating_system=system.system,
        kernel=system.release,
        machine=system.machine,
    )


@operation("asterisk.ping", rest="GET /asterisk/ping")
def ping(tenant: ReadTenant) -> Pong:
    """See whether the server lives."""
    return Pong(tenant.tenant.now())


@operation(
    "asterisk.getGlobalVar",
    rest="GET /asterisk/variable",
    errors={400: "Missing variable parameter."},
)
def get_global_variable(tenant: ReadTenant, variable: VariableName) -> dict[str, str]:
    """Get a global variable; one that is not set reads as empty."""
    return {"value": tenant.tenant.globals.get(variable, "")}


@operation(
    "asterisk.setGlobalVar",
    rest="POST /asterisk/variable",
    errors={400: "Missing variable parameter."},
)
def set_global_variable(tenant: ControlTenant, variable: VariableName, value: str = "") -> None:
    """Set a global variable."""
    tenant.tenant.globals[variable] = value
    tenant.tenant.publish(events.ChannelVarset, (), variable=variable, value=value)
