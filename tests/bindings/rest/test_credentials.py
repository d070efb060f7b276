"""What a request shows of who asks: any header is read, or shows nothing."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.bindings.rest.credentials import shown_by
from stasisd.bindings.rest.exchange import build_request
from stasisd.operations.authentication import Shown


def shown(header: str | None = None, target: str = "/ari/channels") -> Shown | None:
    headers = {} if header is None else {"authorization": header}
    return shown_by(build_request("GET", target.encode(), headers, b"", ("", 0), secure=True))


@given(st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"])), st.text())
def test_basic(name: str, password: str) -> None:
    password = password.encode(errors="replace").decode()
    text = base64.b64encode(f"{name}:{password}".encode()).decode()
    for scheme in ("Basic", "basic", "BASIC "):
        assert shown(f"{scheme} {text}") == Shown(password, name)


@given(st.text())
def test_bearer(token: str) -> None:
    assert shown(f"Bearer {token}") == Shown(token.strip())


@given(st.text(), st.sampled_from(["", "Basic ", "Bearer", "Digest ", "Negotiate "]))
def test_any_header_is_read_or_shows_nothing(text: str, scheme: str) -> None:
    found = shown(scheme + text, "/ari/channels?api_key=u:p")
    assert found is None or found != Shown("p", "u"), "the query does not count beside a header"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", None),
        ("?key=u:p", None),
        ("?api_key=u:p", Shown("p", "u")),
        ("?api_key=u%3Ap:q&api_key=x:y", Shown("p:q", "u")),
        ("?api_key=token", Shown("token")),
        ("?api_key=", Shown("")),
    ],
)
def test_a_key(query: str, expected: Shown | None) -> None:
    assert shown(None, f"/ari/channels{query}") == expected
