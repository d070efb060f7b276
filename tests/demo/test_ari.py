"""The client against an HTTP server that is a function, and events that are a list."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from trio_websocket import CloseReason, ConnectionClosed

from stasisd.demo.ari import Client, EventsOver, Json, RequestRefused


class Notes:
    """A witness that remembers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Json, int]] = []
        self.events: list[Json] = []

    def requested(self, method: str, path: str, parameters: Json, status: int) -> None:
        self.requests.append((method, path, parameters, status))

    def notified(self, event: Json) -> None:
        self.events.append(event)


class Events:
    def __init__(self, *events: Json) -> None:
        self._events = iter(events)

    async def get_message(self) -> bytes:
        for event in self._events:
            return msgspec.json.encode(event)
        raise ConnectionClosed(CloseReason(1001, None))


@asynccontextmanager
async def client(
    answer: Callable[[httpx.Request], httpx.Response], *events: Json
) -> AsyncIterator[tuple[Client, Notes]]:
    notes = Notes()
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, base_url="http://here/ari/") as http:
        socket: Any = Events(*events)
        yield Client(http, socket, notes), notes


async def test_parameters_go_into_the_query() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"asked": str(request.url)})

    async with client(answer) as (ari, notes):
        told = await ari.request("POST", "channels/PJSIP x/play", media="sound:a/b", beep=True)
        assert told["asked"] == (
            "http://here/ari/channels/PJSIP%20x/play?media=sound%3Aa%2Fb&beep=true"
        )
        parameters = {"media": "sound:a/b", "beep": True}
        assert notes.requests == [("POST", "channels/PJSIP x/play", parameters, 200)]


async def test_no_content_is_no_json() -> None:
    async with client(lambda _: httpx.Response(204)) as (ari, _):
        assert await ari.request("DELETE", "channels/c1") == {}


async def test_a_body_may_be_no_json_at_all() -> None:
    async with client(lambda _: httpx.Response(200, content=b"RIFF\0")) as (ari, _):
        assert await ari.download("recordings/stored/r/file") == b"RIFF\0"


@pytest.mark.parametrize(
    ("status", "body", "reason", "too_late"),
    [
        (404, b'{"message":"Channel not found"}', "404: Channel not found", True),
        (409, b'{"error":"Not in Stasis"}', "409: Not in Stasis", True),
        (500, b"oops", "500: Internal Server Error", False),
        (400, b"[1]", r"400: \[1\]", False),
    ],
)
async def test_a_refusal_says_what_for_and_why(
    status: int, body: bytes, reason: str, too_late: bool
) -> None:
    async with client(lambda _: httpx.Response(status, content=body)) as (ari, notes):
        with pytest.raises(RequestRefused, match=f"GET channels was answered {reason}") as refused:
            await ari.request("GET", "channels")
        assert refused.value.is_too_late is too_late
        assert notes.requests[0][-1] == status


async def test_events_come_in_order_until_the_socket_is_closed() -> None:
    events: list[Json] = [{"type": "StasisStart"}, {"type": "StasisEnd"}]
    async with client(lambda _: httpx.Response(204), *events) as (ari, notes):
        assert [await ari.next_event(), await ari.next_event()] == events
        with pytest.raises(EventsOver):
            await ari.next_event()
        assert notes.events == events
