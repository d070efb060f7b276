"""How long a grant stands: for who holds it open, as a WebSocket does, and must let go in time."""

from collections.abc import Callable

import trio

from caps.errors import InvalidToken
from caps.grant import Grant
from caps.keyring import Keyring

from .authentication import MESSAGE
from .errors import NotAuthenticated


class Tenures:
    """The tenures of all grants of a keyring, which knows no Trio and so can't tell by itself."""

    def __init__(self, keyring: Keyring, now: Callable[[], float]) -> None:
        """``now`` is in seconds since the epoch."""
        self.keyring = keyring
        self.now = now
        self.revised = trio.Event()

    def revise(self) -> None:
        """Let all who hold a grant look whether it still stands; call this after a revocation."""
        self.revised.set()
        self.revised = trio.Event()

    def of(self, grant: Grant) -> "Tenure":
        """The tenure of one grant."""
        return Tenure(self, grant)


class Tenure:
    """How long one grant stands."""

    def __init__(self, tenures: Tenures, grant: Grant) -> None:
        self._tenures = tenures
        self._grant = grant

    def require(self) -> None:
        """Raises :class:`NotAuthenticated` once it has ended."""
        why = self._why_ended()
        if why is not None:
            raise NotAuthenticated(MESSAGE, detail=why)

    async def wait_end(self) -> str:
        """Wait until it has ended; returns why."""
        while True:
            revised = self._tenures.revised
            why = self._why_ended()
            if why is not None:
                return why
            with trio.move_on_after(self._left()):
                await revised.wait()

    def _why_ended(self) -> str | None:
        try:
            self._tenures.keyring.require_valid(self._grant, self._tenures.now())
        except InvalidToken as ended:
            return str(ended)
        return None

    def _left(self) -> float:
        """Seconds until the token or its key ends, as it looks now."""
        key = self._tenures.keyring.find(self._grant.key_id)
        assert key is not None, "its tokens are revoked with it"
        return min(self._grant.expires, key.until) - self._tenures.now()
