"""Who asks: from a password or a token to a grant.

A password is only a way to get a grant: a user is a macaroon that is minted at the first login
and remembered, so that there is one path through the gate. A token is taken wherever a password
is: alone, as ``user:token``, or as the password of HTTP Basic.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable

import msgspec

from caps.caveats import READ_ONLY, Caveat, Networks
from caps.errors import Denied, InvalidToken
from caps.grant import Grant
from caps.keyring import Keyring
from caps.token import PREFIX, mint
from caps.verifying import verify

from .errors import NotAllowed, NotAuthenticated

MESSAGE = "Authentication required"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A configured user of a tenant. ``permit`` and ``deny`` are networks that it comes from."""

    name: str
    tenant: str
    password: str
    read_only: bool = False
    permit: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def limits(self) -> tuple[Caveat, ...]:
        """What a token of this user is limited by."""
        limits: tuple[Caveat, ...] = (READ_ONLY,) if self.read_only else ()
        return (*limits, Networks(self.permit, self.deny)) if self.permit or self.deny else limits

    @property
    def login(self) -> str:
        """The name that is the user's alone among all tenants."""
        return f"{self.name}@{self.tenant}"

    def __repr__(self) -> str:
        return f"User(name={self.name!r}, tenant={self.tenant!r})"


class Authenticator:
    """Turns what a caller shows into a grant, or raises :class:`NotAuthenticated`."""

    def __init__(self, users: Iterable[User], keyring: Keyring, now: Callable[[], float]) -> None:
        """``now`` is seconds since the epoch; each user's tenant needs a key.

        Each logs in as ``name@tenant``, those of the first user's tenant by their name alone, too.
        """
        known = tuple(users)
        self._users = {user.login: user for user in known}
        self._users |= {user.name: user for user in known if user.tenant == known[0].tenant}
        self._keyring = keyring
        self._now = now
        self._secret = secrets.token_bytes(32)
        self._logins: dict[bytes, str] = {}

    def token(self, text: str) -> Grant:
        """The grant of a token."""
        try:
            return verify(text, self._keyring, self._now())
        except InvalidToken:
            raise NotAuthenticated(MESSAGE) from None

    def password(self, name: str, password: str) -> Grant:
        """The grant of a user with a password, or of a token in its place."""
        if password.startswith(PREFIX):
            return self.token(password)
        login = hmac.digest(self._secret, f"{name}\0{password}".encode(), hashlib.sha256)
        minted = self._logins.get(login)
        if minted is None:
            minted = self._logins[login] = self._mint(name, password)
        return self.token(minted)

    def api_key(self, text: str) -> Grant:
        """The grant of ``user:password``, ``user:token`` or a bare token."""
        name, colon, password = text.partition(":")
        return self.password(name, password) if colon else self.token(text)

    def local(self, name: str) -> Grant:
        """The grant of a configured user that we ourselves act for, such as an outbound socket."""
        return self.password(name, self._users[name].password).admit(None)

    def admit(self, grant: Grant, address: str) -> Grant:
        """The grant as a client of this address may use it. Raises :class:`NotAllowed`."""
        try:
            return grant.admit(address)
        except Denied as denied:
            detail = f"{denied}, not for {address or 'an unknown address'}"
            raise NotAllowed("Access denied from this network", detail=detail) from None

    def _mint(self, name: str, password: str) -> str:
        user = self._users.get(name)
        # An unknown name costs the same comparison as a wrong password.
        expected = user.password if user is not None else secrets.token_hex(16)
        matches = hmac.compare_digest(expected.encode(), password.encode())
        key = self._keyring.newest(user.tenant) if user is not None else None
        if user is None or key is None or not matches:
            raise NotAuthenticated(MESSAGE)
        return mint(key, *user.limits()).encode()
