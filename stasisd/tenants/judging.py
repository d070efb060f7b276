"""Settings of a tenant that come at run time, judged as the configuration file's are."""

from collections.abc import Mapping
from typing import Any

import msgspec

from stasisd.config import Configuration, settings
from stasisd.config.checks import check
from stasisd.config.decode import decode
from stasisd.config.files import mistakes_of_files
from stasisd.core.tenancy import BadTenant


def with_tenant(configuration: Configuration, name: str, table: Mapping[str, Any]) -> Configuration:
    """The configuration with one more tenant. Raises BadTenant with every mistake found."""
    given, mistakes = decode(settings.Tenant, dict(table), ("tenants", name))
    whole = _having(configuration, {**configuration.settings.tenants, name: given})
    mistakes = mistakes or [*check(whole.settings)] or [*mistakes_of_files(whole)]
    if mistakes:
        raise BadTenant("; ".join(map(str, mistakes)))
    return whole


def without_tenant(configuration: Configuration, name: str) -> Configuration:
    """The configuration with one tenant less."""
    left = {other: each for other, each in configuration.settings.tenants.items() if other != name}
    return _having(configuration, left)


def _having(configuration: Configuration, tenants: dict[str, settings.Tenant]) -> Configuration:
    whole = msgspec.structs.replace(configuration.settings, tenants=tenants)
    return msgspec.structs.replace(configuration, settings=whole)
