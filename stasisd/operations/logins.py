"""Passwords that were right before, and the judging of those that were not seen yet.

What was right is known again by a keyed hash, for the cost of one. Anything else is compared with
what is kept of the password, which is slow where that is a hash: so it waits for its turn, in a
thread, and guessing is limited.

The limits are of one address (of IPv6, of one network of 64 bits): `GUESSES` of a name at once and
then one in ten seconds, and three times as many of all names. A right password does not count. So
who guesses can lock out only who logs in anew from the same address, and a program that has an old
password only itself; a password that was right since the start is known, and never limited.
"""

import hashlib
import hmac
import ipaddress
import secrets
from math import ceil

import structlog
import trio

from stasisd.credentials.passwords import Stored
from stasisd.credentials.throttle import Throttle

from .errors import TooManyAttempts

log = structlog.get_logger(__name__)

# Comparisons with a hash at a time, each with up to 64 MiB where it is ours; others wait.
AT_ONCE = 2
WAITING = 64
# Wrong passwords of one address for one name, and then one each so many seconds.
GUESSES = 10
SECONDS = 10.0
NAMES = 3  # so many times that for all names


class Logins:
    """What was shown and was right, and what is being judged."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, str] = {}
        self._judged: dict[bytes, _Judgement] = {}
        self._turns = trio.Semaphore(AT_ONCE)
        self._by_name = Throttle(GUESSES, SECONDS)
        self._by_source = Throttle(GUESSES * NAMES, SECONDS / NAMES)

    def knows(self, name: str, password: str) -> bool:
        """Whether this was right before."""
        return self._key(name, password) in self._right

    def forget(self, name: str) -> None:
        """Judge this name's password anew the next time."""
        self._right = {key: whose for key, whose in self._right.items() if whose != name}

    async def judge(self, name: str, password: str, stored: Stored, address: str) -> bool:
        """Whether the password is the one that is stored for this name.

        Who shows what is being judged already waits for that. Raises :class:`TooManyAttempts`.
        """
        key = self._key(name, password)
        while key not in self._right:
            judged = self._judged.get(key)
            if judged is None:
                return await self._judge(key, name, password, stored, address)
            await judged.done.wait()
            if judged.right is not None:  # else it was cut off
                return judged.right
        return True

    def fail(self, name: str, address: str) -> None:
        """Count a wrong proof of another kind, such as an answer to a challenge."""
        self._count(name, address)
        self._complain(name, address)

    def require_turn(self, name: str, address: str) -> None:
        """Raises :class:`TooManyAttempts` where this address guessed too much."""
        wait = self._wait(name, address)
        if wait > 0:
            raise TooManyAttempts("Too many attempts to log in", ceil(wait))

    async def _judge(
        self, key: bytes, name: str, password: str, stored: Stored, address: str
    ) -> bool:
        if len(self._judged) >= WAITING:
            raise TooManyAttempts("Too many log in at a time", 1)
        self.require_turn(name, address)
        self._count(name, address)  # until it is known to be right
        judged = self._judged[key] = _Judgement()
        try:
            judged.right = await self._compare(stored, password)
        finally:
            del self._judged[key]
            judged.done.set()
        if judged.right:
            self._right[key] = name
            for throttle, of in self._limits(name, address):
                throttle.give_back(of, trio.current_time())
        else:
            self._complain(name, address)
        return judged.right

    def _count(self, name: str, address: str) -> None:
        for throttle, of in self._limits(name, address):
            throttle.take(of, trio.current_time())

    def _complain(self, name: str, address: str) -> None:
        """Say who has just guessed too much; not the name, which may be a password gone astray."""
        if self._wait(name, address) > 0:
            log.warning("passwords are guessed", address=address)

    def _wait(self, name: str, address: str) -> float:
        now = trio.current_time()
        return max(throttle.wait(of, now) for throttle, of in self._limits(name, address))

    async def _compare(self, stored: Stored, password: str) -> bool:
        if not stored.slow:
            return stored.matches(password)
        async with self._turns:
            return await trio.to_thread.run_sync(stored.matches, password)

    def _limits(self, name: str, address: str) -> tuple[tuple[Throttle, object], ...]:
        source = _source(address)
        # The hash stands for a name that may be as long as a request.
        return (self._by_name, (source, hash(name))), (self._by_source, source)

    def _key(self, name: str, password: str) -> bytes:
        return hmac.digest(self._secret, f"{name}\0{password}".encode(), hashlib.sha256)


class _Judgement:
    """One comparison that is under way; `right` is known when it is done, unless it was cut off."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.right: bool | None = None


def _source(address: str) -> str:
    """Who an address stands for: a provider gives 64 bits of IPv6 to each customer."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    network = ipaddress.IPv6Network((int(found) >> 64 << 64, 64))
    return str(found.ipv4_mapped or network)
