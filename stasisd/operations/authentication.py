"""Who asks: from a password or a token to a grant.

A password is only a way to get a grant: a user is a macaroon that is minted at the first login
and remembered, so that there is one path through the gate. A token is taken wherever a password
is: alone, as ``user:token``, or as the password of HTTP Basic.

Who was known before is recalled at once; a password that was not seen yet is judged by `logins`,
which may have to wait.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Self

import msgspec

from caps.caveats import READ_ONLY, Caveat, Networks
from caps.errors import Denied, InvalidToken, TooManyProofs
from caps.grant import Grant
from caps.keyring import Keyring
from caps.proof import Proofs, Request
from caps.token import PREFIX, mint
from caps.verifying import verify
from stasisd.credentials.passwords import Decoy, Plain, Stored

from .errors import NotAllowed, NotAuthenticated, TooManyAttempts
from .logins import Logins

MESSAGE = "Authentication required"
# What operators write in their logins instead of a tenant; no tenant has this name.
OPERATORS = "operators"


class Shown(msgspec.Struct, frozen=True):
    """What somebody shows: a token, or the password of a name; it may be a token, too."""

    secret: str
    name: str | None = None

    @classmethod
    def in_key(cls, text: str) -> Self:
        """What an ``api_key`` shows: ``user:password``, ``user:token`` or a bare token."""
        name, colon, password = text.partition(":")
        return cls(password, name) if colon else cls(text)

    def __repr__(self) -> str:
        return f"Shown(name={self.name!r})"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A configured user of a tenant, or an operator, who is of none.

    ``permit`` and ``deny`` are networks that it comes from.

    ``ha1`` is what it answers challenges with, if it does: hexadecimal, of SHA-256.
    """

    name: str
    tenant: str | None
    password: Stored
    ha1: str | None = None
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
        return f"{self.name}@{self.tenant or OPERATORS}"

    def __repr__(self) -> str:
        return f"User(name={self.name!r}, tenant={self.tenant!r})"


class Authenticator:
    """Turns what a caller shows into a grant, or raises :class:`NotAuthenticated`."""

    def __init__(self, users: Iterable[User], keyring: Keyring, now: Callable[[], float]) -> None:
        """``now`` is seconds since the epoch; each user's tenant needs a key.

        Each logs in as ``name@tenant``, those of the first user's tenant by their name alone, too.
        """
        self._users = _by_login(tuple(users))
        self._keyring = keyring
        self._now = now
        self._logins = Logins()
        self._tokens: dict[str, str] = {}  # of those who logged in, by name
        self._secret = secrets.token_bytes(32)
        self._proofs = Proofs(keyring, now())

    def recall(self, shown: Shown) -> Grant | None:
        """The grant of a token, or of a password that was right before; None: see `log_in`."""
        name = shown.name
        if name is None or shown.secret.startswith(PREFIX):
            return self._verified(shown.secret)
        return self._grant(name) if self._logins.knows(name, shown.secret) else None

    async def log_in(self, shown: Shown, address: str) -> Grant:
        """The grant of a password that was not seen yet, shown by a client of this address.

        Raises :class:`TooManyAttempts`, too.
        """
        name = shown.name or ""
        user = self._users.get(name)
        stored = self._decoy(name) if user is None else user.password
        right = await self._logins.judge(name, shown.secret, stored, address)
        if self._users.get(name) != user:  # meanwhile
            self._logins.forget(name)
            right = False
        if not right:
            raise NotAuthenticated(MESSAGE)
        return self._let_in(name)

    def proven(self, header: str, request: Request) -> Grant:
        """The grant of a token that is not shown, but proved for this request (`caps.proof`)."""
        try:
            return self._proofs.verify(header, request, self._now())
        except TooManyProofs as error:
            raise TooManyAttempts(str(error), 1) from None
        except InvalidToken as error:
            raise _refused(error) from None

    # --- answers to challenges, which a binding judges

    @property
    def may_answer(self) -> bool:
        """Whether there is a user who can answer a challenge."""
        return any(user.ha1 is not None for user in self._users.values())

    def ha1(self, name: str, _realm: str, _algorithm: str) -> str | None:
        """What a user's answer is made with; None for who can't answer."""
        user = self._users.get(name)
        return None if user is None else user.ha1

    def require_turn(self, name: str, address: str) -> None:
        """Raises :class:`TooManyAttempts` where this address guessed too much."""
        self._logins.require_turn(name, address)

    def count_failure(self, name: str, address: str) -> None:
        """Let a wrong answer count as a wrong password does."""
        self._logins.fail(name, address)

    def answered(self, name: str) -> Grant:
        """The grant of a user whose answer was right."""
        return self._let_in(name)

    # ---

    def local(self, name: str) -> Grant:
        """The grant of a configured user that we ourselves act for, such as an outbound socket."""
        return self._let_in(name).admit(None)

    def replace(self, users: Iterable[User]) -> None:
        """Know these users from now on.

        The logins of those who changed or are gone end, and what was opened with them.
        """
        users_before, self._users = self._users, _by_login(tuple(users))
        for name, user in users_before.items():
            if self._users.get(name) != user:
                grant = self._grant(name)
                if grant is not None:
                    self._keyring.revoke(grant.tenant, grant.token_id)
                self._tokens.pop(name, None)
                self._logins.forget(name)

    def admit(self, grant: Grant, address: str) -> Grant:
        """The grant as a client of this address may use it. Raises :class:`NotAllowed`."""
        try:
            return grant.admit(address)
        except Denied as denied:
            detail = f"{denied}, not for {address or 'an unknown address'}"
            raise NotAllowed("Access denied from this network", detail=detail) from None

    def _verified(self, token: str) -> Grant:
        try:
            return verify(token, self._keyring, self._now())
        except InvalidToken as error:
            raise _refused(error) from None

    def _grant(self, name: str) -> Grant | None:
        """The grant of who logged in, while it is good; its end is that of the login, too."""
        token = self._tokens.get(name)
        if token is None:
            return None
        try:
            return verify(token, self._keyring, self._now())
        except InvalidToken:
            del self._tokens[name]
            self._logins.forget(name)
            return None

    def _let_in(self, name: str) -> Grant:
        """The grant of a user who has proved to be one."""
        grant = self._grant(name)
        if grant is not None:
            return grant
        user = self._users.get(name)
        key = None if user is None else self._keyring.newest(user.tenant)
        if user is None or key is None:
            raise NotAuthenticated(MESSAGE)
        token = self._tokens[name] = mint(
            key, *user.limits(), user=user.name, issued=self._now()
        ).encode()
        return self._verified(token)

    def _decoy(self, name: str) -> Stored:
        """What an unknown name is compared with: as slow as some user's, and never right.

        Always the same one, or asking twice would tell.
        """
        stored = [user.password for user in self._users.values()] or [Plain(self._secret.hex())]
        number = hmac.digest(self._secret, name.encode(), hashlib.sha256)
        return Decoy(stored[int.from_bytes(number) % len(stored)])


def _refused(error: InvalidToken) -> NotAuthenticated:
    """Who holds a genuine token is told what is wrong with it, and nobody else."""
    return NotAuthenticated(MESSAGE, detail=None if type(error) is InvalidToken else str(error))


def _by_login(users: Sequence[User]) -> dict[str, User]:
    named = {user.login: user for user in users}
    return named | {user.name: user for user in users if user.tenant == users[0].tenant}
