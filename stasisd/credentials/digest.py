"""Digest authentication, both sides, for HTTP and SIP: RFC 7616 and RFC 8760, qop=auth.

The server keeps no state for a challenge: a nonce holds the time of its making and an HMAC. What
it does keep, bounded, is the highest request count (nc) seen per nonce, so that nothing is
accepted twice.
"""

import hashlib
import hmac
from collections.abc import Callable
from enum import Enum, auto

from msgspec import Struct

from .quoting import parameters, quote

# RFC 8760 section 2.1, names in upper case.
HASHES: dict[str, Callable[[bytes], "hashlib._Hash"]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data),
}

_MAX_NONCES = 4096


class MalformedDigest(ValueError):
    """The header is no challenge, or no answer to one; the text says why."""


def digest_hash(algorithm: str, text: str) -> str:
    """H(text) in hex. ``algorithm`` is a key of HASHES."""
    return HASHES[algorithm](text.encode("utf-8", "replace")).hexdigest()


def ha1(username: str, realm: str, password: str, algorithm: str) -> str:
    """What a server may store instead of a password (RFC 7616 section 3.4.2)."""
    return digest_hash(algorithm, f"{username}:{realm}:{password}")


class Challenge(Struct, frozen=True):
    """A WWW-Authenticate or Proxy-Authenticate value; ``qop`` is "auth" or nothing."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: str = "auth"
    opaque: str | None = None
    stale: bool = False

    def __str__(self) -> str:
        parts = [f"realm={quote(self.realm)}", f"nonce={quote(self.nonce)}"]
        parts += [f"opaque={quote(self.opaque)}"] if self.opaque is not None else []
        parts += ["stale=true"] if self.stale else []
        parts += [f"algorithm={self.algorithm}"]
        parts += [f"qop={quote(self.qop)}"] if self.qop else []
        return "Digest " + ", ".join(parts)


class Authorization(Struct, frozen=True):
    """An Authorization or Proxy-Authorization value. Without qop there is no nc nor cnonce."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str = ""
    nc: str = ""
    cnonce: str = ""
    opaque: str | None = None

    def __str__(self) -> str:
        parts = [
            f"username={quote(self.username)}", f"realm={quote(self.realm)}",
            f"nonce={quote(self.nonce)}", f"uri={quote(self.uri)}",
            f"response={quote(self.response)}", f"algorithm={self.algorithm}",
        ]  # fmt: skip
        if self.qop:
            parts += [f"cnonce={quote(self.cnonce)}", f"qop={self.qop}", f"nc={self.nc}"]
        parts += [f"opaque={quote(self.opaque)}"] if self.opaque is not None else []
        return "Digest " + ", ".join(parts)


def parse_challenge(text: str) -> Challenge:
    """Read a challenge. Raise MalformedDigest, also for another scheme than Digest."""
    found = _digest_parameters(text)
    if "realm" not in found or "nonce" not in found:
        raise MalformedDigest(f"a challenge without realm or nonce: {text[:60]!r}")
    offered = [option.strip().lower() for option in found.get("qop", "").split(",")]
    if found.get("qop") and "auth" not in offered:
        raise MalformedDigest(f"a challenge for another qop than auth: {text[:60]!r}")
    return Challenge(
        realm=found["realm"],
        nonce=found["nonce"],
        algorithm=found.get("algorithm", "MD5").upper(),
        qop="auth" if "auth" in offered else "",
        opaque=found.get("opaque"),
        stale=found.get("stale", "").lower() == "true",
    )


def parse_authorization(text: str) -> Authorization:
    """Read credentials. Raise MalformedDigest, also for another scheme than Digest."""
    found = _digest_parameters(text)
    missing = {"username", "realm", "nonce", "uri", "response"} - found.keys()
    if missing:
        raise MalformedDigest(f"credentials without {', '.join(sorted(missing))}")
    return Authorization(
        username=found["username"],
        realm=found["realm"],
        nonce=found["nonce"],
        uri=found["uri"],
        response=found["response"].lower(),
        algorithm=found.get("algorithm", "MD5").upper(),
        qop=found.get("qop", "").lower(),
        nc=found.get("nc", ""),
        cnonce=found.get("cnonce", ""),
        opaque=found.get("opaque"),
    )


def _digest_parameters(text: str) -> dict[str, str]:
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        raise MalformedDigest(f"authentication that is not Digest: {text[:24]!r}")
    found = parameters(rest)
    if found is None:
        raise MalformedDigest("a quoted string does not end")
    return found


def expected_response(authorization: Authorization, secret: str, method: str) -> str:
    """The response that who knows the HA1 ``secret`` would give (RFC 7616 section 3.4.1)."""
    algorithm = authorization.algorithm
    ha2 = digest_hash(algorithm, f"{method}:{authorization.uri}")
    middle = authorization.nonce
    if authorization.qop:
        middle += f":{authorization.nc}:{authorization.cnonce}:{authorization.qop}"
    return digest_hash(algorithm, f"{secret}:{middle}:{ha2}")


class Credentials(Struct, frozen=True):
    """A client's user name and password."""

    username: str
    password: str


def answer(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str
) -> Authorization:
    """Answer a challenge whose algorithm is one of HASHES."""
    blank = Authorization(
        username=credentials.username,
        realm=challenge.realm,
        nonce=challenge.nonce,
        uri=uri,
        response="",
        algorithm=challenge.algorithm,
        qop=challenge.qop,
        nc="00000001" if challenge.qop else "",
        cnonce=cnonce if challenge.qop else "",
        opaque=challenge.opaque,
    )
    secret = ha1(credentials.username, challenge.realm, credentials.password, challenge.algorithm)
    values = {name: getattr(blank, name) for name in blank.__struct_fields__}
    return Authorization(**values | {"response": expected_response(blank, secret, method)})


def choose(challenges: list[str]) -> Challenge | None:
    """The first challenge that we can answer: the server has put its preference first (8760)."""
    for text in challenges:
        try:
            challenge = parse_challenge(text)
        except MalformedDigest:
            continue
        if challenge.algorithm in HASHES:
            return challenge
    return None


class Verdict(Enum):
    """What credentials are worth."""

    ACCEPTED = auto()
    STALE = auto()  # right, but for a nonce that is too old, not ours, or used up
    REFUSED = auto()


class Verifier:
    """A server's side: makes challenges and judges what comes back."""

    def __init__(
        self,
        secret: bytes,
        token: Callable[[], str],
        algorithms: tuple[str, ...],
        nonce_lifetime: float,
    ) -> None:
        self._secret = secret
        self._token = token
        self._algorithms = algorithms
        self._lifetime = nonce_lifetime
        self._counts: dict[str, int] = {}
        # Nonces made before this and not in the table have been forgotten: used up.
        self._forgotten = float("-inf")

    def challenges(self, realm: str, now: float, *, stale: bool = False) -> list[Challenge]:
        """One challenge per algorithm, the preferred first."""
        return [
            Challenge(realm, self._nonce(now), algorithm, stale=stale)
            for algorithm in self._algorithms
        ]

    def judge(
        self,
        authorization: Authorization,
        method: str,
        lookup: Callable[[str, str, str], str | None],
        now: float,
    ) -> Verdict:
        """Judge credentials of a realm of ours. ``lookup`` is the directory's ``ha1``.

        A user it does not know costs as much time as a wrong password.
        """
        if authorization.algorithm not in self._algorithms:
            return Verdict.REFUSED
        if authorization.qop not in {"", "auth"}:
            return Verdict.REFUSED
        secret = lookup(authorization.username, authorization.realm, authorization.algorithm)
        expected = expected_response(authorization, secret or "", method)
        matches = hmac.compare_digest(expected.encode(), authorization.response.encode())
        if not matches or secret is None:
            return Verdict.REFUSED
        return Verdict.ACCEPTED if self._use(authorization, now) else Verdict.STALE

    def _nonce(self, now: float) -> str:
        body = f"{int(now * 1000):x}.{self._token()}"
        return f"{body}.{self._signature(body)}"

    def _signature(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), hashlib.sha256).hexdigest()[:32]

    def _made_at(self, nonce: str) -> float | None:
        body, _, signature = nonce.rpartition(".")
        if not hmac.compare_digest(self._signature(body).encode(), signature.encode()):
            return None
        sign = -1 if body.startswith("-") else 1
        return sign * int(body.lstrip("-").partition(".")[0], 16) / 1000

    def _use(self, authorization: Authorization, now: float) -> bool:
        made_at = self._made_at(authorization.nonce)
        if made_at is None or not made_at <= now + 1 <= made_at + self._lifetime + 1:
            return False
        count = _count(authorization)
        last = self._counts.get(authorization.nonce)
        if last is None and made_at <= self._forgotten:
            return False
        if count <= (last or 0):
            return False
        self._remember(authorization.nonce, count, made_at)
        return True

    def _remember(self, nonce: str, count: int, made_at: float) -> None:
        # Re-inserting keeps the dict in order of last use.
        self._counts.pop(nonce, None)
        self._counts[nonce] = count
        if len(self._counts) > _MAX_NONCES:
            oldest = next(iter(self._counts))
            del self._counts[oldest]
            self._forgotten = max(self._forgotten, self._made_at(oldest) or made_at)


def _count(authorization: Authorization) -> int:
    # Without qop a nonce serves once (RFC 7616 section 3.4.6, backward compatibility).
    if not authorization.qop:
        return 1
    try:
        return int(authorization.nc, 16) if len(authorization.nc) == 8 else 0
    except ValueError:
        return 0
