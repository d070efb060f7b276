"""The secrets that are made at the first start: passwords nobody chose, and root keys.

One JSON file, mode 0600, replaced in one step. Its `version` says how to read it; later versions
of stasisd read all earlier ones. Everything here blocks.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from .errors import Unusable
from .files import make_private_folder, read_private, write_private

VERSION = 1
# 32 signs that can't be taken for each other, so five bits each: 20 of them are 100 bits.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
PASSWORD_LENGTH = 20
KEY_ID_LENGTH = 8
KEY_LENGTH = 32  # bytes

Random = Callable[[int], bytes]
Names = Mapping[str, Iterable[str]]  # of users or endpoints, by tenant
Passwords = dict[str, dict[str, str]]  # by tenant and name


class StoredKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A root key for tokens; the last of a tenant is the one that signs."""

    id: str
    tenant: str
    secret: bytes

    def __repr__(self) -> str:
        return f"StoredKey(id={self.id!r}, tenant={self.tenant!r})"


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file holds: passwords by tenant and name, and root keys, the oldest first."""

    version: int = VERSION
    users: Passwords = {}
    endpoints: Passwords = {}
    root_keys: tuple[StoredKey, ...] = ()

    def __repr__(self) -> str:
        counts = [sum(map(len, group.values())) for group in (self.users, self.endpoints)]
        return f"<Secrets of {counts[0]} users, {counts[1]} endpoints, {len(self.root_keys)} keys>"


class _Header(msgspec.Struct):
    version: int


def load(path: Path) -> Secrets | None:
    """Reads the file; None where there is none yet.

    Raises InsecureFile where others have access to it, Unusable where it can't be understood.
    """
    try:
        data = read_private(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unusable(path, f"can't be read: {error.strerror}") from error
    try:
        version = msgspec.json.decode(data, type=_Header).version
        if version == VERSION:
            return msgspec.json.decode(data, type=Secrets)
        reason = f"a later stasisd wrote it (version {version}, this one knows {VERSION})"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        reason = "is not a file of secrets; restore it, or remove it to have new secrets made"
    # Outside the handler: the decoder's message may quote what it read.
    raise Unusable(path, reason)


def save(path: Path, kept: Secrets) -> None:
    """Replaces the file; raises Unusable where it can't be written."""
    try:
        make_private_folder(path.parent)
        write_private(path, msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
    except OSError as error:
        raise Unusable(path, f"can't be written: {error.strerror}") from error


def complete(
    kept: Secrets, users: Names, endpoints: Names, random: Random = secrets.token_bytes
) -> Secrets:
    """Adds a password for each name and a root key for each tenant that has none; pure."""
    tenants = [*dict.fromkeys([*users, *endpoints])]
    signed = {key.tenant for key in kept.root_keys}
    made = tuple(
        StoredKey(_text(KEY_ID_LENGTH, random), tenant, random(KEY_LENGTH))
        for tenant in tenants
        if tenant not in signed
    )
    return Secrets(
        users=_with_passwords(kept.users, users, random),
        endpoints=_with_passwords(kept.endpoints, endpoints, random),
        root_keys=kept.root_keys + made,
    )


def ensure(
    path: Path, users: Names, endpoints: Names, random: Random = secrets.token_bytes
) -> tuple[Secrets, bool]:
    """Loads the file, completes it and saves what is new; says whether anything is.

    `users` and `endpoints` are the names, by tenant, that need a password made for them; each
    tenant mentioned gets a root key. Raises as `load` and `save`.
    """
    kept = load(path)
    whole = complete(kept or Secrets(), users, endpoints, random)
    if whole == kept:
        return whole, False
    save(path, whole)
    return whole, True


def forget(path: Path, tenant: str) -> None:
    """Removes a tenant's keys and passwords, so that none after it has them. Raises as above."""
    kept = load(path) or Secrets()
    left = msgspec.structs.replace(
        kept,
        users={name: each for name, each in kept.users.items() if name != tenant},
        endpoints={name: each for name, each in kept.endpoints.items() if name != tenant},
        root_keys=tuple(key for key in kept.root_keys if key.tenant != tenant),
    )
    if left != kept:
        save(path, left)


def _with_passwords(kept: Passwords, names: Names, random: Random) -> Passwords:
    whole = {tenant: dict(passwords) for tenant, passwords in kept.items()}
    for tenant, wanted in names.items():
        passwords = whole.setdefault(tenant, {})
        for name in wanted:
            if name not in passwords:
                passwords[name] = _text(PASSWORD_LENGTH, random)
    return whole


def _text(length: int, random: Random) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in random(length))
