"""What tenants may be called, and mistakes that two of them make together."""

import re
from collections.abc import Iterator

from .decode import show
from .errors import Mistake
from .settings import Settings, Tenant

# Operators log in with it in place of a tenant.
OPERATORS = "operators"
# It stands in names of files, in logins after the @, and in paths of requests.
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
# As a host stands in a SIP address: a name or an address, in lower case.
DOMAIN = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def check_tenants(settings: Settings) -> Iterator[Mistake]:
    """All mistakes in the names, domains and logins of the tenants."""
    if not settings.tenants:
        yield Mistake(("tenants",), "at least one tenant", "none")
    for name, tenant in settings.tenants.items():
        if NAME.fullmatch(name) is None or name == OPERATORS:
            expected = f"a name of letters, digits, _ and -, other than {OPERATORS}"
            yield Mistake(("tenants", name), expected, show(name))
        yield from _check_logins(name, tenant, settings)
    yield from _check_domains(settings)


def _check_domains(settings: Settings) -> Iterator[Mistake]:
    owners: dict[str, str] = {}
    all_other: str | None = None
    for name, tenant in settings.tenants.items():
        for index, domain in enumerate(tenant.domains):
            place = ("tenants", name, "domains", index)
            if DOMAIN.fullmatch(domain) is None:
                yield Mistake(place, "a host in lower case such as example.com", show(domain))
            elif domain in owners:
                yield Mistake(place, "each domain once", f"one that '{owners[domain]}' has already")
            owners.setdefault(domain, name)
        if not tenant.domains and all_other is not None:
            found = f"none, as '{all_other}' has none"
            hint = "One tenant alone may have all other hosts."
            yield Mistake(("tenants", name), "domains", found, hint)
        elif not tenant.domains:
            all_other = name
    if all_other is not None and settings.sip.realm in owners:
        expected = f"a realm for '{all_other}' alone"
        yield Mistake(("sip", "realm"), expected, f"a domain of '{owners[settings.sip.realm]}'")


def _check_logins(name: str, tenant: Tenant, settings: Settings) -> Iterator[Mistake]:
    for user in tenant.users:
        if "@" in user and user.rpartition("@")[2] in {*settings.tenants, OPERATORS}:
            expected = "a name that does not end like a login of another tenant's"
            yield Mistake(("tenants", name, "users", user), expected, show(user))
