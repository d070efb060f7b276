"""Who is let in over HTTP: what a request shows, whether it may be shown so, and whose it is."""

from __future__ import annotations

from caps.grant import Grant
from caps.proof import Request
from stasisd.bindings.ari.performing import refusal
from stasisd.credentials.quoting import quote
from stasisd.operations.authentication import MESSAGE, Authenticator
from stasisd.operations.errors import NotAllowed, NotAuthenticated, OperationError
from stasisd.operations.refusals import Refusals

from .answers import JSON, patience
from .challenges import Challenges, StaleAnswer
from .credentials import shown_by, shows_anything
from .exchange import Headers, HttpRequest, HttpResponse
from .transport import UNIX

REALM = "Asterisk REST Interface"


class Door:
    """Lets requests in, or says what they lack."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        realm: str = REALM,
        allow_plaintext: bool = False,
        refusals: Refusals | None = None,
    ) -> None:
        """``allow_plaintext`` takes secrets over HTTP from other machines, too.

        ``refusals`` are told who was not let in.
        """
        self._authenticator = authenticator
        self._allow_plaintext = allow_plaintext
        self._refusals = refusals
        self._basic = (b"www-authenticate", f"Basic realm={quote(realm)}".encode())
        self._challenges = Challenges(authenticator, realm)

    async def admit(self, request: HttpRequest) -> Grant:
        """Whose request it is. Waits only where a password was not seen before.

        Raises NotAuthenticated, NotAllowed or TooManyAttempts.
        """
        try:
            return await self._admitted(request)
        except OperationError as error:
            # Clients ask without showing anything first, to hear what they should show.
            if self._refusals is not None and shows_anything(request):
                self._refusals.tell(error, request.client[0], request.request_id)
            raise

    async def _admitted(self, request: HttpRequest) -> Grant:
        header = request.headers.get("authorization", "")
        scheme = header.partition(" ")[0].lower()
        if scheme == "digest":
            grant = self._challenges.judge(header, request)
        elif scheme == "stasis-proof":
            of = Request.of(request.method, request.target, request.body)
            grant = self._authenticator.proven(header, of)
        else:
            grant = await self._shown(request)
        return self._authenticator.admit(grant, request.client[0])

    async def _shown(self, request: HttpRequest) -> Grant:
        """Whose password or token is shown as it is."""
        shown = shown_by(request)
        if not self._keeps_secrets(request) and (shown or not self._authenticator.may_answer):
            raise NotAllowed(
                "Passwords and tokens are not taken in plaintext",
                detail="Use HTTPS (http.certificate), or a connection from the server's own machine"
                " such as a reverse proxy's; http.allow_plaintext = true allows it.",
            )
        if shown is None:
            raise NotAuthenticated(MESSAGE)
        grant = self._authenticator.recall(shown)
        return grant or await self._authenticator.log_in(shown, request.client[0])

    def refuse(self, error: OperationError, request: HttpRequest) -> HttpResponse:
        """The answer to a request that is not let in, or not allowed."""
        answer = refusal(error)
        assert isinstance(answer.body, bytes)
        headers: Headers = (JSON,)
        if isinstance(error, NotAuthenticated):
            # Clients that know no more than one scheme take the first header.
            headers += (self._basic,) if self._keeps_secrets(request) else ()
            headers += self._challenges.headers(stale=isinstance(error, StaleAnswer))
        return HttpResponse(answer.status, (*headers, *patience(answer)), answer.body)

    def _keeps_secrets(self, request: HttpRequest) -> bool:
        """Whether nobody on the way can read the request, or the operator does not mind."""
        address = request.client[0]
        return request.secure or self._allow_plaintext or address == UNIX or is_loopback(address)


def is_loopback(address: str) -> bool:
    """Whether a client's address, as the kernel writes it, is of this machine alone."""
    return address.removeprefix("::ffff:").startswith("127.") or address == "::1"
