"""What is kept of tenants beside their tables: passwords and keys, and folders."""

import time
from pathlib import Path

from caps.keyring import Keyring, RootKey
from stasisd.config import Configuration, settings
from stasisd.operations.authentication import OPERATORS
from stasisd.store import SECRETS, secrets


def ensure_secrets(configuration: Configuration) -> tuple[secrets.Secrets, bool]:
    """The secrets of this configuration, and whether some were made just now. Blocks.

    Raises the store's errors where the file can't be used.
    """
    tenants, operators = configuration.settings.tenants, configuration.settings.operators
    users = {name: _without_password(t.users) for name, t in tenants.items()}
    users[OPERATORS] = _without_password(operators)  # stasisctl needs their key, too
    return secrets.ensure(
        configuration.state / SECRETS,
        users,
        {
            name: [e for e, endpoint in t.endpoints.items() if _needs_password(endpoint)]
            for name, t in tenants.items()
        },
    )


def _without_password(users: dict[str, settings.User]) -> list[str]:
    return [name for name, user in users.items() if user.needs_password]


def _needs_password(endpoint: settings.SipEndpoint) -> bool:
    return endpoint.authenticate and endpoint.password is None


def root_key(stored: secrets.StoredKey) -> RootKey:
    """A key as tokens are verified with it; an operator's is of no tenant."""
    return RootKey(stored.id, None if stored.tenant == OPERATORS else stored.tenant, stored.secret)


def add_keys(keyring: Keyring, kept: secrets.Secrets, tenant: str) -> None:
    """Have a tenant's keys in the ring."""
    for key in kept.root_keys:
        if key.tenant == tenant and keyring.find(key.id) is None:
            keyring.add(root_key(key))


def retire_keys(keyring: Keyring, tenant: str) -> None:
    """Let no token of a tenant verify any more."""
    for key in keyring.keys:
        if key.tenant == tenant:
            keyring.retire(key.id)


def put_aside(configuration: Configuration, tenant: str) -> Path:
    """Move a tenant's folders to where no later tenant of its name finds them. Blocks.

    Returns where they are now. Raises OSError.
    """
    aside = configuration.state / "removed" / f"{tenant}-{time.time_ns() // 1_000_000}"
    aside.mkdir(mode=0o700, parents=True)
    for name, folder in (
        ("files", configuration.folder(tenant)),
        ("audit", configuration.audit(tenant)),
    ):
        if folder.exists():
            folder.rename(aside / name)
    return aside
