"""The ASGI side alone, where sockets can't be made to block at will."""

from __future__ import annotations

from typing import Any, cast

import trio
from hypercorn.typing import HTTPScope
from trio.testing import MockClock

from stasisd.bindings.rest.app import HttpExchange, ShellApp
from stasisd.bindings.rest.site import HttpSettings, Site

from .support import FakeResponder

SCOPE = {
    "type": "http",
    "method": "POST",
    "scheme": "http",
    "raw_path": b"/ari/x",
    "query_string": b"",
    "headers": [],
    "client": ("127.0.0.1", 1),
}


async def test_refusal_goes_on_emptying_the_queue(autojump_clock: MockClock) -> None:
    """Else the reader, which fills it, and the refusal's own end would wait for each other."""
    app = ShellApp("test", static_folder=None)
    app.site = Site(FakeResponder(), HttpSettings(max_body=1), app)
    body, receive = trio.open_memory_channel[Any](0)
    delivered = trio.Event()
    statuses: list[int] = []

    async def read() -> None:
        for _ in range(20):
            await body.send({"type": "http.request", "body": b"xx", "more_body": True})
        delivered.set()

    async def send(message: Any) -> None:
        await delivered.wait()
        statuses.append(message.get("status", 0))

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await HttpExchange(app, cast(HTTPScope, SCOPE))(receive.receive, send)
    assert statuses == [413, 0]
