"""Who may register and call: challenges what comes, and judges the answers (RFC 3261, 22)."""

from stasisd.credentials.digest import (
    Authorization,
    MalformedDigest,
    Verdict,
    parse_authorization,
)

from .events import AuthenticationFailed
from .flow import Flow
from .grammar import MalformedSip
from .message import Request
from .stack import Stack
from .transaction_layer import Transaction
from .uri import parse_uri

FOR_ANOTHER = "Bad Request (the credentials' uri names another user than the request)"


class Authenticator:
    """Lets requests in, or answers them itself."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def admits(self, transaction: Transaction, name: str, flow: Flow, now: float) -> bool:
        """Whether the request may act in this name; if not, it has been answered.

        An unknown name and a wrong password look the same from outside: 401, each time.
        """
        if self._stack.directory.is_open(name, flow):
            return True
        realm = self._stack.directory.realm_of(name)
        authorization = _credentials(transaction.request, realm)
        if authorization is None:
            self._challenge(transaction, realm, now)
            return False
        verdict = self._stack.verifier.judge(
            authorization, transaction.request.method, self._stack.directory.ha1, now
        )
        if verdict is Verdict.ACCEPTED:
            return self._allows(transaction, authorization, name, now)
        if verdict is Verdict.REFUSED:
            self._stack.outbox.counts["authentication failures"] += 1
            self._stack.outbox.emit(
                AuthenticationFailed(flow, authorization.username, transaction.request.method)
            )
        self._challenge(transaction, realm, now, stale=verdict is Verdict.STALE)
        return False

    def _allows(
        self, transaction: Transaction, authorization: Authorization, name: str, now: float
    ) -> bool:
        if _is_for_another(authorization, transaction.request):
            self._stack.reply(transaction, 400, now, reason=FOR_ANOTHER)
            return False
        if self._stack.directory.may_use(authorization.username, name):
            return True
        self._stack.reply(transaction, 403, now)
        return False

    def _challenge(
        self, transaction: Transaction, realm: str, now: float, *, stale: bool = False
    ) -> None:
        challenges = self._stack.verifier.challenges(realm, now, stale=stale)
        fields = [("WWW-Authenticate", str(challenge)) for challenge in challenges]
        self._stack.reply_once(transaction, 401, now, fields)


def _credentials(request: Request, realm: str) -> Authorization | None:
    # Those of other realms are for others on the way (section 22.3).
    for text in request.headers.values("Authorization"):
        try:
            authorization = parse_authorization(text)
        except MalformedDigest:
            continue
        if authorization.realm == realm:
            return authorization
    return None


def _is_for_another(authorization: Authorization, request: Request) -> bool:
    """Whether somebody on the way put credentials on a call to another user.

    RFC 7616 section 3.4.6 wants the digest's uri and the Request-URI to be the same, and RFC 3261
    section 22.4 knows that proxies and phones make them differ: hosts, ports and parameters do not
    count, nor does a uri that names only the server.
    """
    try:
        meant = parse_uri(authorization.uri).user
    except MalformedSip:
        return False
    return bool(meant and request.uri.user and meant != request.uri.user)
