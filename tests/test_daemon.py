"""The composition root: that each tenant gets what its configuration says."""

from pathlib import Path

import pytest

from stasisd.config import load
from stasisd.daemon import Daemon, ensure_secrets


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.chdir(tmp_path)
    configuration = load(None, {"STATE_DIRECTORY": str(tmp_path / "state")})
    kept, are_new = ensure_secrets(configuration)
    assert are_new
    return Daemon(configuration, kept)


async def test_a_tenant_has_its_dialplan_and_that_ones_globals(daemon: Daemon) -> None:
    tenant = daemon.tenants["default"]
    assert tenant.router.exists("default", "1000", 1)
    assert tenant.globals["RINGTIME"] == "30"


async def test_a_tenant_has_our_prompts(daemon: Daemon) -> None:
    assert daemon.tenants["default"].sounds.find("hello-world", "en") is not None


async def test_a_tenant_has_a_key_of_its_own(daemon: Daemon) -> None:
    assert daemon.keyring.newest("default") is not None
