"""The bodies of answers that ARI clients know how to read, and the errors that become them."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from stasisd.bindings.ari.performing import Answer

from .exchange import Headers, HttpResponse

JSON = (b"content-type", b"application/json")
_HTML = (
    (b"content-type", b"text/html"),
    # It loads nothing, runs nothing and stands in no frame.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


def patience(answer: Answer) -> Headers:
    """How long to wait before the same is asked for again (RFC 9110 section 10.2.3)."""
    return () if answer.retry_after is None else ((b"retry-after", b"%d" % answer.retry_after),)


def json_answer(status: int, value: object, headers: Headers = ()) -> HttpResponse:
    """Answer with a JSON value."""
    return HttpResponse(status, (JSON, *headers), msgspec.json.encode(value))


def message_answer(status: int, message: str, headers: Headers = ()) -> HttpResponse:
    """Answer with `{"message": ...}`, as ARI explains its errors."""
    return json_answer(status, {"message": message}, headers)


def html_answer(status: int, text: str, server: str, headers: Headers = ()) -> HttpResponse:
    """Answer with the small page that ARI's HTTP server sends for what it refuses by itself."""
    phrase = HTTPStatus(status).phrase
    lines = (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">',
        "<html><head>",
        f"<title>{status} {phrase}</title>",
        "</head><body>",
        f"<h1>{phrase}</h1>",
        f"<p>{text}</p>",
        "<hr />",
        f"<address>{server}</address>",
        "</body></html>",
        "",
    )
    return HttpResponse(status, (*_HTML, *headers), "\r\n".join(lines).encode())


def reason(status: int) -> bytes:
    """Return the reason phrase of a status."""
    return _REASONS.get(status, b"")


class HttpError(Exception):
    """A declared error: it is answered with its status and message, and not logged."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers

    def answer(self) -> HttpResponse:
        """Return the response that says so."""
        return message_answer(self.status, self.message, self.headers)


class BodyTooLargeError(HttpError):
    """The body is longer than the server takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, "Request body too large")
        self.limit = limit


class BodyTooSlowError(HttpError):
    """The body did not arrive in time."""

    def __init__(self) -> None:
        super().__init__(408, "Request body did not arrive in time")
