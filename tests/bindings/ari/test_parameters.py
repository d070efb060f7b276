"""Raw parameters: the query, a form, a JSON object."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.bindings.ari.parameters import collect, misread, pairs
from stasisd.operations.errors import InvalidParameter

JSON = "application/json; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


def test_parameters_of_query_and_form_are_joined_in_order() -> None:
    gathered = collect(pairs("a=1&b=2"), FORM, b"a=3&c=x+y%26&d&a=4")
    assert gathered == {"a": ["1", "3", "4"], "b": "2", "c": "x y&", "d": ""}


def test_fields_of_json_keep_their_types_and_come_last() -> None:
    body = {"variables": {"A": "1"}, "timeout": 30, "app": None, "context": "json"}
    gathered = collect(pairs("app=x&context=query"), JSON, json.dumps(body).encode())
    assert gathered == {"app": "x", "context": "json", "variables": {"A": "1"}, "timeout": 30}


@pytest.mark.parametrize(
    ("kind", "body"), [("", b""), ("", b"whatever"), ("text/plain", b"whatever"), (JSON, b"")]
)
def test_no_body_and_unknown_bodies_are_no_parameters(kind: str, body: bytes) -> None:
    assert collect((), kind, body) == {}


@pytest.mark.parametrize(
    ("kind", "body", "remark"),
    [
        (
            "text/xml; charset=utf-8",
            b"<a/>",
            "the body was not read: its content type is 'text/xml'",
        ),
        ("", b"{}", "the body was not read: its content type is ''"),
        (FORM, b' {"a": 1}', "the body was read as a form"),
        (FORM, b"a=1", None),
        (JSON, b"{}", None),
        ("", b"", None),
    ],
)
def test_who_did_not_send_json_as_json_is_told(kind: str, body: bytes, remark: str | None) -> None:
    told = misread(kind, body)
    assert told is None if remark is None else told is not None and told.startswith(remark)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b'"x"'),
        (JSON, b'{"a": "\xff"}'),
        (JSON, b'{"a": "\\ud800"}'),
        (JSON, b'{"a":' * 100_000),
        (JSON, b'{"a": 1' + b"0" * 5000 + b"}"),
        (FORM, "a=é".encode()),
    ],
)
def test_body_that_is_not_what_it_says(kind: str, body: bytes) -> None:
    with pytest.raises(InvalidParameter) as raised:
        collect((), kind, body)
    assert raised.value.message == "Error parsing request body"
    assert raised.value.detail


@given(st.binary(), st.sampled_from([JSON, FORM]))
def test_any_body_is_taken_or_declared_bad(body: bytes, kind: str) -> None:
    try:
        gathered = collect((), kind, body)
    except InvalidParameter:
        return
    json.dumps(gathered).encode()
