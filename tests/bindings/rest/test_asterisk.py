"""Parts, log channels and configuration objects over ARI, beyond what the recordings show."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from stasisd import components
from tests.compatibility.target import target
from tests.support.clock import jumping_clock
from tests.support.server import READER, Server, serving

pytestmark = jumping_clock

ENDPOINT = "/ari/asterisk/config/dynamic/res_pjsip/endpoint/200"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def phones(tmp_path: Path) -> AsyncIterator[Server]:
    """A server that has SIP."""
    async with target(tmp_path) as made:
        yield made.server


def fields(**named: str) -> dict[str, Any]:
    return {"fields": [{"attribute": name, "value": value} for name, value in named.items()]}


async def test_a_log_channel(server: Server, tmp_path: Path) -> None:
    log = "/ari/asterisk/logging"
    assert (await server.request("POST", f"{log}/full?configuration=notice,error")).status == 204
    again = await server.request("POST", f"{log}/full?configuration=notice")
    assert (again.status, again.json["message"]) == (409, "Log channel already exists")
    (shown,) = await server.get(log)
    path = tmp_path / "log" / "full"
    assert shown == {
        "channel": str(path),
        "type": "File",
        "status": "Enabled",
        "configuration": "NOTICE ERROR ",
    }
    server.tenant.log_files.write("info", b"line\n")
    assert (await server.request("PUT", f"{log}/full/rotate")).status == 204
    assert (path.read_text(), path.with_name("full.1").read_text()) == ("", "line\n")
    assert (await server.request("DELETE", f"{log}/full")).status == 204
    assert (await server.request("DELETE", f"{log}/full")).status == 404
    assert (await server.request("PUT", f"{log}/full/rotate")).status == 404


@pytest.mark.parametrize("target", ["a%2Fb?configuration=error", "a?configuration=loud", "a"])
async def test_what_is_no_log_channel(server: Server, target: str) -> None:
    reply = await server.request("POST", f"/ari/asterisk/logging/{target}")
    assert reply.status == 400
    assert await server.get("/ari/asterisk/logging") == []


async def test_the_parts_of_the_server(server: Server, tmp_path: Path) -> None:
    plan = tmp_path / "extensions.conf"
    server.tenant.components |= {c.name: c for c in components.of(server.tenant, plan)}
    shown = await server.get("/ari/asterisk/modules/dialplan")
    assert (shown["status"], shown["use_count"]) == ("Running", 0)
    modules = "/ari/asterisk/modules"
    for method, name, message in (
        ("POST", "sip", "Module is already loaded"),
        ("POST", "nothing", "Module could not be loaded"),
        ("DELETE", "sip", "Module could not be unloaded"),
        ("PUT", "sip", "Module could not be reloaded"),
    ):
        reply = await server.request(method, f"{modules}/{name}")
        assert (reply.status, reply.json["message"]) == (409, message)
    assert (await server.request("DELETE", f"{modules}/nothing")).status == 404


async def test_the_dialplan_is_read_anew(server: Server, tmp_path: Path) -> None:
    plan = trio.Path(tmp_path / "extensions.conf")
    server.tenant.components |= {c.name: c for c in components.of(server.tenant, Path(plan))}
    reload = "/ari/asterisk/modules/dialplan"
    await plan.write_text("[new]\nexten => 1,1,Answer()\n")
    before = (await server.get("/ari/asterisk/info"))["status"]
    assert before["last_reload_time"] == before["startup_time"]
    await trio.sleep(5)
    assert (await server.request("PUT", reload)).status == 204
    after = (await server.get("/ari/asterisk/info"))["status"]
    assert after["last_reload_time"] > after["startup_time"] == before["startup_time"]
    assert server.tenant.router.exists("new", "1", 1)
    await plan.write_text("[newer\n")
    reply = await server.request("PUT", reload)
    assert (reply.status, reply.json["message"]) == (409, "Module could not be reloaded")
    assert "extensions.conf" in reply.json["detail"]
    assert server.tenant.router.exists("new", "1", 1)


async def test_an_endpoint_is_made_changed_and_deleted(phones: Server) -> None:
    absent = await phones.request("GET", ENDPOINT)
    assert absent.json == {"message": "Object with id '200' not found"}
    made = await phones.request("PUT", ENDPOINT, body=fields(context="first", aors="200"))
    assert made.status == 200
    assert {"attribute": "context", "value": "first"} in made.json
    await phones.request("PUT", ENDPOINT, body=fields(context="second"))
    assert {"attribute": "aors", "value": "200"} in await phones.get(ENDPOINT)
    assert {"attribute": "context", "value": "second"} in await phones.get(ENDPOINT)
    assert (await phones.get("/ari/endpoints/PJSIP/200"))["state"] == "offline"
    assert (await phones.request("DELETE", ENDPOINT)).status == 204
    assert (await phones.request("DELETE", ENDPOINT)).status == 404
    assert (await phones.request("GET", "/ari/endpoints/PJSIP/200")).status == 404


async def test_what_can_not_be_made(phones: Server) -> None:
    config = "/ari/asterisk/config/dynamic"
    for path, body, status, message in (
        ("chan_sip/peer/200", fields(), 404, "configClass 'chan_sip' not found"),
        ("res_pjsip/peer/200", fields(), 404, "objectType 'peer' not found"),
        ("res_pjsip/endpoint/confphone", fields(), 403, "Object with id 'confphone' can't be"),
        ("res_pjsip/endpoint/200", fields(a="b"), 400, "Object with id '200' could not be"),
        ("res_pjsip/endpoint/200", {"fields": [{"attribute": 1}]}, 400, "fields must be objects"),
        ("res_pjsip/endpoint/200", {"fields": ["a"]}, 400, "fields must be"),
    ):
        reply = await phones.request("PUT", f"{config}/{path}", body=body)
        assert (reply.status, reply.json["message"][: len(message)]) == (status, message)
    reply = await phones.request("PUT", ENDPOINT, body=fields(), user=READER)
    assert (reply.status, reply.json["message"]) == (403, "Write access denied")
