"""Whom the SIP user agent knows, and what they may do."""

from collections.abc import Collection, Iterable

from stasisd.credentials.digest import ha1
from stasisd.sip.flow import Flow
from stasisd.sip.registration import Policy
from stasisd.sip.uri import SipUri, Uri

from .settings import SipAccount, SipSettings, key

# The tenant of who comes to a host that is nobody's: it has no account.
NOBODY = ""


class Directory:
    """The accounts of all tenants, looked up without waiting.

    A host selects the tenant. A tenant's domains are its own; the one without a domain has all
    other hosts, such as this machine's addresses.
    """

    def __init__(self, settings: SipSettings) -> None:
        self._settings = settings
        self._tenants: dict[str, str] = {}  # by domain
        self._all_other = NOBODY
        self._realms: dict[str, str] = {}  # by tenant
        self._accounts: dict[str, SipAccount] = {}
        self._by_username: dict[tuple[str, str], SipAccount] = {}  # by realm and user name
        self._ha1: dict[tuple[str, str, str], str] = {}

    # --- tenants

    def serve(self, tenant: str, domains: Collection[str]) -> None:
        """Take requests to these hosts for this tenant's; no other one may have them."""
        self._tenants |= dict.fromkeys(domains, tenant)
        self._realms[tenant] = next(iter(domains), self._settings.realm)
        if not domains:
            self._all_other = tenant

    def leave(self, tenant: str) -> None:
        """Know a tenant's hosts no more; its accounts are removed before."""
        self._tenants = {host: name for host, name in self._tenants.items() if name != tenant}
        self._realms.pop(tenant, None)
        if self._all_other == tenant:
            self._all_other = NOBODY

    # --- accounts

    def put(self, account: SipAccount) -> None:
        """Know an account from now on, in place of the one before of its name."""
        self.remove(account.key)
        self._accounts[account.key] = account
        self._by_username.setdefault(self._login(account), account)

    def remove(self, name: str) -> None:
        """Know an account no more."""
        account = self._accounts.pop(name, None)
        if account is None:
            return
        realm, username = login = self._login(account)
        if self._by_username.get(login) is account:
            del self._by_username[login]
        self._ha1 = {key: ha1 for key, ha1 in self._ha1.items() if key[:2] != (username, realm)}

    def _login(self, account: SipAccount) -> tuple[str, str]:
        return self._realms[account.tenant], account.username or account.name

    def find(self, name: str) -> SipAccount | None:
        """The account of this name, which is its key."""
        return self._accounts.get(name)

    def of(self, tenant: str) -> Iterable[SipAccount]:
        """All accounts of a tenant."""
        return [account for account in self._accounts.values() if account.tenant == tenant]

    # --- what the user agent asks

    def name_of(self, address: Uri, target: Uri) -> str:
        """The key that an address has, by its host, else by the Request-URI's.

        A phone that does not know its domain has its own address, or ours, in From.
        """
        tenant = self._tenant_of(address) or self._tenant_of(target) or self._all_other
        return key(tenant, address.user)

    def _tenant_of(self, uri: Uri) -> str | None:
        return self._tenants.get(uri.host.removesuffix(".")) if isinstance(uri, SipUri) else None

    def realm_of(self, name: str) -> str:
        """The realm of a key's tenant: its first domain, or that of the settings."""
        return self._realms.get(name.partition("/")[0], self._settings.realm)

    def is_open(self, name: str, flow: Flow) -> bool:  # noqa: ARG002 - addresses do not matter yet
        """Whether requests in this name are taken without a password."""
        account = self._accounts.get(name)
        return account is not None and account.password is None

    def ha1(self, username: str, realm: str, algorithm: str) -> str | None:
        """The account's secret as digest needs it, computed once."""
        account = self._by_username.get((realm, username))
        if account is None or account.password is None:
            return None
        known = (username, realm, algorithm)
        if known not in self._ha1:
            self._ha1[known] = ha1(username, realm, account.password, algorithm)
        return self._ha1[known]

    def may_use(self, username: str, name: str) -> bool:
        """Nobody may register or call in another's name."""
        account = self._by_username.get((self.realm_of(name), username))
        return account is not None and account.key == name

    def policy(self, aor: str) -> Policy:
        """The bounds of an account's registrations."""
        account = self._accounts.get(aor)
        return Policy(
            minimum=self._settings.min_expires,
            maximum=self._settings.max_expires,
            default=self._settings.default_expires,
            max_contacts=account.max_contacts if account is not None else 0,
        )
