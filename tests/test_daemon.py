"""The composition root: that each tenant gets what its configuration says."""

from pathlib import Path
from typing import Any

import pytest

from stasisd.config import load, settings
from stasisd.config.values import Address
from stasisd.core.egress import Egress
from stasisd.daemon import Daemon, of_plaintext
from stasisd.operations.authentication import Shown
from stasisd.tenants.keeping import ensure_secrets
from tests.support.passwords import HASHES, PASSWORD

LOCAL, OPEN = '["127.0.0.1:0", "[::1]:0"]', '["127.0.0.1:0", "0.0.0.0:0"]'


def made(folder: Path, file: Path | None = None) -> Daemon:
    configuration = load(file, {"STATE_DIRECTORY": str(folder / "state")})
    kept, are_new = ensure_secrets(configuration)
    assert are_new
    return Daemon(configuration, kept)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.chdir(tmp_path)
    return made(tmp_path)


async def test_a_tenant_has_its_dialplan_and_that_ones_globals(daemon: Daemon) -> None:
    tenant = daemon.tenants["default"]
    assert tenant.router.exists("default", "1000", 1)
    assert tenant.globals["RINGTIME"] == "30"


async def test_a_tenant_has_our_prompts(daemon: Daemon) -> None:
    assert daemon.tenants["default"].sounds.find("hello-world", "en") is not None


async def test_a_tenant_has_a_key_of_its_own(daemon: Daemon) -> None:
    assert daemon.keyring.newest("default") is not None


@pytest.mark.parametrize(
    ("bind", "more", "media", "fetches"),
    [
        (LOCAL, "", "127.0.0.1 ::1", ""),
        (OPEN, "", "", ""),
        (LOCAL, "[tenants.default]\n[tenants.other]\ndomains = ['o.example']", "", ""),
        (LOCAL, "[tenants.default.egress]\nallowed_networks = []", "", ""),
        (
            OPEN,
            '[tenants.default.egress]\nallowed_networks = ["10.0.0.0/8"]',
            "10.0.0.1",
            "10.0.0.1",
        ),
        (
            OPEN,
            '[tenants.default.remote_media]\nallowed_networks = ["10.0.0.0/8"]',
            "",
            "10.0.0.1",
        ),
    ],
)
async def test_where_programs_may_make_it_connect_to(
    bind: str, more: str, media: str, fetches: str, tmp_path: Path
) -> None:
    file = tmp_path / "stasisd.toml"
    file.write_text(f"[http]\nbind = {bind}\n{more}\n")
    tenant = made(tmp_path, file).tenants["default"]
    fetching = Egress(tenant.settings.remote.allowed_networks)
    for address in ("127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"):
        assert tenant.media_egress.permits(address) == (address in media.split()), address
        assert fetching.permits(address) == (address in fetches.split()), address


async def test_a_user_is_known_by_the_hash_of_a_password(tmp_path: Path) -> None:
    file = tmp_path / "stasisd.toml"
    file.write_text(f"[tenants.default.users.ada]\npassword_hash = '{HASHES[0]}'\n")
    configuration = load(file, {"STATE_DIRECTORY": str(tmp_path / "state")})
    kept, _ = ensure_secrets(configuration)
    assert kept.users["default"] == {}
    door = Daemon(configuration, kept).authenticator
    assert (await door.log_in(Shown(PASSWORD, "ada"), "")).tenant == "default"


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, False),
        ({"bind": (Address("0.0.0.0", 80),)}, True),
        ({"bind": (Address("::", 80), Address("::1", 80))}, True),
        ({"bind": (Address("::1", 80), Address("127.9.9.9", 80))}, False),
        ({"bind": (Address("0.0.0.0", 80),), "allow_plaintext": True}, False),
        ({"bind": (Address("0.0.0.0", 80),), "certificate": Path("tls.pem")}, False),
    ],
)
def test_it_says_at_the_start_what_will_be_refused(given: dict[str, Any], warned: bool) -> None:
    assert ("http.allow_plaintext = true" in of_plaintext(settings.Http(**given))) == warned
