"""stasisctl asks a daemon that runs, over a socket for its user alone, through the same gate."""

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner, Result

from caps.token import Token
from stasisd.__main__ import main as stasisd
from stasisd.bindings.control import SOCKET, CannotControlError, listening
from stasisd.commands.control import main as stasisctl
from stasisd.config import load
from stasisd.daemon import Daemon
from stasisd.tenants.keeping import ensure_secrets

CONFIGURATION = """
[http]
bind = ["127.0.0.1:0"]
[sip]
bind = "127.0.0.1:0"
[media]
bind = "127.0.0.1"
rtp_ports = "34000-34999"
[shutdown]
drain_seconds = 0.1
"""


@pytest.fixture
async def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """The state folder of a daemon that runs. Its path is longer than a socket's may be."""
    folder = tmp_path / ("long" * 30) / "state"
    monkeypatch.setenv("STATE_DIRECTORY", str(folder))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "stasisd.toml").write_text(CONFIGURATION)
    configuration = load(None)
    daemon = Daemon(configuration, ensure_secrets(configuration)[0])
    async with trio.open_nursery() as nursery:
        await nursery.start(daemon.run)
        yield folder
        daemon.stop()
    assert not (folder / SOCKET).exists()


async def ask(*arguments: str, said: str | None = None, of: Any = stasisctl) -> Result:
    def run() -> Result:
        return CliRunner().invoke(of, arguments, input=said)

    with trio.fail_after(20):
        return await trio.to_thread.run_sync(run)


async def ok(*arguments: str, **options: Any) -> str:
    result = await ask(*arguments, **options)
    assert result.exit_code == 0, result.output
    return result.output


async def test_the_socket_is_for_its_user_alone(state: Path) -> None:
    assert stat.S_IMODE((state / SOCKET).stat().st_mode) == 0o600
    with (
        pytest.raises(CannotControlError, match="another daemon of this state folder runs"),
        listening(state / SOCKET),
    ):
        pass
    assert "default" in await ok("tenant", "list")


async def test_a_tenants_life(state: Path, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text('domains = ["acme.example"]\n[users.app]\n')
    made = await ok("tenant", "add", "acme", "--settings", "acme.toml")
    assert '"app"' in made
    assert "acme                 running    acme.example" in await ok("tenant", "list")
    await ok("tenant", "suspend", "acme")
    assert "acme                 suspended" in await ok("tenant", "list")
    await ok("tenant", "resume", "acme")
    await ok("tenant", "remove", "acme")
    assert "acme" not in await ok("tenant", "list")
    refused = await ask("tenant", "suspend", "acme")
    assert (refused.exit_code, refused.output) == (1, "Error: Tenant not found\n")


async def test_a_token_is_revoked_by_itself_or_its_id(state: Path) -> None:
    tokens = [(await ok("token", "mint", of=stasisd)).strip() for _ in range(3)]
    await ok("token", "revoke", tokens[0])
    await ok("token", "revoke", "-", said=tokens[1])
    await ok("token", "revoke", Token.decode(tokens[2]).token_id)
    for token in tokens:
        assert "revoked" in (await ask("token", "verify", token, of=stasisd)).output
    await ok("token", "revoke", "-pAnId", "--tenant", "default")
    assert (await ask("token", "revoke", "a/b")).exit_code == 1


async def test_a_users_tokens_are_revoked(state: Path) -> None:
    token = (await ok("token", "mint", "--user", "zoe", of=stasisd)).strip()
    await ok("token", "revoke-user", "zoe")
    assert "revoked" in (await ask("token", "verify", token, of=stasisd)).output


async def test_keys_are_rotated_and_ended(state: Path) -> None:
    token = (await ok("token", "mint", of=stasisd)).strip()
    await ok("key", "rotate", "--overlap", "1h")
    assert (await ok("token", "verify", token, of=stasisd)).startswith("good")
    assert '"signs": true' in await ok("key", "list")
    await ok("key", "end", Token.decode(token).identifier.key_id)
    assert (await ask("token", "verify", token, of=stasisd)).exit_code == 1


async def test_any_operation_is_asked_for_and_stands_in_the_tenants_log(state: Path) -> None:
    assert await ok("request", "POST", "/bridges", "bridgeId=b", "name=lobby")
    assert '"name": "lobby"' in await ok("request", "get", "/bridges/b")
    refused = await ask("request", "GET", "/bridges/c")
    assert refused.output == "Error: Bridge not found\n"
    page = json.loads(await ok("request", "GET", "/audit", "limit=3"))
    entries = [record["entry"] for record in page["records"]]
    asked = ["bridges.create", "bridges.get", "bridges.get"]
    assert [entry["operation"] for entry in entries] == asked


async def test_there_is_no_such_tenant(state: Path) -> None:
    refused = await ask("key", "list", "--tenant", "nobody")
    assert refused.exit_code == 1
    assert "tenant" in refused.output


def test_without_a_daemon_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    no_key = CliRunner().invoke(stasisctl, ["tenant", "list"])
    assert "start stasisd once" in no_key.output
    ensure_secrets(load(None))
    nobody = CliRunner().invoke(stasisctl, ["tenant", "list"])
    assert (nobody.exit_code, "no daemon listens at" in nobody.output) == (1, True)


def test_what_a_killed_daemon_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / SOCKET
    with listening(path):
        left = tmp_path / "left"
        path.rename(left)
    left.rename(path)
    with listening(path):
        assert path.is_socket()
