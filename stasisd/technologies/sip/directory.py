"""Whom the SIP user agent knows, and what they may do."""

from collections.abc import Iterable

from stasisd.sip.digest import ha1
from stasisd.sip.flow import Flow
from stasisd.sip.registration import Policy

from .settings import SipAccount, SipSettings


class Directory:
    """The configured accounts, looked up by name without waiting."""

    def __init__(self, settings: SipSettings, accounts: Iterable[SipAccount]) -> None:
        """Of accounts with one name in several tenants the first is known."""
        self._settings = settings
        self._accounts: dict[str, SipAccount] = {}
        self._by_username: dict[str, SipAccount] = {}
        self._ha1: dict[tuple[str, str, str], str] = {}
        for account in accounts:
            if account.name not in self._accounts:
                self.put(account)

    def put(self, account: SipAccount) -> None:
        """Know an account from now on, in place of the one before of its name."""
        self.remove(account.name)
        self._accounts[account.name] = account
        self._by_username.setdefault(account.username or account.name, account)

    def remove(self, name: str) -> None:
        """Know an account no more."""
        account = self._accounts.pop(name, None)
        if account is None:
            return
        username = account.username or name
        if self._by_username.get(username) is account:
            del self._by_username[username]
        self._ha1 = {key: ha1 for key, ha1 in self._ha1.items() if key[0] != username}

    def find(self, name: str) -> SipAccount | None:
        """The account of this name."""
        return self._accounts.get(name)

    def all(self) -> Iterable[SipAccount]:
        """All accounts."""
        return self._accounts.values()

    def is_open(self, name: str, flow: Flow) -> bool:  # noqa: ARG002 - addresses do not matter yet
        """Whether requests in this name are taken without a password."""
        account = self._accounts.get(name)
        return account is not None and account.password is None

    def ha1(self, username: str, realm: str, algorithm: str) -> str | None:
        """The account's secret as digest needs it, computed once."""
        account = self._by_username.get(username)
        if account is None or account.password is None:
            return None
        key = (username, realm, algorithm)
        if key not in self._ha1:
            self._ha1[key] = ha1(username, realm, account.password, algorithm)
        return self._ha1[key]

    def may_use(self, username: str, name: str) -> bool:
        """Nobody may register or call in another's name."""
        account = self._by_username.get(username)
        return account is not None and account.name == name

    def policy(self, aor: str) -> Policy:
        """The bounds of an account's registrations."""
        account = self._accounts.get(aor)
        return Policy(
            minimum=self._settings.min_expires,
            maximum=self._settings.max_expires,
            default=self._settings.default_expires,
            max_contacts=account.max_contacts if account is not None else 0,
        )
