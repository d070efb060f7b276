"""Where the file, the state folder, and what the file names are found."""

from pathlib import Path

import pytest

from stasisd.config import Configuration, ConfigurationError, Settings, load
from stasisd.config.files import BUILT_IN, PLACES, state_folder
from tests.config.support import written


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_named_file_comes_first(elsewhere: Path) -> None:
    (elsewhere / "conf").mkdir()
    (elsewhere / "conf" / "stasisd.toml").write_text('sip.realm = "near"')
    named = written(elsewhere, 'sip.realm = "named"')
    assert load(named).settings.sip.realm == "named"
    assert load().settings.sip.realm == "near"
    assert load().source == elsewhere / "conf" / "stasisd.toml"


def test_then_the_system_s_then_the_built_in(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = elsewhere / "etc" / "stasisd.toml"
    monkeypatch.setattr("stasisd.config.files.PLACES", (PLACES[0], system))
    assert load().settings == Settings()
    assert load().source is None
    system.parent.mkdir()
    system.write_text('sip.realm = "system"')
    assert load().settings.sip.realm == "system"
    assert (Path("conf/stasisd.toml"), Path("/etc/stasisd/stasisd.toml")) == PLACES


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"STATE_DIRECTORY": "/var/lib/stasisd", "XDG_STATE_HOME": "/x"}, "/var/lib/stasisd"),
        ({"STATE_DIRECTORY": "/var/lib/stasisd:/var/lib/more"}, "/var/lib/stasisd"),
        ({"STATE_DIRECTORY": "", "XDG_STATE_HOME": "/x"}, "/x/stasisd"),
        ({"XDG_STATE_HOME": "relative"}, "/home/ada/.local/state/stasisd"),
        ({}, "/home/ada/.local/state/stasisd"),
    ],
)
def test_the_state_folder(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert state_folder(environment) == Path(expected)


def test_relative_paths(elsewhere: Path) -> None:
    text = '[tenants.default]\nrecordings = "calls"\nsounds = ["/s", "prompts"]\n'
    configuration = load(written(elsewhere, text), {"STATE_DIRECTORY": "/state"})
    tenant = configuration.settings.tenants["default"]
    assert configuration.recordings("default", tenant) == Path("/state/calls")
    assert configuration.sounds(tenant) == [Path("/s"), Path("/state/prompts")]


def test_the_dialplan_is_beside_the_configuration_or_built_in(elsewhere: Path) -> None:
    path = written(elsewhere, "")
    assert dialplan(load(path)) == BUILT_IN / "extensions.conf"
    (elsewhere / "extensions.conf").write_text("")
    assert dialplan(load(path)) == elsewhere / "extensions.conf"
    assert dialplan(load()) == BUILT_IN / "extensions.conf"


def test_a_dialplan_that_is_named_must_exist(elsewhere: Path) -> None:
    path = written(elsewhere, '\n[tenants.default]\ndialplan = "mine.conf"')
    expected = rf"{path}:3: key 'tenants.default.dialplan': expected a file, got .*mine\.conf"
    with pytest.raises(ConfigurationError, match=expected):
        load(path)
    (elsewhere / "mine.conf").write_text("")
    assert dialplan(load(path)) == elsewhere / "mine.conf"


def dialplan(configuration: Configuration) -> Path:
    return configuration.dialplan("default", configuration.settings.tenants["default"])
