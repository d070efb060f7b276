"""What programs changed is there again after a restart of the daemon."""

from pathlib import Path

import trio

from tests.support.phone import phone
from tests.support.program import PHONE_PASSWORD, Program, configuration, running

CONFIG = "/asterisk/config/dynamic/res_pjsip"
OBJECTS = {
    "auth/200-auth": {"username": "200", "password": PHONE_PASSWORD},
    "aor/200": {"max_contacts": "2"},
    "endpoint/200": {"aors": "200", "auth": "200-auth", "context": "default"},
}


async def change(daemon: Program) -> None:
    async with await daemon.client() as ari:
        assert (await ari.put("/deviceStates/Stasis:lamp?deviceState=BUSY")).status_code == 204
        assert (await ari.put("/mailboxes/m?oldMessages=1&newMessages=2")).status_code == 204
        for name, fields in OBJECTS.items():
            listed = [{"attribute": key, "value": value} for key, value in fields.items()]
            put = await ari.put(f"{CONFIG}/{name}", json={"fields": listed})
            assert put.status_code == 200, put.text
        assert (await ari.post("/asterisk/logging/full?configuration=*")).status_code == 204


async def look(daemon: Program) -> None:
    async with await daemon.client() as ari:
        lamp = (await ari.get("/deviceStates/Stasis:lamp")).json()
        assert lamp == {"name": "Stasis:lamp", "state": "BUSY"}
        assert (await ari.get("/mailboxes/m")).json()["new_messages"] == 2
        _, sip = await daemon.addresses()
        async with phone(sip, "200") as made_at_run_time:
            await made_at_run_time.register()
            assert (await ari.get("/endpoints/PJSIP/200")).json()["state"] == "online"
            call = made_at_run_time.call("600")
            await call.answered.wait()
            assert (await ari.get("/deviceStates/PJSIP%2F200")).json()["state"] == "INUSE"
            call.hang_up()
        fields = (await ari.get(f"{CONFIG}/aor/200")).json()
        assert {"attribute": "max_contacts", "value": "2"} in fields
        assert (await ari.get("/asterisk/info")).json()["system"]["api_version"]


async def test_a_restart(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with running(tmp_path, configuration()) as daemon:
            await change(daemon)
            await look(daemon)
            assert await daemon.end() == 0
        (log,) = (tmp_path / "state" / "stasisd" / "log").glob("*/full")
        assert '"event":"draining"' in log.read_text().replace(": ", ":")
        async with running(tmp_path, configuration()) as daemon:
            await look(daemon)
            assert await daemon.end() == 0
