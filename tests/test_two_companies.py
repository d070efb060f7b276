"""Two companies on one daemon, as docs/how-to/host-two-companies.md has them."""

from pathlib import Path

import pytest

from stasisd.config import Configuration, ConfigurationError, load
from stasisd.daemon import Daemon
from stasisd.operations.authentication import OPERATORS, Authenticator, Shown
from stasisd.operations.errors import NotAuthenticated
from stasisd.tenants import making
from stasisd.tenants.keeping import ensure_secrets
from tests.docs.pages import DOCS
from tests.docs.test_text import FENCE

PAGE = DOCS / "how-to" / "host-two-companies.md"


def configured(folder: Path, text: str) -> Configuration:
    file = folder / "stasisd.toml"
    file.write_text(text)
    return load(file, {"STATE_DIRECTORY": str(folder / "state")})


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    text, *_ = (text for kind, text in FENCE.findall(PAGE.read_text()) if kind == "toml")
    return configured(tmp_path, text)


@pytest.fixture
def daemon(configuration: Configuration) -> Daemon:
    return Daemon(configuration, ensure_secrets(configuration)[0])


def test_each_has_folders_of_its_own(daemon: Daemon) -> None:
    acme, globex = (daemon.tenants[name].settings for name in ("acme", "globex"))
    for mine, theirs in (
        (acme.recordings, globex.recordings),
        (acme.logs, globex.logs),
        (acme.remote.folder, globex.remote.folder),
    ):
        assert not mine.is_relative_to(theirs)
        assert not theirs.is_relative_to(mine)


def test_a_tenant_alone_keeps_the_folders_it_always_had(tmp_path: Path) -> None:
    configuration = configured(tmp_path, "[tenants.default]")
    tenant = configuration.settings.tenants["default"]
    assert configuration.recordings("default", tenant) == tmp_path / "state" / "recordings"


def test_each_has_a_dialplan_of_its_own(configuration: Configuration, tmp_path: Path) -> None:
    for name in ("acme", "globex"):
        (tmp_path / f"extensions-{name}.conf").write_text(
            f"[default]\nexten => {name},1,Answer()\n"
        )
    daemon = Daemon(configuration, ensure_secrets(configuration)[0])
    known = {
        name: [each for each in ("acme", "globex") if tenant.router.exists("default", each, 1)]
        for name, tenant in daemon.tenants.items()
    }
    assert known == {"acme": ["acme"], "globex": ["globex"]}


def test_each_has_keys_and_passwords_of_its_own(configuration: Configuration) -> None:
    kept, _ = ensure_secrets(configuration)
    assert kept.users["acme"]["app"] != kept.users["globex"]["app"]
    assert kept.endpoints["acme"]["100"] != kept.endpoints["globex"]["100"]
    assert {key.tenant for key in kept.root_keys} == {"acme", "globex", OPERATORS}


@pytest.mark.parametrize(
    ("login", "whose", "tenant"),
    [
        ("app@acme", "acme", "acme"),
        ("app@globex", "globex", "globex"),
        ("app", "acme", "acme"),
        ("app", "globex", None),
        ("app@acme", "globex", None),
        ("app@initech", "acme", None),
    ],
)
async def test_a_login_names_its_tenant(
    configuration: Configuration, login: str, whose: str, tenant: str | None
) -> None:
    kept, _ = ensure_secrets(configuration)
    tenants = configuration.settings.tenants
    users = [user for name, given in tenants.items() for user in making.users(name, given, kept)]
    keyring = Daemon(configuration, kept).keyring
    authenticator = Authenticator(users, keyring, lambda: 0.0)
    shown = Shown(kept.users[whose]["app"], login)
    if tenant is None:
        with pytest.raises(NotAuthenticated):
            await authenticator.log_in(shown, "")
    else:
        assert (await authenticator.log_in(shown, "")).tenant == tenant


def test_tenants_with_the_same_sounds_share_their_index(daemon: Daemon) -> None:
    assert daemon.tenants["acme"].sounds is daemon.tenants["globex"].sounds


@pytest.mark.parametrize("folder", ["calls", "calls/../calls", "calls/of/globex", "."])
def test_recordings_are_never_shared(tmp_path: Path, folder: str) -> None:
    text = (
        '[tenants.acme]\nrecordings = "calls"\n'
        f'[tenants.globex]\ndomains = ["globex.example"]\nrecordings = "{folder}"\n'
    )
    with pytest.raises(ConfigurationError, match="a folder of its own, got one shared with 'acme'"):
        configured(tmp_path, text)
