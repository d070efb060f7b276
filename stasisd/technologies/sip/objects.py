"""Endpoints, authentications and addresses of record that are made while the daemon runs.

They have the names and fields of Asterisk's ``res_pjsip``, so that a program that provisions
phones there does so here. An endpoint works once its objects are there: its ``auth`` gives the
password, its ``aors`` the bound on contacts. Until then nobody can register or call with it.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping

from stasisd.core.kept import Kept
from stasisd.core.tenant import Tenant
from stasisd.store.database import Database
from stasisd.store.sip_objects import SipObjects as StoredObjects

from .fields import DEFAULTS, SECRET, checked, is_true
from .settings import SipAccount, key

CLASS = "res_pjsip"
ENDPOINT, AOR, AUTH = "endpoint", "aor", "auth"

Fields = Mapping[str, str]
Table = Kept[dict[str, str]]


class Objects:
    """All tenants' objects.

    ``apply`` is told each account that comes or changes, ``withdraw`` the key of one that goes.
    """

    types: tuple[str, ...] = (ENDPOINT, AOR, AUTH)

    def __init__(
        self, apply: Callable[[SipAccount], None], withdraw: Callable[[str], None]
    ) -> None:
        self._apply = apply
        self._withdraw = withdraw
        self._fixed: dict[str, SipAccount] = {}  # by key
        self._tables: dict[str, Table] = {}  # by tenant

    def add(self, tenant: Tenant, fixed: Iterable[SipAccount]) -> None:
        """Keep a tenant's objects; ``fixed`` are the accounts of its configuration."""
        self._tables[tenant.name] = Kept()
        self._fixed |= {account.key: account for account in fixed}

    def remove(self, tenant: Tenant) -> None:
        """Keep a tenant's objects no more; those on the disk stay there."""
        del self._tables[tenant.name]
        self._fixed = {k: each for k, each in self._fixed.items() if each.tenant != tenant.name}

    async def load(self, tenant: Tenant, database: Database) -> None:
        """Take over what an earlier run kept. Raises the store's errors."""
        await self._tables[tenant.name].load(StoredObjects(database, tenant.name))
        for name in self._endpoints(tenant.name):
            self._apply(self._account(tenant.name, name))

    # --- what core asks

    def get(self, tenant: Tenant, object_type: str, object_id: str) -> Fields | None:
        """The fields that may be shown of an object, or None."""
        fields: Fields | None = self._tables[tenant.name].values.get(f"{object_type}/{object_id}")
        if fields is None:
            if not self.is_fixed(tenant, object_type, object_id):
                return None
            fields = _of_file(object_type, self._fixed[key(tenant.name, object_id)])
        shown = {**DEFAULTS[object_type], **fields}
        return {name: value for name, value in shown.items() if name not in SECRET}

    def is_fixed(self, tenant: Tenant, object_type: str, object_id: str) -> bool:
        """Whether the object is of the configuration file."""
        account = self._fixed.get(key(tenant.name, object_id))
        if account is None:
            return False
        return object_type != AUTH or account.password is not None

    def put(self, tenant: Tenant, object_type: str, object_id: str, fields: Fields) -> None:
        """Make or change an object. Raises BadObject."""
        table = self._tables[tenant.name]
        before = table.values.get(f"{object_type}/{object_id}", {})
        table.put(
            f"{object_type}/{object_id}", checked(object_type, object_id, {**before, **fields})
        )
        self._refresh(tenant.name, object_type, object_id)

    def delete(self, tenant: Tenant, object_type: str, object_id: str) -> None:
        """Delete an object that is there."""
        self._tables[tenant.name].remove(f"{object_type}/{object_id}")
        if object_type == ENDPOINT:
            self._withdraw(key(tenant.name, object_id))
        else:
            self._refresh(tenant.name, object_type, object_id)

    def kept(self, tenant: Tenant) -> Table:
        """Where a tenant's objects are kept."""
        return self._tables[tenant.name]

    # --- accounts

    def _refresh(self, tenant: str, object_type: str, object_id: str) -> None:
        """Apply the endpoints that an object is of."""
        for name in self._endpoints(tenant):
            fields = self._tables[tenant].values[f"{ENDPOINT}/{name}"]
            uses = {ENDPOINT: name, AOR: fields.get("aors"), AUTH: fields.get("auth")}
            if uses[object_type] == object_id:
                self._apply(self._account(tenant, name))

    def _endpoints(self, tenant: str) -> Iterator[str]:
        """The names of a tenant's endpoints; one of the configuration goes before ours."""
        prefix = f"{ENDPOINT}/"
        for object_name in list(self._tables[tenant].values):
            name = object_name.removeprefix(prefix)
            if name != object_name and key(tenant, name) not in self._fixed:
                yield name

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
            send_pai=is_true(fields["send_pai"]),
            send_rpid=is_true(fields["send_rpid"]),
            send_connected_line=is_true(fields["send_connected_line"]),
            moh_suggest=fields["moh_suggest"],
        )


def _of_file(object_type: str, account: SipAccount) -> Fields:
    if object_type == AUTH:
        return {"username": account.name}
    if object_type == AOR:
        return {"max_contacts": str(account.max_contacts)}
    return {
        "context": account.context,
        "allow": ",".join(account.codecs),
        "aors": account.name,
        "auth": account.name if account.password is not None else "",
        "callerid": f'"{account.caller_name}" <{account.caller_number}>',
        "send_pai": "true" if account.send_pai else "false",
        "send_rpid": "true" if account.send_rpid else "false",
        "send_connected_line": "yes" if account.send_connected_line else "no",
        "moh_suggest": account.moh_suggest,
    }


def _caller(text: str) -> tuple[str, str]:
    """The name and number of ``"Ada" <100>``; of a bare number, the number."""
    name, angle, number = text.partition("<")
    if not angle:
        return "", text.strip()
    return name.strip().strip('"'), number.partition(">")[0].strip()
