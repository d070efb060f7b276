"""Proof of possession: to use a token without showing it.

Who has a token has its signature, and so has the server, which computes it from the root key. The
holder shows the token *without* its signature, beside a MAC under a key made of it. What is seen on
the way can't be used for anything else, and not a second time.

For a request of HTTP, `prove` writes the header, and `Proofs.verify` reads it:

    Authorization: Stasis-Proof token=TOKEN, time=MILLISECONDS, nonce=NONCE, proof=MAC

    key = HMAC-SHA256("stasis-proof-key", signature)
    MAC = HMAC-SHA256(key, "stasis-proof-1" LF method LF target LF hex(SHA-256(body)) LF
                           time LF nonce LF TOKEN)

TOKEN is base64url of binary format 2 without its last field, the signature; bound discharges
follow, each behind a dot, as they are. `target` is the path and query as they stand in the request
line, time is in milliseconds since 1970, nonce and MAC are base64url.

The key is made this way round because HMAC(signature, message) would be the signature of a weaker
token: whoever saw it could use that one.

Where a connection can be asked, as over a WebSocket, no clocks have to agree. The server sends a
`Challenge`, and `answer` writes what it takes once, on that connection, for that target:

    Stasis-Answer token=TOKEN, proof=MAC

    MAC = HMAC-SHA256(key, "stasis-challenge-1" LF target LF challenge LF TOKEN)
"""

import hashlib
import hmac
import math
import re
import secrets
from typing import Self

import msgspec

from caps import base64url
from caps.bundle import Bundle
from caps.caveats import ProofRequired
from caps.errors import InvalidToken, StaleProof
from caps.grant import Grant
from caps.keyring import Keyring, RootKey
from caps.recent import Recent
from caps.replays import ReplayWindow
from caps.token import Random, Token
from caps.verifying import judge

NONCE_LENGTH = 16
CHALLENGE_LENGTH = 32
SKEW = 30.0
PROOF_LENGTH = 16

_SHOWN = r"token=(?P<token>[A-Za-z0-9._-]+)"
_MAC = r"proof=(?P<mac>[A-Za-z0-9_-]{43})"
_PROOF = re.compile(
    rf"(?i:stasis-proof) {_SHOWN}, time=(?P<time>[0-9]{{1,15}}), "
    rf"nonce=(?P<nonce>[A-Za-z0-9_-]{{16,64}}), {_MAC}"
)
_ANSWER = re.compile(rf"(?i:stasis-answer) {_SHOWN}, {_MAC}")


class Request(msgspec.Struct, frozen=True):
    """What a proof is for. `target` is as in the request line; `body` is SHA-256, in hex."""

    method: str
    target: str
    body: str

    @classmethod
    def of(cls, method: str, target: str, body: bytes = b"") -> Self:
        """A request with a body that is at hand."""
        return cls(method, target, hashlib.sha256(body).hexdigest())


def prove(
    holding: Token | Bundle,
    request: Request,
    now: float,
    *,
    random: Random = secrets.token_bytes,
) -> str:
    """The value of the header `Authorization` for one request. `now` is seconds since 1970."""
    bundle = holding if isinstance(holding, Bundle) else Bundle(holding)
    token, nonce = bundle.encode_unsigned(), base64url.encode(random(NONCE_LENGTH))
    time = str(int(now * 1000))
    mac = _mac(_key(bundle), _proof_message(request, time, nonce, token))
    return f"Stasis-Proof token={token}, time={time}, nonce={nonce}, proof={mac}"


def answer(holding: Token | Bundle, challenge: str, target: str) -> str:
    """The answer to a server's challenge on a connection to this target."""
    bundle = holding if isinstance(holding, Bundle) else Bundle(holding)
    token = bundle.encode_unsigned()
    mac = _mac(_key(bundle), _answer_message(challenge, target, token))
    return f"Stasis-Answer token={token}, proof={mac}"


class _Held(msgspec.Struct, frozen=True):
    """What is known of a token that a proof was good for."""

    key: bytes
    key_id: str
    root: RootKey | None
    worth: Grant | InvalidToken


class Proofs:
    """Verifies proofs with the keys of a keyring, each of them once."""

    def __init__(
        self, keyring: Keyring, began: float, *, skew: float = SKEW, cache_size: int = 1024
    ) -> None:
        """No proof from before it `began` is taken: it may have been used before a restart.

        A holder's clock and the server's may be `skew` seconds apart.
        """
        self._keyring = keyring
        self._window = ReplayWindow(began, skew=skew)
        self._held: Recent[str, _Held] = Recent(cache_size)

    def verify(self, header: str, request: Request, now: float) -> Grant:
        """The grant of a token that is shown by a proof for this request.

        Raises InvalidToken as `caps.verify` does, StaleProof for a genuine proof that was made too
        long ago or was shown before, and TooManyProofs.
        """
        found = _PROOF.fullmatch(header)
        if found is None:
            raise InvalidToken
        token, time = found["token"], found["time"]
        message = _proof_message(request, time, found["nonce"], token)
        grant = self._granted(token, message, found["mac"], now)
        mac = base64url.decode(found["mac"]) or b""
        self._window.admit(mac[:PROOF_LENGTH], grant.token_id, int(time) / 1000, now)
        return grant

    def verify_answer(self, text: str, challenge: str, target: str, now: float) -> Grant:
        """The grant of a token that answers a challenge; `Challenge` sees that it is asked once."""
        found = _ANSWER.fullmatch(text)
        if found is None:
            raise InvalidToken
        token = found["token"]
        message = _answer_message(challenge, target, token)
        return self._granted(token, message, found["mac"], now)

    def _granted(self, token: str, message: bytes, mac: str, now: float) -> Grant:
        held = self._held.get(token)
        if held is None or self._keyring.find(held.key_id) is not held.root:
            held = self._judge(token)
        if not hmac.compare_digest(_mac(held.key, message), mac):
            raise InvalidToken
        if isinstance(held.worth, InvalidToken):
            raise held.worth
        self._keyring.require_valid(held.worth, now)
        self._held.keep(token, held)
        return held.worth

    def _judge(self, token: str) -> _Held:
        bundle = Bundle.decode(token, signed=False)
        key_id = bundle.token.identifier.key_id
        judged = judge(bundle, self._keyring)
        worth = judged.worth
        if isinstance(worth, Grant):
            worth = worth.without(ProofRequired)
        return _Held(_derived(judged.signature), key_id, self._keyring.find(key_id), worth)


class Challenge:
    """What a server asks on one connection. It is answered once, and soon."""

    __slots__ = ("_ends", "_target", "text")

    def __init__(
        self,
        target: str,
        now: float,
        *,
        seconds: float = SKEW,
        random: Random = secrets.token_bytes,
    ) -> None:
        """`text` goes to the client, who knows the target of its connection by itself."""
        self.text = base64url.encode(random(CHALLENGE_LENGTH))
        self._target = target
        self._ends = now + seconds

    def verify(self, proofs: Proofs, text: str, now: float) -> Grant:
        """The grant of a token whose holder answered. Raises as `Proofs.verify` does."""
        ends, self._ends = self._ends, -math.inf
        if now >= ends:
            raise StaleProof
        return proofs.verify_answer(text, self.text, self._target, now)


def _key(bundle: Bundle) -> bytes:
    return _derived(bundle.token.macaroon.signature)


def _derived(signature: bytes) -> bytes:
    return hmac.digest(b"stasis-proof-key", signature, "sha256")


def _mac(key: bytes, message: bytes) -> str:
    return base64url.encode(hmac.digest(key, message, "sha256"))


def _proof_message(request: Request, time: str, nonce: str, token: str) -> bytes:
    parts = ("stasis-proof-1", request.method, request.target, request.body, time, nonce, token)
    return _lines(*parts)


def _answer_message(challenge: str, target: str, token: str) -> bytes:
    return _lines("stasis-challenge-1", target, challenge, token)


def _lines(*parts: str) -> bytes:
    """Raises ValueError for a part that could be taken for two."""
    if any("\n" in part for part in parts):
        raise ValueError("a method or target can't have a line break")
    return "\n".join(parts).encode()
