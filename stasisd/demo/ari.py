"""A small ARI client: requests over HTTP, events over one WebSocket."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import httpx
import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket

Json = dict[str, Any]
Parameter = str | int | bool

# How long a close may take when the other side does not answer it.
_CLOSE_SECONDS = 1.0
_REQUEST_SECONDS = 10.0


class RequestRefused(Exception):
    """The answer was an error: ``status`` is HTTP's, the message says what for and why."""

    def __init__(self, request: str, status: int, reason: str) -> None:
        super().__init__(f"{request} was answered {status}: {reason}")
        self.status = status

    @property
    def is_too_late(self) -> bool:
        """Whether the object is gone, or no longer in a state for this."""
        return self.status in {404, 409}


class EventsOver(Exception):
    """The server closed the WebSocket."""


class Witness(Protocol):
    """Who is told of everything that goes to the server and comes from it."""

    def requested(self, method: str, path: str, parameters: Json, status: int) -> None:
        """Take note of a request and its status."""

    def notified(self, event: Json) -> None:
        """Take note of an event."""


class Ari(Protocol):
    """What an application needs of ARI."""

    async def request(self, method: str, path: str, **parameters: Parameter) -> Json:
        """The JSON of the answer, empty where there is none. Raise RequestRefused."""

    async def next_event(self) -> Json:
        """Wait for the next event. Raise EventsOver."""


class Client:
    """An application's way to a server; made by :func:`connect`."""

    def __init__(
        self, http: httpx.AsyncClient, events: WebSocketConnection, witness: Witness
    ) -> None:
        self._http = http
        self._events = events
        self._witness = witness

    async def request(self, method: str, path: str, **parameters: Parameter) -> Json:
        """See :meth:`Ari.request`."""
        body = (await self._ask(method, path, parameters)).content
        answer: Json = msgspec.json.decode(body) if body else {}
        return answer

    async def download(self, path: str) -> bytes:
        """The body of an answer that is no JSON. Raise RequestRefused."""
        return (await self._ask("GET", path, {})).content

    async def next_event(self) -> Json:
        """See :meth:`Ari.next_event`."""
        try:
            event: Json = msgspec.json.decode(await self._events.get_message())
        except ConnectionClosed:
            raise EventsOver("the server closed the WebSocket") from None
        self._witness.notified(event)
        return event

    async def _ask(
        self, method: str, path: str, parameters: dict[str, Parameter]
    ) -> httpx.Response:
        response = await self._http.request(method, quote(path), params=parameters)
        self._witness.requested(method, path, parameters, response.status_code)
        if response.is_error:
            raise RequestRefused(f"{method} {path}", response.status_code, _reason(response))
        return response


def _reason(response: httpx.Response) -> str:
    try:
        told = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return response.reason_phrase
    return str(told.get("message") or told.get("error")) if isinstance(told, dict) else str(told)


@asynccontextmanager
async def connect(
    server: tuple[str, int], user: str, password: str, application: str, witness: Witness
) -> AsyncIterator[Client]:
    """Connect an application; from now on calls may enter it.

    Raise httpx.HTTPError or trio_websocket.HandshakeError.
    """
    host, port = server
    basic = base64.b64encode(f"{user}:{password}".encode())
    async with (
        httpx.AsyncClient(
            base_url=f"http://{host}:{port}/ari/",
            auth=(user, password),
            timeout=_REQUEST_SECONDS,
            trust_env=False,  # no proxy stands between two halves of one process
        ) as http,
        open_websocket(
            host,
            port,
            f"/ari/events?{urlencode({'app': application})}",
            use_ssl=False,
            extra_headers=[(b"Authorization", b"Basic " + basic)],
            disconnect_timeout=_CLOSE_SECONDS,
        ) as events,
    ):
        client = Client(http, events, witness)
        try:
            yield client
        finally:
            with trio.move_on_after(_CLOSE_SECONDS, shield=True):
                await events.aclose()
