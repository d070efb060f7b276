"""Who is let in over HTTP: what a request shows, whether it may be shown so, and whose it is."""

from __future__ import annotations

from caps.grant import Grant
from stasisd.bindings.ari.performing import refusal
from stasisd.operations.authentication import MESSAGE, Authenticator
from stasisd.operations.errors import (
    NotAllowed,
    NotAuthenticated,
    OperationError,
    TooManyAttempts,
)

from .answers import JSON
from .credentials import shown_by
from .exchange import Headers, HttpRequest, HttpResponse

REALM = "Asterisk REST Interface"


class Door:
    """Lets requests in, or says what they lack."""

    def __init__(self, authenticator: Authenticator, *, allow_plaintext: bool = False) -> None:
        """``allow_plaintext`` takes secrets over HTTP from other machines, too."""
        self._authenticator = authenticator
        self._allow_plaintext = allow_plaintext
        self._basic = (b"www-authenticate", f'Basic realm="{REALM}"'.encode())

    async def admit(self, request: HttpRequest) -> Grant:
        """Whose request it is. Waits only where a password was not seen before.

        Raises NotAuthenticated, NotAllowed or TooManyAttempts.
        """
        if not self._keeps_secrets(request):
            raise NotAllowed(
                "Passwords and tokens are not taken in plaintext",
                detail="Use HTTPS (http.certificate), or a connection from the server's own machine"
                " such as a reverse proxy's; http.allow_plaintext = true allows it.",
            )
        shown = shown_by(request)
        if shown is None:
            raise NotAuthenticated(MESSAGE)
        address = request.client[0]
        grant = self._authenticator.recall(shown)
        if grant is None:
            grant = await self._authenticator.log_in(shown, address)
        return self._authenticator.admit(grant, address)

    def refuse(self, error: OperationError) -> HttpResponse:
        """The answer to a request that is not let in."""
        answer = refusal(error)
        assert isinstance(answer.body, bytes)
        headers: Headers = (JSON,)
        if isinstance(error, NotAuthenticated):
            headers += (self._basic,)
        elif isinstance(error, TooManyAttempts):
            headers += ((b"retry-after", b"%d" % error.retry_after),)
        return HttpResponse(answer.status, headers, answer.body)

    def _keeps_secrets(self, request: HttpRequest) -> bool:
        """Whether nobody on the way can read the request, or the operator does not mind."""
        return request.secure or self._allow_plaintext or is_loopback(request.client[0])


def is_loopback(address: str) -> bool:
    """Whether a client's address, as the kernel writes it, is of this machine alone."""
    return address.removeprefix("::ffff:").startswith("127.") or address == "::1"
