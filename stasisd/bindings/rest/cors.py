"""Cross-Origin Resource Sharing for the origins that the configuration names. Pure."""

from __future__ import annotations

from collections.abc import Collection

from .exchange import Headers, HttpRequest, HttpResponse

# What a page may read of an answer, besides what it always may.
EXPOSED = b"location,x-request-id,x-event-sequence,idempotency-replayed"


def cors_headers(request: HttpRequest, response: HttpResponse, allowed: Collection[str]) -> Headers:
    """Return the headers that let the browser page of an allowed origin read this response.

    `allowed` holds origins, or `*` for any. A preflight (OPTIONS that names a method) is granted
    the methods of the response's own Allow header, if the one it asks for is among them.
    """
    origin = request.headers.get("origin")
    if origin is None or not ({origin, "*"} & set(allowed)):
        return ()
    granted = (
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", EXPOSED),
        (b"vary", b"origin"),
    )
    if request.method == "OPTIONS":
        return granted + _preflight(request, response)
    return granted


def _preflight(request: HttpRequest, response: HttpResponse) -> Headers:
    allow = next((value for name, value in response.headers if name == b"allow"), b"")
    wanted = request.headers.get("access-control-request-method", "").encode("latin-1")
    if not wanted or wanted not in allow.split(b","):
        return ()
    headers: Headers = ((b"access-control-allow-methods", allow),)
    asked = request.headers.get("access-control-request-headers")
    if asked is not None:
        headers += ((b"access-control-allow-headers", asked.encode("latin-1")),)
    return headers
