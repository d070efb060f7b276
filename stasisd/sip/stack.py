"""What the parts of a user agent share: the layers below them and the ways to use these."""

import hashlib
import hmac
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from stasisd.credentials.digest import Credentials, Verifier, answer, choose

from .dialog import Dialog
from .flow import Flow
from .headers import Field, Headers
from .message import Request, Response, respond
from .outbox import Outbox
from .settings import Directory, Settings
from .timers import Deadlines
from .transaction_layer import Purpose, Transaction, TransactionLayer
from .transport import TransportLayer
from .uri import SipUri

# What we understand. A method that is added here needs its handler in `endpoint`.
METHODS = (
    "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "INFO", "MESSAGE", "NOTIFY", "REFER",
)  # fmt: skip
EXTENSIONS: tuple[str, ...] = ()

ALLOW: Field = ("Allow", ", ".join(METHODS))
SUPPORTED: Field = ("Supported", ", ".join(EXTENSIONS))
SDP = "application/sdp"

_CREDENTIALS_FOR = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class Stack:
    """Transport and transactions of one user agent, its clock of deadlines, and its outbox."""

    def __init__(
        self, settings: Settings, directory: Directory, token: Callable[[], str], secret: bytes
    ) -> None:
        self.settings = settings
        self.directory = directory
        self.token = token
        self._secret = secret
        self.outbox = Outbox()
        self.deadlines: Deadlines[object] = Deadlines()
        self.transport = TransportLayer(settings, self.outbox, self.deadlines)
        self.transactions = TransactionLayer(
            settings, self.transport, self.outbox, self.deadlines, token
        )
        self.verifier = Verifier(secret, token, settings.algorithms, settings.nonce_lifetime)

    def contact(self, flow: Flow, user: str = "") -> Field:
        """Our Contact, as a peer on this flow can reach it."""
        host, port = self.settings.advertised(flow)
        shown = f"[{host}]" if ":" in host else host
        transport = (("transport", flow.transport),) if flow.is_reliable else ()
        return ("Contact", f"<{SipUri(shown, user, port, parameters=transport)}>")

    def reply(
        self,
        transaction: Transaction,
        status: int,
        now: float,
        *,
        reason: str | None = None,
        to_tag: str | None = None,
        fields: Sequence[Field] = (),
        body: bytes = b"",
    ) -> None:
        """Answer a request. Every response but 100 gets a tag (section 8.2.6.2)."""
        if to_tag is None and status != 100:
            to_tag = self.token()
        response = respond(
            transaction.request,
            status,
            reason=reason,
            to_tag=to_tag,
            fields=(*fields, ("Server", self.settings.product)),
            body=body,
            content_type=SDP,
        )
        self.transactions.respond(transaction, response, now)

    def reply_once(
        self,
        transaction: Transaction,
        status: int,
        now: float,
        fields: Sequence[Field] = (),
        reason: str | None = None,
    ) -> None:
        """Answer a request and forget it: strangers shall not cost memory (section 8.2.7).

        Nothing is repeated either, so a forged sender's address gets one datagram for one.
        """
        to_tag = transaction.request.to.tag or self._lasting_tag(transaction.request)
        self.reply(transaction, status, now, to_tag=to_tag, fields=fields, reason=reason)
        self.transactions.forget(transaction)

    def _lasting_tag(self, request: Request) -> str:
        # A repeated request gets the same tag, though nothing is kept (section 8.2.7).
        named = f"{request.call_id} {request.cseq} {request.from_.tag}".encode("utf-8", "replace")
        return hmac.new(self._secret, named, hashlib.sha256).hexdigest()[:16]

    def send(
        self,
        request: Request,
        flow: Flow,
        purpose: Purpose,
        owner: str,
        now: float,
        branch: str | None = None,
    ) -> Transaction:
        """Send a request of ours."""
        named = request.headers.with_(("User-Agent", self.settings.product))
        return self.transactions.request(
            request.replace(headers=named), flow, purpose, owner, now, branch=branch
        )

    def acknowledge(self, dialog: Dialog, response: Response) -> None:
        """Send the ACK to a 2xx, which is no transaction (section 13.2.2.4)."""
        flow = self.way(dialog)
        ack = dialog.ack(response.cseq.number)
        sent = self.transactions.with_via(ack, flow, self.transactions.new_branch())
        self.transport.send(bytes(sent), flow)

    def way(self, dialog: Dialog) -> Flow:
        """The flow for a request in a dialog.

        Where the peer's messages came from if that still stands and the settings want it, or if
        the next hop is only known by a name.
        """
        hop = dialog.next_hop
        known = hop.address if isinstance(hop, SipUri) and _is_address(hop.host) else None
        follows = self.settings.rewrite_contact or known is None
        if follows and self.transport.is_open(dialog.flow):
            return dialog.flow
        return replace(dialog.flow, remote=known or dialog.flow.remote, connection=None)

    def retry(
        self,
        transaction: Transaction,
        response: Response,
        credentials: Credentials | None,
        cseq: int,
        now: float,
    ) -> Transaction | None:
        """Send a challenged request again with credentials, or return None where that's in vain."""
        names = _CREDENTIALS_FOR.get(response.status)
        if names is None or credentials is None:
            return None
        challenge = choose(response.headers.values(names[0]))
        request = transaction.request
        tried = request.headers.get(names[1]) is not None
        if challenge is None or (tried and not challenge.stale):
            return None
        authorization = answer(challenge, credentials, request.method, request.target, self.token())
        headers = Headers(
            ("CSeq", f"{cseq} {request.method}") if name == "CSeq" else (name, value)
            for name, value in request.headers.without("Via", names[1])
        ).with_((names[1], str(authorization)))
        assert transaction.purpose is not None
        return self.transactions.request(
            request.replace(headers=headers),
            transaction.flow,
            transaction.purpose,
            transaction.owner,
            now,
        )


def _is_address(host: str) -> bool:
    return host.startswith("[") or host.replace(".", "").isdigit()
