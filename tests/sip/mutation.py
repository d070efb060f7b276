"""Real messages, and ways to disturb them."""

import random

from tests.sip.agents import OFFER, request
from tests.sip.torture import VALID

IN_DIALOG = "<sip:200@192.0.2.1>;tag=s2"

SEEDS = [
    request("INVITE", body=OFFER),
    request(
        "INVITE", body=OFFER, fields=("Record-Route: <sip:p1;lr>, <sip:p2>", "Require: 100rel")
    ),
    request("ACK", to=IN_DIALOG),
    request("BYE", to=IN_DIALOG, cseq="2 BYE", fields=('Reason: Q.850;cause=16;text="x"',)),
    request("CANCEL"),
    request("INVITE", to=IN_DIALOG, cseq="3 INVITE", branch="z9hG4bKre", body=OFFER),
    request(
        "INFO",
        to=IN_DIALOG,
        cseq="4 INFO",
        fields=("Content-Type: application/dtmf-relay",),
        body=b"Signal=5\r\nDuration=160\r\n",
    ),
    request("REGISTER", to="<sip:100@192.0.2.1>", fields=("Expires: 60",)),
    request(
        "REGISTER",
        to="<sip:101@192.0.2.1>",
        fields=(
            (
                'Authorization: Digest username="101", realm="stasisd", nonce="1.2.3", '
                'uri="sip:x", response="00", algorithm=MD5, cnonce="c", qop=auth, nc=00000001'
            ),
        ),
    ),
    request("OPTIONS"),
    request("OPTIONS").replace(b"OPTIONS sip:200@192.0.2.1 SIP/2.0", b"SIP/2.0 200 OK"),
    *(data for data in VALID.values()),
]

TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b";", b",", b":", b"<", b">", b'"', b"\\", b"%",
    b"%00",
    b"@", b"?", b"=", b"*", b"[", b"]", b"-1", b"0", b"4294967296", b"99999999999999999999",
    b"SIP/2.0",
    b"sip:", b"tel:", b";tag=", b";lr", b";expires=0", b"\xff\xfe", b"\xc3\xa9", b"\xd9\xa3",
    b"l: 0\r\n",
    b"Contact: *\r\n", b"Expires: 0\r\n", b"Via: x\r\n", b"To: <sip:a@b>\r\n", b"a" * 500,
]  # fmt: skip


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Disturb a message in one to eight places."""
    body = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        _disturb(body, chance)
    return bytes(body)


def _disturb(body: bytearray, chance: random.Random) -> None:
    at = chance.randint(0, len(body))
    kind = chance.randrange(6)
    if kind == 0:
        body[at:at] = chance.choice(TOKENS)
    elif kind == 1:
        del body[at : at + chance.randint(1, 30)]
    elif kind == 2 and at < len(body):
        body[at] = chance.randrange(256)
    elif kind == 3:
        body[at:at] = body[at : at + chance.randint(1, 200)]
    elif kind == 4:
        _swap_lines(body, chance)
    elif kind == 5 and chance.random() < 0.2:
        del body[at:]


def _swap_lines(body: bytearray, chance: random.Random) -> None:
    lines = bytes(body).split(b"\r\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    body[:] = b"\r\n".join(lines)
