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
        for account in accounts:
            self._accounts.setdefault(account.name, account)
        self._ha1: dict[tuple[str, str, str], str] = {}

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
        account = self._accounts.get(username)
        if account is None or account.password is None:
            return None
        key = (username, realm, algorithm)
        if key not in self._ha1:
            self._ha1[key] = ha1(username, realm, account.password, algorithm)
        return self._ha1[key]

    def may_use(self, username: str, name: str) -> bool:
        """Nobody may register or call in another's name."""
        return username == name

    def policy(self, aor: str) -> Policy:
        """The bounds of an account's registrations."""
        account = self._accounts.get(aor)
        return Policy(
            minimum=self._settings.min_expires,
            maximum=self._settings.max_expires,
            default=self._settings.default_expires,
            max_contacts=account.max_contacts if account is not None else 0,
        )
