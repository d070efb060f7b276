"""Messages over ARI, beyond what the recordings show."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stasisd.core.snapshots import TextMessage
from tests.compatibility.target import target
from tests.support.clock import jumping_clock
from tests.support.server import READER, Server

pytestmark = jumping_clock

SEND = "/ari/endpoints/sendMessage"
THERE = "/ari/endpoints/PJSIP/confphone"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with target(tmp_path) as made:
        yield made.server


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("PUT", SEND, 400, "To must be specified"),
        ("PUT", f"{SEND}?to=pjsip:confphone", 400, "From must be specified"),
        ("PUT", f"{SEND}?to=confphone&from=sip:a@b", 404, "Endpoint not found"),
        ("PUT", f"{THERE}/sendMessage?body=x", 400, "From must be specified"),
        ("PUT", f"{THERE}/sendMessage?from=sip:a@b", 404, "Endpoint not found"),
        ("POST", "/ari/endpoints/refer", 400, "To must be specified"),
        ("POST", f"{THERE}/refer?from=sip:a@b", 400, "Refer to must be specified"),
        ("POST", f"{THERE}/refer?from=sip:a@b&refer_to=sip:c@d", 404, "Endpoint not found"),
        ("PUT", "/ari/endpoints/PJSIP/nobody/sendMessage?from=a", 404, "Endpoint not found"),
    ],
)
async def test_what_is_refused(
    server: Server, method: str, path: str, status: int, message: str
) -> None:
    reply = await server.request(method, path)
    assert (reply.status, reply.json["message"]) == (status, message)


async def test_a_reader_sends_nothing(server: Server) -> None:
    reply = await server.request("PUT", f"{SEND}?to=sip:confphone@x&from=sip:a@b", user=READER)
    assert (reply.status, reply.json["message"]) == (403, "Write access denied")


async def test_variables_are_texts(server: Server) -> None:
    body = {"variables": {"X-A": {"no": "text"}}}
    reply = await server.request("PUT", f"{THERE}/sendMessage?from=sip:a@b", body=body)
    assert (reply.status, reply.json["message"]) == (400, "the variable 'X-A' must be text")


async def test_a_text_is_heard_by_who_subscribed(server: Server) -> None:
    mine = await server.listen("/ari/events?app=app")
    other = await server.listen("/ari/events?app=other")
    await server.request(
        "POST", "/ari/applications/app/subscription?eventSource=endpoint%3APJSIP%2Fconfphone"
    )
    endpoint = server.tenant.endpoints["PJSIP", "confphone"]
    endpoint.texted(TextMessage("sip:confphone@x", "sip:200@y", "hello"))
    told = await mine.until("TextMessageReceived")
    assert told["message"] == {"from": "sip:confphone@x", "to": "sip:200@y", "body": "hello"}
    assert told["endpoint"]["resource"] == "confphone"
    assert other.messages == []
