"""Tenants made over HTTP while the daemon runs, as docs/how-to/host-two-companies.md has it."""

from pathlib import Path

import httpx
import msgspec
import trio

from stasisd.sip import events
from tests.docs.pages import DOCS
from tests.docs.test_text import FENCE
from tests.support.listening import listening
from tests.support.phone import phone
from tests.support.program import PATIENCE, Program, configuration, running

PAGE = DOCS / "how-to" / "host-two-companies.md"
PASSWORD = "a-password-of-operators"
CONFIGURATION = configuration(more=f'[operators.root]\npassword = "{PASSWORD}"\n')
TENANTS = "/ari/tenants"


async def asking(program: Program, login: str, password: str) -> httpx.AsyncClient:
    url = await program.url()
    return httpx.AsyncClient(base_url=url, auth=(login, password), timeout=PATIENCE)


async def test_a_tenant_from_its_making_to_its_end(tmp_path: Path) -> None:
    (body,) = (text for kind, text in FENCE.findall(PAGE.read_text()) if kind == "json")
    with trio.fail_after(60):
        async with running(tmp_path, CONFIGURATION) as program:
            app = await use(program, msgspec.json.decode(body))
            await program.end()
        async with running(tmp_path, CONFIGURATION) as program:
            operator = await asking(program, "root@operators", PASSWORD)
            async with operator, await asking(program, "app@initech", app) as mine:
                assert (await mine.get("/ari/channels")).status_code == 403
                found = (await operator.get(f"{TENANTS}/initech")).json()
                assert (found["state"], found["configured"]) == ("suspended", False)
                assert (await operator.post(f"{TENANTS}/initech/resume")).status_code == 204
                assert (await mine.get("/ari/channels")).json() == []
                assert (await operator.delete(f"{TENANTS}/initech")).status_code == 204
                assert (await mine.get("/ari/channels")).status_code == 401


async def use(program: Program, settings: object) -> str:
    """Make a tenant, call in it, and suspend it; returns the password of its user."""
    _, sip = await program.addresses()
    async with await asking(program, "root@operators", PASSWORD) as operator:
        made = (await operator.post(f"{TENANTS}/initech", json=settings)).json()
        again = await operator.post(f"{TENANTS}/initech", json=settings)
        assert (again.status_code, again.json()["message"]) == (
            409,
            "There is a tenant of this name",
        )
        password: str = made["users"]["app"]
        async with (
            listening(await program.url(), "ivr", "app@initech", password) as socket,
            phone(sip, password=made["endpoints"]["100"], domain="initech.example") as caller,
        ):
            call = caller.call("600")
            await call.answered.wait()
            with trio.fail_after(1):
                assert (await operator.post(f"{TENANTS}/initech/suspend")).status_code == 204
                await socket.wait_closed()
                await call.over.wait()
            assert isinstance(call.end, events.CallEnded)
            assert socket.close_code == 1008
    return password
