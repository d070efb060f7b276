"""Endpoints, authentications and addresses of record that are made while the daemon runs.

They have the names and fields of Asterisk's ``res_pjsip``, so that a program that provisions
phones there does so here. An endpoint works once its objects are there: its ``auth`` gives the
password, its ``aors`` the bound on contacts. Until then nobody can register or call with it.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping

from stasisd.core.configuration import BadObject
from stasisd.core.kept import Kept
from stasisd.core.tenant import Tenant
from stasisd.store.database import Database
from stasisd.store.sip_objects import SipObjects as StoredObjects

from .fields import DEFAULTS, SECRET, checked
from .settings import SipAccount

CLASS = "res_pjsip"
ENDPOINT, AOR, AUTH = "endpoint", "aor", "auth"

Fields = Mapping[str, str]
Table = Kept[dict[str, str]]


class Objects:
    """All tenants' objects. ``apply`` is told each account that comes, changes, or goes (None)."""

    types: tuple[str, ...] = (ENDPOINT, AOR, AUTH)

    def __init__(
        self,
        fixed: Iterable[SipAccount],
        tenants: Iterable[Tenant],
        apply: Callable[[str, SipAccount | None], None],
    ) -> None:
        """``fixed`` are the accounts of the configuration file."""
        self._fixed = {account.name: account for account in fixed}
        self._apply = apply
        self._tables: dict[str, Table] = {tenant.name: Kept() for tenant in tenants}
        # Whose endpoint of this name is: names are one for all tenants, as phones give only those.
        self._owners = {name: account.tenant for name, account in self._fixed.items()}

    async def load(self, database: Database) -> None:
        """Take over what an earlier run kept. Raises the store's errors."""
        for tenant, table in self._tables.items():
            await table.load(StoredObjects(database, tenant))
            for name in _ids(table, ENDPOINT):
                if name not in self._owners:
                    self._owners[name] = tenant
                    self._apply(name, self._account(tenant, name))

    # --- what core asks

    def get(self, tenant: Tenant, object_type: str, object_id: str) -> Fields | None:
        """The fields that may be shown of an object, or None."""
        fields: Fields | None = self._tables[tenant.name].values.get(f"{object_type}/{object_id}")
        if fields is None:
            if not self.is_fixed(tenant, object_type, object_id):
                return None
            fields = self._of_file(object_type, object_id)
        shown = {**DEFAULTS[object_type], **fields}
        return {name: value for name, value in shown.items() if name not in SECRET}

    def is_fixed(self, tenant: Tenant, object_type: str, object_id: str) -> bool:
        """Whether the object is of the configuration file."""
        account = self._fixed.get(object_id)
        if account is None or account.tenant != tenant.name:
            return False
        return object_type != AUTH or account.password is not None

    def put(self, tenant: Tenant, object_type: str, object_id: str, fields: Fields) -> None:
        """Make or change an object. Raises BadObject."""
        if object_type == ENDPOINT and self._owners.get(object_id, tenant.name) != tenant.name:
            raise BadObject("another endpoint has this name")
        table = self._tables[tenant.name]
        before = table.values.get(f"{object_type}/{object_id}", {})
        table.put(
            f"{object_type}/{object_id}", checked(object_type, object_id, {**before, **fields})
        )
        if object_type == ENDPOINT:
            self._owners[object_id] = tenant.name
        self._refresh(tenant.name, object_type, object_id)

    def delete(self, tenant: Tenant, object_type: str, object_id: str) -> None:
        """Delete an object that is there."""
        self._tables[tenant.name].remove(f"{object_type}/{object_id}")
        if object_type == ENDPOINT:
            del self._owners[object_id]
            self._apply(object_id, None)
        else:
            self._refresh(tenant.name, object_type, object_id)

    def kept(self, tenant: Tenant) -> Table:
        """Where a tenant's objects are kept."""
        return self._tables[tenant.name]

    # --- accounts

    def _refresh(self, tenant: str, object_type: str, object_id: str) -> None:
        """Apply the endpoints that an object is of."""
        table = self._tables[tenant]
        for name in _ids(table, ENDPOINT):
            fields = table.values[f"{ENDPOINT}/{name}"]
            uses = {ENDPOINT: name, AOR: fields.get("aors"), AUTH: fields.get("auth")}
            if uses[object_type] == object_id:
                self._apply(name, self._account(tenant, name))

    def _account(self, tenant: str, name: str) -> SipAccount:
        table = self._tables[tenant].values
        fields = {**DEFAULTS[ENDPOINT], **table[f"{ENDPOINT}/{name}"]}
        auth = {**DEFAULTS[AUTH], **table.get(f"{AUTH}/{fields['auth']}", {})}
        aor = table.get(f"{AOR}/{fields['aors']}")
        caller = _caller(fields["callerid"])
        return SipAccount(
            tenant=tenant,
            name=name,
            # Without a password yet the endpoint is not open: it has one that nobody knows.
            password=auth["password"] or secrets.token_hex(16),
            username=auth["username"] or name,
            context=fields["context"],
            codecs=tuple(fields["allow"].split(",")),
            max_contacts=0 if aor is None else int({**DEFAULTS[AOR], **aor}["max_contacts"]),
            caller_name=caller[0],
            caller_number=caller[1] or name,
        )

    def _of_file(self, object_type: str, name: str) -> Fields:
        account = self._fixed[name]
        if object_type == AUTH:
            return {"username": name}
        if object_type == AOR:
            return {"max_contacts": str(account.max_contacts)}
        return {
            "context": account.context,
            "allow": ",".join(account.codecs),
            "aors": name,
            "auth": name if account.password is not None else "",
            "callerid": f'"{account.caller_name}" <{account.caller_number}>',
        }


def _ids(table: Table, object_type: str) -> list[str]:
    prefix = f"{object_type}/"
    return [name.removeprefix(prefix) for name in table.values if name.startswith(prefix)]


def _caller(text: str) -> tuple[str, str]:
    """The name and number of ``"Ada" <100>``; of a bare number, the number."""
    name, angle, number = text.partition("<")
    if not angle:
        return "", text.strip()
    return name.strip().strip('"'), number.partition(">")[0].strip()
