"""Descriptions that almost make sense: real shapes with bytes, lines and tokens disturbed."""

from hypothesis import strategies as st

from tests.sdp import shapes

TOKENS = [
    b"IN IP4 0.0.0.0", b"IN IP6 ::", b"IN IP4 host.example", b"IN ATM x", b"99999", b"-1", b"0",
    b"65535", b"65536", b"\xd9\xa3", b"\xc2\xb2", b"1e3", b"\xff\xfe", b"\x00", b"\xe2\x80\xa8",
    b"a=rtpmap:0 PCMU/8000/99", b"a=rtpmap:999 PCMU/8000", b"a=ptime:20", b"a=sendonly",
    b"a=inactive", b"a=rtcp:x", b"a=rtcp:70000", b"a=rtcp-mux", b"m=audio 1 RTP/AVP",
    b"m=audio 1/2 RTP/AVP 0", b"c=", b"a=", b"a=:", b"=", b"\r", b"\n", b" ", b"\t", b"/", b":",
    b"9" * 40,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A description with up to eight disturbances."""
    body = bytearray(draw(st.sampled_from(shapes.ALL)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(body)))
        kind = draw(st.sampled_from(["insert", "delete", "flip", "double", "cut"]))
        if kind == "insert":
            body[at:at] = draw(st.sampled_from(TOKENS))
        elif kind == "delete":
            del body[at : at + draw(st.integers(1, 30))]
        elif kind == "flip" and at < len(body):
            body[at] = draw(st.integers(0, 255))
        elif kind == "double":
            body[at:at] = body[at : at + draw(st.integers(1, 200))]
        elif kind == "cut":
            del body[at:]
    return bytes(body)
