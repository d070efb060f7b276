"""What the hot path takes for a plain head, h11 reads the same; everything else it leaves to it."""

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stasisd.bindings.rest.exchange import fold_headers
from stasisd.bindings.rest.head import Head, read_head

GET = b"GET /ari/channels/1.2?a=b%20c HTTP/1.1\r\n"
HOST = b"Host: test\r\n"
END = b"\r\n"


def by_h11(data: bytes) -> Head | None:
    """The same head as h11 reads it, None where it finds a mistake or wants more."""
    connection = h11.Connection(h11.SERVER)
    try:
        connection.receive_data(data)
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.Request):
        return None
    headers = fold_headers(event.headers)
    length = int(headers.get("content-length", 0))
    return Head(event.method.decode(), event.target, headers, length)


def test_a_plain_head() -> None:
    head = read_head(GET + HOST + b"X-A:  1 \r\nx-a: 2\r\nContent-Length: 3\r\n" + END)
    assert head is not None
    assert (head.method, head.target) == ("GET", b"/ari/channels/1.2?a=b%20c")
    assert head.headers == {"host": "test", "x-a": "1, 2", "content-length": "3"}
    assert (head.length, head.closes, head.waits_for_continue) == (3, False, False)


@pytest.mark.parametrize(
    ("line", "closes", "waits"),
    [
        (b"Connection: keep-alive, Close\r\n", True, False),
        (b"Expect: 100-Continue\r\nContent-Length: 1\r\n", False, True),
    ],
)
def test_what_the_client_wants_of_the_connection(line: bytes, closes: bool, waits: bool) -> None:
    head = read_head(GET + HOST + line + END)
    assert head is not None
    assert (head.closes, head.waits_for_continue) == (closes, waits)


@pytest.mark.parametrize(
    "data",
    [
        END + END,
        GET + END,
        GET + HOST + HOST + END,
        GET + HOST,
        GET.replace(b"1.1", b"1.0") + HOST + END,
        GET.replace(b"1.1", b"2.0") + HOST + END,
        GET.replace(b"GET", b"BREW") + HOST + END,
        GET.replace(b"/ari", b"/\xff") + HOST + END,
        GET.replace(b"/ari", b"/a ri") + HOST + END,
        GET.replace(b"\r\n", b"\n") + HOST + END,
        GET + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n" + END,
        GET + HOST + b"Transfer-Encoding: chunked\r\n" + END,
        GET + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" + END,
        GET + HOST + b"Content-Length: 3\r\nContent-Length: 4\r\n" + END,
        GET + HOST + b"Content-Length: 3, 3\r\n" + END,
        GET + HOST + b"Content-Length: +3\r\n" + END,
        GET + HOST + b"Content-Length: -3\r\n" + END,
        GET + HOST + b"Content-Length: " + b"9" * 30 + END + END,
        GET + HOST + b"X: a\r\n folded\r\n" + END,
        GET + HOST + b"X : a\r\n" + END,
        GET + HOST + b"X: a\0b\r\n" + END,
        GET + HOST + b"X\r\n" + END,
    ],
)
def test_what_is_not_plain_is_left_to_others(data: bytes) -> None:
    assert read_head(data) is None


ODD = st.sampled_from(
    [
        *(b"", b"\r", b"\n", b"\0", b" ", b"\t", b":", b",", b"\x80", b"1", b"%", b"\r\n "),
        *(b"Host: b\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"),
        *(b"GET", b"HTTP/1.1"),
    ]
)


@given(
    st.lists(
        st.sampled_from(
            [HOST, b"A: b\r\n", b"Content-Length: 5\r\n", b"Connection: close\r\n", b"B:\r\n"]
        ),
        max_size=4,
    ),
    st.lists(st.tuples(st.integers(0, 150), ODD, st.integers(0, 3)), max_size=3),
)
@example([HOST], [])
def test_what_it_reads_h11_reads_too(
    lines: list[bytes], edits: list[tuple[int, bytes, int]]
) -> None:
    """Two readers who disagree about a request are how one is smuggled past the other."""
    data = GET + b"".join(lines) + END
    for place, odd, removed in edits:
        data = data[:place] + odd + data[place + removed :]
    end = data.find(b"\r\n\r\n")  # what the hot path looks for
    head = read_head(data[: end + 4]) if end >= 0 else None
    assert head is None or head == by_h11(data)
