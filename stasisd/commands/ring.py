"""The keys of the state folder, for commands that ask no running daemon. Blocks."""

from caps.keyring import Keyring
from stasisd.config import Configuration
from stasisd.store import DATABASE, SECRETS, secrets
from stasisd.store.keys import read_beside
from stasisd.tenants.keeping import root_key
from stasisd.tenants.keys import restore, stored_name


def read_ring(configuration: Configuration) -> Keyring:
    """All keys and revocations, as the daemon would have them if it started now.

    Raises the store's errors.
    """
    kept = secrets.load(configuration.state / SECRETS) or secrets.Secrets()
    ring = Keyring(map(root_key, kept.root_keys))
    for tenant in dict.fromkeys(key.tenant for key in ring.keys):
        keys, revoked = read_beside(configuration.state / DATABASE, stored_name(tenant))
        restore(ring, tenant, keys, revoked)
    return ring
