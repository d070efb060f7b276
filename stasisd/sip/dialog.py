"""Dialogs (RFC 3261 section 12): what two user agents remember of each other."""

from enum import Enum, auto

from .flow import Flow
from .headers import MAX_CSEQ, Field, Headers
from .message import MAX_FORWARDS, Request, Response
from .uri import NameAddr, SipUri, Uri


class DialogState(Enum):
    """Section 12: made by a provisional response, or by a 2xx."""

    EARLY = auto()
    CONFIRMED = auto()


class Dialog:
    """One side's view of a dialog.

    ``local`` and ``remote`` are the addresses with their tags, ``target`` is where requests go,
    ``routes`` are the proxies on the way (nearest first), ``flow`` is where the peer's messages
    come from.
    """

    def __init__(
        self,
        *,
        call_id: str,
        local: NameAddr,
        remote: NameAddr,
        target: Uri,
        routes: tuple[NameAddr, ...],
        flow: Flow,
    ) -> None:
        self.state = DialogState.EARLY
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.target = target
        self.routes = routes
        self.flow = flow
        self.local_cseq = 0
        self.remote_cseq = -1

    @classmethod
    def of_server(cls, request: Request, local_tag: str, flow: Flow) -> "Dialog":
        """The dialog that answering this request makes (section 12.1.1). Raise MalformedSip."""
        dialog = cls(
            call_id=request.call_id,
            local=request.to.with_tag(local_tag),
            remote=request.from_,
            target=request.contacts[0].uri if request.contacts else request.from_.uri,
            routes=request.record_route,
            flow=flow,
        )
        dialog.remote_cseq = request.cseq.number
        return dialog

    @classmethod
    def of_client(cls, request: Request, response: Response, flow: Flow) -> "Dialog":
        """The dialog that this response to our request makes (section 12.1.2).

        Raise MalformedSip.
        """
        dialog = cls(
            call_id=request.call_id,
            local=request.from_,
            remote=response.to,
            target=response.contacts[0].uri if response.contacts else request.uri,
            routes=tuple(reversed(response.record_route)),
            flow=flow,
        )
        dialog.local_cseq = request.cseq.number
        return dialog

    def confirm(self) -> None:
        """Note that a 2xx was sent or came."""
        self.state = DialogState.CONFIRMED

    def refresh(self, message: Request | Response) -> None:
        """Take the peer's new Contact from a target refresh request or its response."""
        if message.contacts:
            self.target = message.contacts[0].uri

    def belongs(self, request: Request) -> bool:
        """Whether a request is of this dialog, given that our tag is right."""
        return request.call_id == self.call_id and request.from_.tag == self.remote.tag

    def is_in_order(self, request: Request) -> bool:
        """Whether the sequence number is a new one (section 12.2.2); if so, it is noted."""
        number = request.cseq.number
        if number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def request(self, method: str, fields: tuple[Field, ...] = (), body: bytes = b"") -> Request:
        """The next request in the dialog, its Via still to come (section 12.2.1.1)."""
        self.local_cseq = self.local_cseq % MAX_CSEQ + 1
        return self._request(method, self.local_cseq, fields, body)

    def ack(self, cseq: int, fields: tuple[Field, ...] = (), body: bytes = b"") -> Request:
        """The ACK to a 2xx, which has its INVITE's number (section 13.2.2.4)."""
        return self._request("ACK", cseq, fields, body)

    def _request(self, method: str, cseq: int, fields: tuple[Field, ...], body: bytes) -> Request:
        target, routes = self._path()
        headers: list[Field] = [
            ("Max-Forwards", str(MAX_FORWARDS)),
            *(("Route", f"<{route}>") for route in routes),
            ("From", str(self.local)),
            ("To", str(self.remote)),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            *fields,
        ]
        return Request(method, str(target), Headers(headers), body)

    def _path(self) -> tuple[Uri, tuple[Uri, ...]]:
        routes = tuple(route.uri for route in self.routes)
        if not routes or not isinstance(routes[0], SipUri):
            return self.target, routes
        if routes[0].parameter("lr") is not None:
            return self.target, routes
        # A strict router wants to find itself in the Request-URI (section 12.2.1.1).
        return routes[0], (*routes[1:], self.target)

    @property
    def next_hop(self) -> Uri:
        """Where the next request goes first: the topmost route, else the target."""
        return self.routes[0].uri if self.routes else self.target
