"""The file of secrets: made once, private, replaced in one step, and never shown."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.store.errors import InsecureFile, Unusable
from stasisd.store.secrets import Secrets, StoredKey, complete, ensure, load, save

USERS = {"default": ["stasis"]}
ENDPOINTS = {"default": ["100", "101"]}


def counting() -> Callable[[int], bytes]:
    """Bytes that differ from call to call, without chance."""
    calls = iter(range(256))
    return lambda length: bytes([next(calls)]) * length


def test_the_first_start_makes_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secrets.json"
    assert load(path) is None
    made, new = ensure(path, USERS, ENDPOINTS, counting())
    assert new
    assert made.users == {"default": {"stasis": "c" * 20}}
    assert made.endpoints == {"default": {"100": "d" * 20, "101": "e" * 20}}
    assert made.root_keys == (StoredKey("aaaaaaaa", "default", b"\1" * 32),)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_the_next_start_finds_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made, _ = ensure(path, USERS, ENDPOINTS)
    before = path.stat()
    assert ensure(path, USERS, ENDPOINTS) == (made, False)
    assert path.stat().st_ino == before.st_ino


def test_what_is_configured_later_is_added_and_nothing_lost(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first, _ = ensure(path, USERS, ENDPOINTS)
    second, new = ensure(path, {"default": ["other"], "acme": []}, {})
    assert new
    assert second.users["default"]["stasis"] == first.users["default"]["stasis"]
    assert second.endpoints == first.endpoints
    assert [key.tenant for key in second.root_keys] == ["default", "acme"]
    assert load(path) == second


def test_passwords_are_chosen_by_chance(tmp_path: Path) -> None:
    made, _ = ensure(tmp_path / "secrets.json", USERS, ENDPOINTS)
    passwords = [*made.users["default"].values(), *made.endpoints["default"].values()]
    assert len(set(passwords)) == 3
    assert {len(password) for password in passwords} == {20}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secrets.json"
    ensure(path, USERS, ENDPOINTS)
    path.chmod(mode)
    with pytest.raises(InsecureFile, match=f"mode 0{mode:o}.*chmod 600 {path}"):
        load(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"version": 1, "users": 5}',
        '{"version": 1, "surprise": {}}',
        "\0",
        "{" * 99,
    ],
)
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(Unusable, match="is not a file of secrets"):
        ensure(path, USERS, ENDPOINTS)
    assert path.read_text() == text


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text('{"version": 2, "vault": "x"}')
    path.chmod(0o600)
    with pytest.raises(Unusable, match="a later stasisd wrote it"):
        load(path)


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match="can't be read"):
        load(tmp_path / "file" / "secrets.json")
    with pytest.raises(Unusable, match="can't be written"):
        save(tmp_path / "file" / "secrets.json", Secrets())


def test_a_crash_while_saving_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets.json"
    kept, _ = ensure(path, USERS, ENDPOINTS)

    def crash(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", crash)
        with pytest.raises(Unusable, match="No space left"):
            ensure(path, {"acme": ["x"]}, {})
    assert load(path) == kept
    assert ensure(path, {"acme": ["x"]}, {})[1]


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    made, _ = ensure(tmp_path / "secrets.json", USERS, ENDPOINTS, counting())
    assert repr(made) == "<Secrets of 1 users, 2 endpoints, 1 keys>"
    assert repr(made.root_keys[0]) == "StoredKey(id='aaaaaaaa', tenant='default')"


names = st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3), max_size=3)


@given(names, names)
def test_completing_twice_changes_nothing(
    users: dict[str, list[str]], endpoints: dict[str, list[str]]
) -> None:
    once = complete(Secrets(), users, endpoints)
    assert complete(once, users, endpoints) == once
    assert {key.tenant for key in once.root_keys} == {*users, *endpoints}


def test_the_file_is_for_people_too(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    ensure(path, USERS, {}, counting())
    assert json.loads(path.read_text()) == {
        "version": 1,
        "users": {"default": {"stasis": "c" * 20}},
        "endpoints": {},
        "root_keys": [
            {
                "id": "aaaaaaaa",
                "tenant": "default",
                "secret": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
            }
        ],
    }
    assert path.read_text().count("\n") > 5
