"""SHA-crypt, the `$5$` and `$6$` hashes of crypt(3) and /etc/shadow.

Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512" (version 0.6) describes it step by step;
the letters in comments are that text's. Python's own `crypt` is gone in 3.13, and what packages
offer is either in C without wheels or a whole framework for this one page.
"""

import hashlib
import re
from collections.abc import Callable, Iterator

import msgspec

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DEFAULT_ROUNDS = 5000
# The text lets fewer and more be asked for, and clamps; a hash that says so is never made.
FEWEST_ROUNDS, MOST_ROUNDS = 1000, 999_999_999
LONGEST_SALT = 16

_HASH = re.compile(
    r"\$(?P<kind>[56])\$(rounds=(?P<rounds>[1-9][0-9]{3,8})\$)?"
    r"(?P<salt>[^$:\s]{0,16})\$(?P<checksum>[./0-9A-Za-z]+)"
)
_LENGTHS = {"5": 43, "6": 86}  # characters of the checksum

Digest = Callable[[bytes], "hashlib._Hash"]
_DIGESTS: dict[str, Digest] = {"5": hashlib.sha256, "6": hashlib.sha512}


class ShaCrypt(msgspec.Struct, frozen=True):
    """A hash that was read. `kind` is "5" (SHA-256) or "6" (SHA-512)."""

    kind: str
    rounds: int
    salt: str
    checksum: str

    def __repr__(self) -> str:
        return f"ShaCrypt(kind={self.kind!r}, rounds={self.rounds})"


def read(text: str) -> ShaCrypt | None:
    """The parts of `$5$salt$checksum` or `$6$rounds=N$salt$checksum`; None for anything else."""
    match = _HASH.fullmatch(text)
    if match is None or len(match["checksum"]) != _LENGTHS[match["kind"]]:
        return None
    rounds = int(match["rounds"] or DEFAULT_ROUNDS)
    return ShaCrypt(match["kind"], rounds, match["salt"], match["checksum"])


def checksum(kind: str, password: str, salt: str, rounds: int = DEFAULT_ROUNDS) -> str:
    """The checksum of a password. Costs time in proportion to `rounds`: 5000 take a few ms."""
    digest = _DIGESTS[kind]
    key, seasoning = password.encode(), salt.encode()[:LONGEST_SALT]
    result = _first(digest, key, seasoning)
    repeated_key = _repeat(digest(key * len(key)).digest(), len(key))  # P
    repeated_salt = _repeat(digest(seasoning * (16 + result[0])).digest(), len(seasoning))  # S
    for number in range(min(max(rounds, FEWEST_ROUNDS), MOST_ROUNDS)):
        odd = number & 1
        text = repeated_key if odd else result
        if number % 3:
            text += repeated_salt
        if number % 7:
            text += repeated_key
        result = digest(text + (result if odd else repeated_key)).digest()
    return "".join(_base64(result))


def _first(digest: Digest, key: bytes, salt: bytes) -> bytes:
    """The digest A, which the rounds begin with."""
    other = digest(key + salt + key).digest()  # B
    text = key + salt + _repeat(other, len(key))
    length = len(key)
    while length:
        text += other if length & 1 else key
        length >>= 1
    return digest(text).digest()


def _repeat(data: bytes, length: int) -> bytes:
    return (data * (length // len(data) + 1))[:length]


def _base64(result: bytes) -> Iterator[str]:
    """crypt's own base 64: three bytes of three places at a time, the lowest six bits first."""
    third = len(result) // 3  # 10 or 21: two bytes, or one, are left over
    turn = 1 if len(result) == 64 else 2  # SHA-512 turns the places left, SHA-256 right
    places = [0, third, 2 * third]
    for _ in range(third):
        first, second, last = (result[place] for place in places)
        yield _characters(first << 16 | second << 8 | last, 4)
        places = [place + 1 for place in places[turn:] + places[:turn]]
    if len(result) == 64:
        yield _characters(result[63], 2)
    else:
        yield _characters(result[31] << 8 | result[30], 3)


def _characters(value: int, count: int) -> str:
    return "".join(ALPHABET[value >> 6 * place & 63] for place in range(count))
