"""What clients rely on stays; the check itself sees what is taken away or changed."""

import copy
from typing import Any

import pytest

from tests.compatibility.stability import broken, facts, load


def test_nothing_that_clients_rely_on_changed() -> None:
    found = broken(load(), facts())
    assert not found, "\n".join(
        [*found, "If this is meant: a new API version, and python -m tests.compatibility.stability"]
    )


NOW = facts()
HANGUP = "DELETE /channels/{channelId}"


def change(name: str, **fields: Any) -> dict[str, Any]:
    changed = copy.deepcopy(NOW)
    changed[name] = {**changed[name], **fields}
    return changed


@pytest.mark.parametrize(
    "name",
    [
        HANGUP,
        f"{HANGUP} query reason",
        f"{HANGUP} query reason may be busy",
        f"{HANGUP} answers 204",
        f"{HANGUP} answers 404",
        "model Channel",
        "model Channel.caller",
        "event StasisStart",
        "model Channel.state may be Up",
    ],
)
def test_what_is_removed_is_seen(name: str) -> None:
    now = {other: value for other, value in NOW.items() if other != name}
    assert broken(NOW, now) == [f"{name} is gone"]
    assert broken(now, NOW) == []  # additions are welcome


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("POST /channels/{channelId}/play query skipms", {"default": 5000}),
        ("POST /channels/{channelId}/play query skipms", {"type": "string"}),
        ("POST /channels/{channelId}/play query lang", {"required": True}),
        ("model Channel.name", {"type": "integer"}),
        ("model Channel.name", {"required": False}),
    ],
)
def test_what_is_changed_is_seen(name: str, fields: dict[str, Any]) -> None:
    (found,) = broken(NOW, change(name, **fields))
    assert found.startswith(f"{name} was ")


def test_a_new_demand_is_seen() -> None:
    name = "POST /channels/{channelId}/answer query why"
    demanding = {**NOW, name: {"type": "string", "required": True}}
    assert broken(NOW, demanding) == [f"{name} is required, and was not there"]
    assert broken(NOW, {**NOW, name: {"type": "string", "required": False}}) == []
    new = {**NOW, "POST /new": "new", "POST /new query why": {"required": True}}
    assert broken(NOW, new) == []
