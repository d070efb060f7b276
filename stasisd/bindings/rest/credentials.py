"""What a request shows of who asks: HTTP's Authorization header, or ARI's ``api_key``."""

from __future__ import annotations

import base64
import binascii

from stasisd.operations.authentication import Shown

from .exchange import HttpRequest


def shown_by(request: HttpRequest) -> Shown | None:
    """The password or token that a request shows, or None.

    A header that can't be read shows nothing, and neither does an ``api_key`` beside a header.
    """
    header = request.headers.get("authorization")
    if header is not None:
        return _in_header(header)
    for name, value in request.query:
        if name == "api_key":
            return Shown.in_key(value)
    return None


def shows_anything(request: HttpRequest) -> bool:
    """Whether a request tries to say who asks, in whatever way."""
    return "authorization" in request.headers or any(name == "api_key" for name, _ in request.query)


def _in_header(header: str) -> Shown | None:
    scheme, _, value = header.partition(" ")
    scheme = scheme.lower()
    if scheme == "basic":
        return _basic(value.strip())
    return Shown(value.strip()) if scheme == "bearer" else None


def _basic(value: str) -> Shown | None:
    """The name and password of RFC 7617."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):  # the second for what is not ASCII, or not UTF-8
        return None
    name, colon, password = text.partition(":")
    return Shown(password, name) if colon else None
