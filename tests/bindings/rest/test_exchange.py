"""The pure parts: targets, headers, parameters, ranges, CORS, error bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.bindings.rest.answers import html_answer
from stasisd.bindings.rest.cors import EXPOSED, cors_headers
from stasisd.bindings.rest.exchange import HttpRequest, HttpResponse, build_request, split_target
from stasisd.bindings.rest.ranges import Part, Unsatisfiable, if_range_holds, select, validators


def request(
    target: str = "/", headers: Mapping[str, str] | None = None, body: bytes = b"", method: str = ""
) -> HttpRequest:
    raw = target.encode("latin-1")
    return build_request(method or "POST", raw, headers or {}, body, ("h", 1), secure=False)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", ("",)),
        ("/ari/channels/", ("ari", "channels", "")),
        ("/a%2Fb/%C3%A9", ("a/b", "é")),
        ("/%ff", ("\ufffd",)),
        ("http://h/a?b", ("a",)),
        ("http://h", ("",)),
        ("http://[::1/a", ("",)),
        ("*", ()),
    ],
)
def test_path_is_split_before_it_is_decoded(target: str, path: tuple[str, ...]) -> None:
    assert split_target(target)[0] == path


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_segment_survives_the_path(segments: list[str]) -> None:
    target = "/" + "/".join(quote(segment, safe="") for segment in segments)
    assert split_target(target)[0] == tuple(segments)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_any_target_is_taken(target: str) -> None:
    split_target(target)


@given(st.binary(max_size=60), st.data())
def test_a_selected_part_lies_inside(content: bytes, data: st.DataObject) -> None:
    numbers = st.integers(0, 80).map(str) | st.just("")
    header = f"bytes={data.draw(numbers)}-{data.draw(numbers)}"
    part = select(header, len(content))
    if isinstance(part, Part):
        assert part.length > 0
        assert len(content[part.offset : part.offset + part.length]) == part.length


@given(st.text())
def test_any_range_header_is_taken(header: str) -> None:
    select(header, 100)


def test_ranges_of_an_empty_file() -> None:
    assert select("bytes=0-", 0) == Unsatisfiable()
    assert select("bytes=-1", 0) == Unsatisfiable()


def test_date_that_may_still_change_does_not_match() -> None:
    fresh, old = validators(1, 1000.5, 1001.0), validators(1, 1000.5, 1002.0)
    assert not if_range_holds(fresh.last_modified, fresh)
    assert if_range_holds(old.last_modified, old)


ALLOW = HttpResponse(204, ((b"allow", b"OPTIONS,GET,POST"),))


def cors(headers: dict[str, str], allowed: tuple[str, ...] = ("http://good",)) -> dict[str, str]:
    found: Any = cors_headers(request("/", headers, method="OPTIONS"), ALLOW, allowed)
    return {name.decode(): value.decode() for name, value in found}


def test_preflight_is_granted_what_the_resource_allows() -> None:
    asked = {"origin": "http://good", "access-control-request-method": "POST"}
    assert cors(asked) == {
        "access-control-allow-origin": "http://good",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": EXPOSED.decode(),
        "vary": "origin",
        "access-control-allow-methods": "OPTIONS,GET,POST",
    }
    asked["access-control-request-headers"] = "x-a"
    assert cors(asked)["access-control-allow-headers"] == "x-a"
    asked["access-control-request-method"] = "PUT"
    assert "access-control-allow-methods" not in cors(asked)


def test_other_origins_get_nothing() -> None:
    assert cors({}) == {}
    assert cors({"origin": "http://bad"}) == {}
    assert cors({"origin": "http://bad"}, ("*",))["access-control-allow-origin"] == "http://bad"


def test_html_page_is_the_recorded_one() -> None:
    answer = html_answer(426, "", "Asterisk/GIT-master-f0c1c1a7b7")
    assert answer.body == (
        b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\r\n<html><head>\r\n'
        b"<title>426 Upgrade Required</title>\r\n</head><body>\r\n<h1>Upgrade Required</h1>\r\n"
        b"<p></p>\r\n<hr />\r\n<address>Asterisk/GIT-master-f0c1c1a7b7</address>\r\n"
        b"</body></html>\r\n"
    )
    assert answer.headers == (
        (b"content-type", b"text/html"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    )
