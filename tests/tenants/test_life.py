"""Tenants come and go while the daemon runs, each with all that is in it, and no other."""

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from caps.caveats import READ_ONLY
from caps.caveats import Tenant as OfTenant
from caps.token import mint
from stasisd.core import bus
from stasisd.core.tenancy import Life
from stasisd.operations import OPERATIONS
from stasisd.operations.authentication import Shown
from stasisd.operations.errors import Conflict, InvalidParameter, NotAllowed, NotFound
from stasisd.sip.events import CallEnded, Registered, RegistrationFailed
from stasisd.tenants.keeping import ensure_secrets
from stasisd.tenants.tenants import STEADY
from tests.support.clock import jumping_clock
from tests.support.world import grant
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.world import InlineDatabase

from .house import INITECH, House, house

pytestmark = jumping_clock


async def create(living: House, name: str = "initech", **changes: Any) -> Any:
    return await living.operate("tenants.create", tenantName=name, settings=INITECH | changes)


async def registered(living: House, tenant: str) -> Phone:
    phone = await living.phone(tenant)
    assert isinstance(await phone.register(), Registered)
    return phone


async def ended(mailbox: bus.Mailbox) -> str:
    """Why a socket ended."""
    while True:
        for delivery in await mailbox.receive():
            if isinstance(delivery, bus.Ended):
                return delivery.reason


async def bug() -> None:
    raise RuntimeError("a bug of the tests")


async def test_one_is_made_and_used_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        made = await create(living)
        assert made.tenant.state is Life.RUNNING
        shown = await living.log_in("app@initech", made.users["app"])
        assert shown.tenant == "initech"
        phone = await registered(living, "initech")
        call = await phone.call("600")
        (channel, *_) = await living.gate.perform(shown, OPERATIONS["channels.list"], {})
        assert channel.name.startswith("PJSIP/100-")
        phone.hang_up(call)


async def test_suspending_ends_all_of_it_and_nothing_else(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        acme, globex = living.tenants["acme"], living.tenants["globex"]
        theirs, mine = await registered(living, "globex"), await registered(living, "acme")
        await theirs.call("600")
        await mine.call("600")
        socket, other = living.listen(globex), living.listen(acme)
        with trio.fail_after(1):
            await living.operate("tenants.suspend", tenantName="globex")
            assert await ended(socket) == "the tenant is suspended"
            assert isinstance(await theirs.wait(CallEnded), CallEnded)
        refused = await theirs.register()
        assert isinstance(refused, RegistrationFailed)
        assert refused.status == 401
        password = living.secrets.users["globex"]["app"]
        token = await living.log_in("app@globex", password)
        with pytest.raises(NotAllowed):
            await living.gate.perform(token, OPERATIONS["channels.list"], {})
        assert living.media.statistics().udp_ports == 1
        assert len(acme.channels) == 1
        assert not other.ended


async def test_resumed_it_works_as_before(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        made = await create(living)
        await living.operate("tenants.suspend", tenantName="initech")
        await living.operate("tenants.resume", tenantName="initech")
        assert living.tenants.find("initech").state is Life.RUNNING
        token = await living.log_in("app@initech", made.users["app"])
        assert await living.gate.perform(token, OPERATIONS["channels.list"], {}) == []
        phone = await registered(living, "initech")
        await phone.call("600")


async def test_they_outlive_the_daemon(tmp_path: Path) -> None:
    database = InlineDatabase()
    async with house(tmp_path, database) as living:
        made = await create(living)
        await create(living, "umbrella", domains=["umbrella.example"])
        for name in ("umbrella", "globex"):
            await living.operate("tenants.suspend", tenantName=name)
    async with house(tmp_path, database) as living:
        found = {t.name: t.state.value for t in await living.operate("tenants.list")}
        assert found == {
            "acme": "running",
            "globex": "suspended",
            "initech": "running",
            "umbrella": "suspended",
        }
        assert (await living.log_in("app@initech", made.users["app"])).tenant == "initech"
        await registered(living, "initech")
        for name in ("umbrella", "globex"):
            assert isinstance(await (await living.phone(name)).register(), RegistrationFailed)
            await living.operate("tenants.resume", tenantName=name)
    async with house(tmp_path, database) as living:
        assert {t.state for t in living.tenants.all()} == {Life.RUNNING}


async def test_removed_nothing_of_it_is_anothers(tmp_path: Path) -> None:
    database = InlineDatabase()
    async with house(tmp_path, database) as living:
        made = await create(living)
        tenant = living.tenants["initech"]
        tenant.device_states.update("Stasis:d", "INUSE")
        await tenant.device_states.custom.saved()
        tenant.settings.recordings.mkdir(parents=True)
        (tenant.settings.recordings / "call.wav").write_bytes(b"said")
        await registered(living, "initech")
        key = living.keyring.newest("initech")
        assert key is not None
        old = mint(key).encode()
        await living.operate("tenants.remove", tenantName="initech")
        with pytest.raises(NotFound):
            await living.operate("tenants.get", tenantName="initech")
        (aside,) = (living.state / "removed").iterdir()
        assert (aside / "files" / "recordings" / "call.wav").read_bytes() == b"said"

        again = await create(living)
        assert again.users["app"] != made.users["app"]
        with pytest.raises(Exception, match="Authentication required"):
            living.authenticator.recall(Shown(old))
        fresh = living.tenants["initech"]
        assert fresh.device_states.get("Stasis:d") != "INUSE"
        assert await fresh.stored_recordings.all() == []
        await trio.sleep(1)
    rows = database.connection.execute("SELECT count(*) FROM contacts").fetchone()
    assert rows == (0,)


async def test_a_crash_ends_one_tenant(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        mine, theirs = await registered(living, "acme"), await registered(living, "globex")
        await mine.call("600")
        await theirs.call("600")
        socket = living.listen(living.tenants["globex"])
        living.tenants["globex"].start_task(bug)
        assert await ended(socket) == "the tenant has failed"
        await theirs.wait(CallEnded)
        assert living.tenants.find("globex").state is Life.FAILED
        assert len(living.tenants["acme"].channels) == 1
        await living.operate("tenants.resume", tenantName="globex")
        await registered(living, "globex")


async def test_who_crashes_after_a_while_is_started_again(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        await trio.sleep(STEADY)
        first = living.tenants["globex"]
        first.start_task(bug)
        await trio.sleep(1)
        assert living.tenants["globex"] is not first
        await registered(living, "globex")
        living.tenants["globex"].start_task(bug)
        await trio.sleep(STEADY)
        assert living.tenants.find("globex").state is Life.FAILED


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("a b", {}, "a name of letters, digits, _ and -"),
        ("operators", {}, "other than operators"),
        ("initech", {"domains": ["globex.example"]}, "one that 'globex' has already"),
        ("initech", {"domains": []}, "as 'acme' has none"),
        ("initech", {"recordings": "recordings/../tenants/acme/recordings"}, "shared with 'acme'"),
        ("initech", {"colour": "red"}, "got 'colour'"),
        ("initech", {"dialplan": "none.conf"}, "expected a file"),
        ("initech", {"users": {"app": {"password": ""}}}, "an empty one"),
    ],
)
async def test_what_a_tenant_can_not_be(
    tmp_path: Path, name: str, changes: dict[str, Any], said: str
) -> None:
    async with house(tmp_path) as living:
        with pytest.raises(InvalidParameter) as refused:
            await create(living, name, **changes)
        assert said in (refused.value.detail or "")
        assert list(living.tenants) == ["acme", "globex"]


async def test_a_dialplan_that_is_wrong_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "wrong.conf").write_text("exten => 1,1,Answer()")
    async with house(tmp_path) as living:
        with pytest.raises(InvalidParameter):
            await create(living, dialplan="wrong.conf")
        await create(living)


async def test_a_certificate_that_is_missing_leaves_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        outbound = {"url": "wss://x.example", "applications": ["x"], "authorities": "/nowhere"}
        with pytest.raises(InvalidParameter) as refused:
            await create(living, outbound={"x": outbound | {"user": "app"}})
        assert "outbound: " in (refused.value.detail or "")
        assert list(living.tenants) == ["acme", "globex"]
        assert living.keyring.newest("initech") is None
        await create(living)
        await registered(living, "initech")


async def test_a_configuration_that_is_read_anew_leaves_run_time_tenants_alone(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as living:
        made = await create(living)
        async with living.tenants.change():
            kept, _ = ensure_secrets(living.configuration)
            living.authenticator.replace(living.tenants.reread(living.configuration, kept))
        assert (await living.log_in("app@initech", made.users["app"])).tenant == "initech"
        await living.operate("tenants.suspend", tenantName="initech")
        await living.operate("tenants.resume", tenantName="initech")
        assert (await living.log_in("app@initech", made.users["app"])).tenant == "initech"


async def test_changes_that_do_not_fit(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        await create(living)
        for operation, name, expected in (
            ("create", "initech", Conflict),
            ("create", "acme", Conflict),
            ("resume", "acme", Conflict),
            ("remove", "acme", Conflict),
            ("suspend", "nobody", NotFound),
            ("remove", "nobody", NotFound),
            ("get", "nobody", NotFound),
        ):
            with pytest.raises(expected):
                await living.operate(f"tenants.{operation}", tenantName=name, settings={})
        await living.operate("tenants.suspend", tenantName="initech")
        with pytest.raises(Conflict, match="suspended already"):
            await living.operate("tenants.suspend", tenantName="initech")


OPERATORS = [each for each in OPERATIONS.values() if each.for_operators]


@pytest.mark.parametrize("operation", OPERATORS, ids=lambda operation: operation.name)
async def test_who_is_of_a_tenant_can_not_operate(tmp_path: Path, operation: Any) -> None:
    raw = {"tenantName": "globex", "settings": {}}
    async with house(tmp_path) as living:
        for asking in (grant(tenant="acme"), grant(tenant="globex"), grant(tenant="nobody")):
            with pytest.raises(NotAllowed):
                await living.gate.perform(asking, operation, raw)
        # Nor an operator's token that was made one of a tenant.
        with pytest.raises(NotAllowed):
            await living.operate(operation.name, OfTenant("globex"), **raw)
        assert {t.name: t.state for t in living.tenants.all()} == {
            "acme": Life.RUNNING,
            "globex": Life.RUNNING,
        }


async def test_an_operator_who_may_only_read(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        assert len(await living.operate("tenants.list", READ_ONLY)) == 2
        for name in ("create", "suspend", "resume", "remove"):
            with pytest.raises(NotAllowed):
                await living.operate(f"tenants.{name}", READ_ONLY, tenantName="x", settings={})


async def test_an_operator_is_of_no_tenant(tmp_path: Path) -> None:
    async with house(tmp_path) as living:
        with pytest.raises(NotAllowed):
            await living.operate("channels.list")
