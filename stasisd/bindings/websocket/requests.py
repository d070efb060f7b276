"""REST over WebSocket: a RESTRequest is performed like a request over HTTP, and answered.

The answer is the one that HTTP would give, wrapped: its body is a text in `message_body`. What
could not be read as a request is answered too, with empty ids, so that no client waits in vain.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Literal

import msgspec
import structlog

from caps.grant import Grant
from stasisd.bindings.ari.objects import timestamp
from stasisd.bindings.ari.parameters import pairs, segments
from stasisd.bindings.ari.performing import Answer, Performer, Request, refusal, said
from stasisd.bindings.ari.request_ids import request_id
from stasisd.operations.asking import Asked
from stasisd.operations.errors import NotAuthenticated
from stasisd.operations.recordings import MediaFile
from stasisd.operations.tenure import Tenure

log = structlog.get_logger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class QueryString(msgspec.Struct, frozen=True):
    """One parameter of ARI's RESTRequest."""

    name: str
    value: str


class RestRequest(msgspec.Struct, frozen=True):
    """ARI's RESTRequest. The ids are the client's, and come back to it.

    `idempotency_key` is ours, beyond ARI.
    """

    type: Literal["RESTRequest"]
    uri: str
    method: str = ""
    transaction_id: str = ""
    request_id: str = ""
    content_type: str = ""
    query_strings: tuple[QueryString, ...] = ()
    message_body: str = ""
    idempotency_key: str | None = None


class RestResponse(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """ARI's RESTResponse.

    Ours, beyond ARI, and only where there is something to say: `caused_by`, the id by which
    events name the request; `event_sequence`, the number of the last one by application; and
    `replayed`, where the answer is that of an earlier request.
    """

    type: str
    transaction_id: str
    request_id: str
    status_code: int
    reason_phrase: str
    uri: str
    content_type: str = ""
    message_body: str = ""
    application: str
    timestamp: str
    asterisk_id: str
    caused_by: str = ""
    event_sequence: dict[str, int] | None = None
    replayed: bool = False


class Conversation:
    """The requests of one socket, and who asks them."""

    def __init__(
        self,
        performer: Performer,
        grant: Grant,
        tenure: Tenure,
        application: str,
        now: Callable[[], float],
    ) -> None:
        """``tenure`` is that of the grant. ``application`` stands in every response, and what is
        asked is in its name.

        ``now`` is in seconds since the epoch.
        """
        self._performer = performer
        self._grant = grant
        self._tenure = tenure
        self._application = application
        self._now = now

    async def answer(self, message: str | bytes) -> bytes:
        """Perform what a message asks; returns the message that answers it."""
        try:
            asked = _decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return self._unreadable(message, str(error))
        if asked.method not in METHODS:
            answer = said(400, "Unknown or missing 'method' property.")
            return self._written(asked, answer, "Bad request")
        return await self._performed(asked)

    async def _performed(self, asked: RestRequest) -> bytes:
        path, _, query = asked.uri.partition("?")
        given = tuple((one.name, one.value) for one in asked.query_strings)
        request = Request(
            asked.method,
            segments(path.removeprefix("/")),
            (*pairs(query), *given),
            asked.content_type,
            asked.message_body.encode(),
            None if asked.method == "GET" else self._named(asked),
        )
        try:
            self._tenure.require()
            answer = await self._performer.perform(self._grant, request)
        except NotAuthenticated as ended:
            answer = refusal(ended)
        except Exception:  # the barrier: a bug answers one request with 500
            log.exception("request failed", method=asked.method, path=path, id=asked.request_id)
            answer = said(500, "Internal error")
        if isinstance(answer.body, MediaFile):  # which is not text
            return self._written(asked, Answer(406), "Not Acceptable. Use HTTP GET")
        return self._written(asked, answer, remarks=request.asked)

    def _named(self, asked: RestRequest) -> Asked:
        return Asked(request_id(asked.request_id), asked.idempotency_key, self._application)

    def _unreadable(self, message: str | bytes, why: str) -> bytes:
        """Answer what is no RESTRequest, with the ids that it has if it is JSON."""
        try:
            value = msgspec.json.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            nobody = RestRequest("RESTRequest", "")
            return self._written(nobody, Answer(400), "Failed to parse request message JSON")
        fields = value if isinstance(value, dict) else {}
        asked = RestRequest(
            "RESTRequest",
            _text(fields.get("uri")),
            transaction_id=_text(fields.get("transaction_id")),
            request_id=_text(fields.get("request_id")),
        )
        return self._written(asked, said(400, f"Not a RESTRequest: {why}"), "Bad request")

    def _written(
        self,
        asked: RestRequest,
        answer: Answer,
        reason: str = "",
        remarks: Asked | None = None,
    ) -> bytes:
        assert isinstance(answer.body, bytes)
        body = answer.body.decode() if asked.method != "HEAD" else ""
        return _encode(
            RestResponse(
                type="RESTResponse",
                transaction_id=asked.transaction_id,
                request_id=asked.request_id,
                status_code=answer.status,
                reason_phrase=reason or _REASONS[answer.status],
                uri=asked.uri.partition("?")[0],
                content_type="application/json" if body else "",
                message_body=body,
                application=self._application,
                timestamp=timestamp(self._now()),
                asterisk_id=self._performer.encoder.server_id,
                caused_by=remarks.cause.request_id if remarks and remarks.sequences else "",
                event_sequence=(remarks.sequences or None) if remarks else None,
                replayed=remarks.replayed if remarks else False,
            )
        )


_decode = msgspec.json.Decoder(RestRequest).decode
_encode = msgspec.json.Encoder().encode


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
