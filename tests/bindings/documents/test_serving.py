"""The documents as clients get them: by name, for the host at which they asked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.bindings.documents import SwaggerDocuments
from stasisd.operations import OPERATIONS

SERVED = SwaggerDocuments(OPERATIONS.values(), host="127.0.0.1:8088")


def base_path(document: bytes | None) -> Any:
    assert document is not None
    return msgspec.json.decode(document)["basePath"]


@pytest.mark.parametrize(
    "host",
    ["pbx", "pbx.example.com:8088", "10.0.0.1", "10.0.0.1:80", "[::1]:8088", "[fe80::1]"],
)
def test_clients_are_sent_back_to_the_host_they_asked(host: str) -> None:
    assert base_path(SERVED("channels.json", host)) == f"http://{host}/ari"
    assert base_path(SERVED("resources.json", host)) == f"http://{host}/ari"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "a/b",
        'a","x":"',
        "a\\",
        "user@host",
        "host:",
        "host:123456",
        "host:http",
        "::1",
        "[::1",
        "a, b",
        "h\u00f6st",
        "host\n",
        "h" * 256,
    ],
)
def test_what_is_no_host_is_not_repeated(host: str) -> None:
    assert base_path(SERVED("channels.json", host)) == "http://127.0.0.1:8088/ari"


@given(st.text())
def test_no_host_breaks_a_document(host: str) -> None:
    assert base_path(SERVED("sounds.json", host)) in {
        f"http://{host}/ari",
        "http://127.0.0.1:8088/ari",
    }


def test_scheme_and_prefix_are_those_of_the_listener() -> None:
    served = SwaggerDocuments(OPERATIONS.values(), host="pbx", scheme="https", prefix="api")
    assert base_path(served("sounds.json", "")) == "https://pbx/api"


@pytest.mark.parametrize("name", ["", "resources", "channels", "resources.xml", "../channels.json"])
def test_there_is_no_other_document(name: str) -> None:
    assert SERVED(name, "pbx") is None


def test_a_request_costs_no_encoding() -> None:
    ours, theirs = SERVED("events.json", "a"), SERVED("events.json", "b")
    assert ours is not None
    assert theirs == ours.replace(b"//a/", b"//b/")
