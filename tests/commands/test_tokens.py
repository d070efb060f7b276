"""The commands on tokens: what they make, the daemon takes, and what they say of a token is so."""

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from caps import verify
from caps.caveats import (
    READ_ONLY,
    Applications,
    Contexts,
    Endpoints,
    Events,
    Expires,
    Networks,
    Objects,
    Operations,
    Tenant,
)
from caps.token import Token
from stasisd.__main__ import main
from stasisd.commands.ring import read_ring
from stasisd.config import load
from stasisd.operations.tenure import Tenures
from stasisd.store import DATABASE
from stasisd.store.database import open_database
from stasisd.tenants.keys import TenantKeys


def run(*arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=said)


def made(*arguments: str, said: str | None = None) -> str:
    result = run("token", *arguments, said=said)
    assert result.exit_code == 0, result.output
    return result.output.strip()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder in which stasisd was started once."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert run("credentials").exit_code == 0
    return tmp_path / "state"


def test_a_token_is_made_with_all_its_limits() -> None:
    text = made(
        "mint", "--user", "zoe", "--read-only", "--operation", "channels.*", "--operation",
        "bridges.get", "--application", "ivr", "--object", "channel:1*", "--endpoint", "@support",
        "--context", "sales", "--event", "ChannelCreated", "--from", "192.0.2.0/24", "--not-from",
        "192.0.2.8/29", "--expires", "2h",
    )  # fmt: skip
    grant = verify(text, read_ring(load(None)), time.time())
    assert (grant.tenant, grant.user) == ("default", "zoe")
    assert grant.issued == pytest.approx(time.time(), abs=60)
    *others, expires = grant.caveats
    assert others == [
        Tenant("default"),
        READ_ONLY,
        Operations(("channels.*", "bridges.get")),
        Applications(("ivr",)),
        Objects(("channel:1*",)),
        Endpoints(("@support",)),
        Contexts(("sales",)),
        Events(("ChannelCreated",)),
        Networks(("192.0.2.0/24",), ("192.0.2.8/29",)),
    ]
    assert isinstance(expires, Expires)
    assert expires.at == pytest.approx(time.time() + 7200, abs=60)


def test_a_token_is_narrowed_and_stays_the_same_token() -> None:
    text = made("mint")
    weaker = made("attenuate", text, "--read-only", "--expires", "2126-12-24T18:00")
    from_input = made("attenuate", "-", "--read-only", "--expires", "2126-12-24T18:00", said=text)
    assert weaker == from_input
    token = Token.decode(weaker)
    assert token.token_id == Token.decode(text).token_id
    assert token.caveats == (Tenant("default"), READ_ONLY, Expires(4953808800.0))
    assert run("token", "verify", weaker).output.startswith(
        "good: tenant default, until 2126-12-24 18:00:00 UTC"
    )


def test_what_is_written_is_shown_and_the_signature_is_not() -> None:
    text = made("mint", "--user", "zoe", "--read-only", "--expires", "2126-12-24T18:00")
    shown = made("inspect", text)
    token = Token.decode(text)
    for line in (
        f"key      {token.identifier.key_id}",
        f"token    {token.token_id}",
        "user     zoe, since 20",
        'caveat   ["tenant","default"]',
        'caveat   ["rights",["read"]]',
        'caveat   ["expires",4953808800.0]  (2126-12-24 18:00:00 UTC)',
    ):
        assert line in shown
    assert text[-20:] not in shown


def test_what_is_wrong_with_a_token_is_told_in_one_line() -> None:
    expired = made("mint", "--expires", "2020-01-01T00:00")
    for text, said in ((expired, "outside its time"), ("stasis1_AAAA", ""), ("nonsense", "")):
        result = run("token", "verify", text)
        assert result.exit_code == 1
        assert "Error: refused: " in result.output
        assert said in result.output
    assert run("token", "inspect", "nonsense").output == "Error: this is no token\n"
    forged = run("token", "verify", made("mint")[:-8] + "AAAAAAAA")
    assert forged.exit_code == 1


async def test_what_was_revoked_and_rotated_is_known_beside_the_daemon(state: Path) -> None:
    ring = read_ring(load(None))
    old, revoked = made("mint"), made("mint")
    async with open_database(state / DATABASE) as database:
        keys = TenantKeys("default", Tenures(ring, time.time))
        await keys.keep_in(database)
        keys.revoke_token(Token.decode(revoked).token_id, time.time())
        new = keys.rotate(time.time(), time.time() + 60)
        await keys.saved()
    assert "revoked" in run("token", "verify", revoked).output
    assert run("token", "verify", old).output.startswith("good")
    assert Token.decode(made("mint")).identifier.key_id == new.id


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mint", "--expires", "soon"), "neither a span such as 2h"),
        (("mint", "--from", "192.0.2.1/24"), "has host bits set"),
        (("mint", "--right", "write"), "'write' is not one of"),
        (("mint", "--tenant", "nobody"), "there is no key of the tenant nobody"),
        (("attenuate", "x"), "this is no token"),
        (("mint", *(["--operation", "x" * 3000] * 2)), "a token has at most 4096 characters"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], said: str) -> None:
    result = run("token", *arguments)
    assert result.exit_code in {1, 2}
    assert said in result.output
    assert "Traceback" not in result.output


# --- explain


def explained(text: str, method: str, path: str) -> tuple[int, str]:
    result = run("explain", text, method, path)
    return result.exit_code, result.output


def test_what_is_allowed() -> None:
    code, said = explained(made("mint"), "DELETE", "/ari/channels/17.2")
    assert (code, said) == (0, "channels.hangup, which takes the right to delete\nallow\n")


def test_by_which_caveat_it_is_denied() -> None:
    text = made("mint", "--read-only", "--application", "ivr")
    code, said = explained(text, "delete", "/channels/17.2?reason=busy")
    assert code == 1
    assert said.splitlines()[1:] == [
        'deny: the token gives no right to delete  ["rights",["read"]]'
    ]


def test_what_only_the_daemon_knows_is_listed() -> None:
    text = made("mint", "--application", "ivr", "--from", "10.0.0.0/8")
    code, said = explained(text, "GET", "/ari/channels/17.2")
    assert code == 0
    assert said.splitlines()[1:] == [
        'depends: on what the daemon knows of the object  ["applications",["ivr"]]',
        'depends: on where the request comes from  ["networks",["10.0.0.0/8"],[]]',
    ]


def test_objects_are_known_by_their_names() -> None:
    text = made("mint", "--object", "channel:17*")
    assert explained(text, "GET", "/ari/channels/17.2")[0] == 0
    code, said = explained(text, "GET", "/ari/channels/18.1")
    assert code == 1
    assert "deny: the token is for other objects" in said


def test_a_token_that_is_not_good_and_a_path_that_leads_nowhere() -> None:
    assert explained("nonsense", "GET", "/ari/channels")[1].startswith("deny: ")
    code, said = explained(made("mint"), "GET", "/ari/nothing")
    assert (code, said) == (1, "Error: there is no operation at GET /ari/nothing\n")
