"""The commands that need no running daemon."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from caps.keyring import Keyring, RootKey
from caps.verifying import verify
from stasisd import __version__
from stasisd.__main__ import main
from stasisd.credentials import passwords
from stasisd.store import SECRETS, secrets
from stasisd.store.audit import AuditFiles, Entry, files_in
from tests.support.passwords import HASHES


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_the_version_is_told() -> None:
    assert __version__ in run("--version").output


@pytest.mark.usefixtures("state")
def test_the_built_in_configuration_is_good() -> None:
    result = run("check-config")
    assert result.exit_code == 0
    assert "is good" in result.output


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("command", ["check-config", "serve", "credentials"])
def test_a_mistake_is_told_with_file_line_key_and_expectation(command: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("[http]\nprefix = 3\n")
    result = run(command, "--config", str(file))
    assert result.exit_code == 2
    assert f"{file}:2: key 'http.prefix': expected" in result.output


@pytest.mark.usefixtures("state")
def test_a_mistake_in_the_dialplan_is_one_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "extensions.conf").write_text("[default]\nexten => 1,1\n")
    file = tmp_path / "stasisd.toml"
    file.write_text("[tenants.default]\n")
    result = run("check-config", "--config", str(file))
    assert result.exit_code == 2
    assert "extensions.conf:2" in result.output


def test_passwords_are_made_once_and_kept_private(state: Path) -> None:
    first = run("credentials")
    assert first.exit_code == 0
    assert (state / SECRETS).stat().st_mode & 0o777 == 0o600
    passwords = [line.split()[-1] for line in first.output.splitlines() if "SIP phone" in line]
    assert len(set(passwords)) == 3
    again = run("credentials")
    assert [p for p in passwords if p not in again.output] == []


def test_the_token_shown_is_one_that_the_daemon_takes(state: Path) -> None:
    output = run("credentials").output
    token = next(line.split()[-1] for line in output.splitlines() if "ARI token" in line)
    kept = secrets.load(state / SECRETS)
    assert kept is not None
    keyring = Keyring(RootKey(key.id, key.tenant, key.secret) for key in kept.root_keys)
    assert verify(token, keyring, now=0.0).tenant == "default"


def test_passwords_of_operators_and_of_tenants_made_at_run_time(
    state: Path, tmp_path: Path
) -> None:
    secrets.ensure(state / SECRETS, {"initech": ["app"]}, {"initech": ["100"]})
    file = tmp_path / "stasisd.toml"
    file.write_text("[operators.root]\n")
    output = run("credentials", "--config", str(file)).output
    kept = secrets.load(state / SECRETS)
    assert kept is not None
    for password in (
        kept.users["operators"]["root"],
        kept.users["initech"]["app"],
        kept.endpoints["initech"]["100"],
    ):
        assert output.count(password) == 1
    assert "Tenant operators" not in output


def test_secrets_that_others_can_read_are_refused(state: Path) -> None:
    run("credentials")
    (state / SECRETS).chmod(0o644)
    result = run("credentials")
    assert result.exit_code == 1
    assert SECRETS in result.output
    assert "Traceback" not in result.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can stand in for another user")
def test_root_reads_and_writes_for_the_daemons_user(state: Path) -> None:
    state.mkdir(mode=0o700)
    os.chown(state, 4242, 4242)
    assert run("credentials").exit_code == 0
    assert (state / SECRETS).stat().st_uid == 4242
    assert run("credentials").exit_code == 0


def test_an_audit_log_is_verified(state: Path) -> None:
    folder = state / "audit" / "default"
    files = AuditFiles(folder, 1 << 20, 2)
    files.append([Entry(at=1.0, operation="channels.get", outcome="allow")] * 2)
    files.close()
    result = run("audit", "verify")
    assert result.exit_code == 0
    assert f"whole up to record 2, whose hash is {files.seal.hash}" in result.output
    [path] = files_in(folder)
    path.write_bytes(path.read_bytes().replace(b"allow", b"deny", 1))
    result = run("audit", "verify", "default")
    assert result.exit_code == 1
    assert f"{path}, line 2: the record before it is not the one" in result.output


@pytest.mark.usefixtures("state")
def test_there_is_no_audit_log_of_nobody() -> None:
    result = run("audit", "verify", "acme")
    assert result.exit_code == 1
    assert "there is no tenant acme" in result.output


def test_a_password_is_hashed_from_standard_input() -> None:
    result = CliRunner().invoke(main, ["hash-password"], input="pass word\n")
    assert result.exit_code == 0
    assert passwords.read(result.output.strip()).matches("pass word")
    assert "pass word" not in result.output
    assert CliRunner().invoke(main, ["hash-password"], input="\n").exit_code == 1
    assert CliRunner().invoke(main, ["hash-password", "pass word"]).exit_code == 2


@pytest.mark.usefixtures("state")
def test_no_password_is_made_where_a_hash_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "stasisd.toml"
    file.write_text(f"[tenants.default.users.ada]\npassword_hash = '{HASHES[0]}'\n")
    result = run("credentials", "--config", str(file))
    assert "(as configured)" in result.output
    assert HASHES[0] not in result.output


@pytest.mark.usefixtures("state")
def test_a_check_says_who_will_be_refused(tmp_path: Path) -> None:
    file = tmp_path / "stasisd.toml"
    file.write_text('[http]\nbind = ["0.0.0.0:8088"]\n')
    result = run("check-config", "--config", str(file))
    assert result.exit_code == 0
    assert "But requests of other machines to 0.0.0.0:8088 will be refused" in result.output
