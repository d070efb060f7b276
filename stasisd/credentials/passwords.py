"""What a server keeps of a password, and whether a password is the one that is kept.

    $argon2id$v=19$m=65536,t=3,p=4$...     what `hash_password` makes (RFC 9106)
    $5$salt$...  $6$rounds=N$salt$...      crypt(3), as in /etc/shadow

To compare with a hash is slow by intention, up to hundreds of milliseconds, and that of
crypt(3) holds the GIL in part. It belongs into a thread.
"""

import hmac
import re
from typing import Protocol

import argon2
import msgspec
from argon2 import Type, low_level

from . import sha_crypt

# Bounds on what one comparison may cost, so that a hash from elsewhere can't stall the server.
MOST_ROUNDS = 1_000_000
MOST_MEMORY = 1 << 20  # KiB
MOST_PASSES = 64
LONGEST_PASSWORD = 512  # for crypt(3), which has that bound, too

_ARGON2 = re.compile(
    r"\$argon2(?P<variant>id|i|d)(\$v=(16|19))?"
    r"\$m=(?P<memory>[1-9][0-9]{0,9}),t=(?P<passes>[1-9][0-9]{0,9}),p=(?P<lanes>[1-9][0-9]{0,2})"
    r"\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{16,86}"
)
_VARIANTS = {"id": Type.ID, "i": Type.I, "d": Type.D}

EXPECTED = "a hash that starts with $argon2id$, $argon2i$, $argon2d$, $5$ or $6$"


class UnreadableHash(ValueError):
    """It is no hash that we can compare with; the text says why and repeats nothing of it."""


class Stored(Protocol):
    """What is kept of a password."""

    @property
    def slow(self) -> bool:
        """Whether `matches` takes long enough to belong into a thread."""

    def matches(self, password: str) -> bool:
        """Whether this is the password; takes the same time whatever is wrong with it."""


class Plain(msgspec.Struct, frozen=True):
    """The password itself."""

    password: str
    slow: bool = False

    def matches(self, password: str) -> bool:
        """Compare all of it."""
        return hmac.compare_digest(self.password.encode(), password.encode())

    def __repr__(self) -> str:
        return "Plain()"


class Crypt(msgspec.Struct, frozen=True):
    """A hash of crypt(3)."""

    parts: sha_crypt.ShaCrypt
    slow: bool = True

    def matches(self, password: str) -> bool:
        """Hash the password with the same salt."""
        parts = self.parts
        # The time of each round grows with the password.
        compared = password[:LONGEST_PASSWORD]
        made = sha_crypt.checksum(parts.kind, compared, parts.salt, parts.rounds)
        return hmac.compare_digest(made.encode(), parts.checksum.encode()) and compared == password

    def __repr__(self) -> str:
        return f"Crypt({self.parts!r})"


class Argon2(msgspec.Struct, frozen=True):
    """A hash of argon2, encoded, and which of its variants it is."""

    encoded: str
    variant: Type
    slow: bool = True

    def matches(self, password: str) -> bool:
        """Hash the password with the same salt."""
        try:
            return low_level.verify_secret(self.encoded.encode(), password.encode(), self.variant)
        except argon2.exceptions.VerificationError:
            return False

    def __repr__(self) -> str:
        return f"Argon2({self.variant.name})"


class Decoy(msgspec.Struct, frozen=True):
    """What nobody's password is compared with: as slow as another, and never right."""

    like: Stored

    @property
    def slow(self) -> bool:
        """As the other one."""
        return self.like.slow

    def matches(self, password: str) -> bool:
        """Compare for nothing."""
        self.like.matches(password)
        return False

    def __repr__(self) -> str:
        return "Decoy()"


# Of who has no password.
NONE: Stored = Decoy(Plain(""))


def read(text: str) -> Stored:
    """The hash that a configuration holds. Raises UnreadableHash."""
    if text.startswith("$argon2"):
        return _argon2(text)
    parts = sha_crypt.read(text)
    if parts is None:
        raise UnreadableHash(f"it is not {EXPECTED}")
    if parts.rounds > MOST_ROUNDS:
        raise UnreadableHash(f"it takes more than {MOST_ROUNDS} rounds")
    return Crypt(parts)


def hash_password(password: str) -> str:
    """A hash to keep in place of a password: argon2id, RFC 9106's choice for little memory."""
    return argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY).hash(password)


def _argon2(text: str) -> Argon2:
    match = _ARGON2.fullmatch(text)
    if match is None:
        raise UnreadableHash(f"it is not {EXPECTED}")
    memory, passes, lanes = int(match["memory"]), int(match["passes"]), int(match["lanes"])
    if not 8 * lanes <= memory <= MOST_MEMORY or passes > MOST_PASSES:
        raise UnreadableHash(f"it takes more than {MOST_MEMORY} KiB or {MOST_PASSES} passes")
    return Argon2(text, _VARIANTS[match["variant"]])
