"""HTTP Digest (RFC 7616, SHA-256): a password is proved, and never crosses the wire."""

from __future__ import annotations

import secrets

import trio

from caps.grant import Grant
from stasisd.credentials.digest import MalformedDigest, Verdict, Verifier, parse_authorization
from stasisd.operations.authentication import MESSAGE, Authenticator
from stasisd.operations.errors import NotAuthenticated

from .exchange import Headers, HttpRequest

ALGORITHM = "SHA-256"
# How long a challenge may be answered, and how often: each answer has a higher count.
SECONDS = 300.0


class StaleAnswer(NotAuthenticated):
    """Right, but to a challenge of before: the client answers the next one by itself."""


class Challenges:
    """Challenges, and the judging of answers to them. Nothing is kept until one is answered."""

    def __init__(self, authenticator: Authenticator, realm: str) -> None:
        self._authenticator = authenticator
        self._realm = realm
        self._verifier = Verifier(
            secrets.token_bytes(32), lambda: secrets.token_hex(8), (ALGORITHM,), SECONDS
        )

    def headers(self, *, stale: bool = False) -> Headers:
        """One challenge, where there is a user who could answer."""
        if not self._authenticator.may_answer:
            return ()
        made = self._verifier.challenges(self._realm, trio.current_time(), stale=stale)
        return tuple((b"www-authenticate", str(challenge).encode()) for challenge in made)

    def judge(self, header: str, request: HttpRequest) -> Grant:
        """Whose answer it is.

        Raises NotAuthenticated, or of that StaleAnswer, or TooManyAttempts.
        """
        try:
            given = parse_authorization(header)
        except MalformedDigest:
            raise NotAuthenticated(MESSAGE) from None
        # An answer is for one target (RFC 7616, 3.4.6), and each of a challenge's is another.
        if given.realm != self._realm or given.uri != request.target or given.qop != "auth":
            raise NotAuthenticated(MESSAGE)
        address = request.client[0]
        self._authenticator.require_turn(given.username, address)
        now = trio.current_time()
        verdict = self._verifier.judge(given, request.method, self._authenticator.ha1, now)
        if verdict is Verdict.ACCEPTED:
            return self._authenticator.answered(given.username)
        if verdict is Verdict.STALE:
            raise StaleAnswer(MESSAGE)
        self._authenticator.count_failure(given.username, address)
        raise NotAuthenticated(MESSAGE)
