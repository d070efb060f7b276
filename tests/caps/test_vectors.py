"""The published vectors, by our code and by a reader of its own that knows only hmac.

`Plain` and the functions around it do all that another language has to do for attenuating, binding
and proving.
"""

import base64
import hashlib
import hmac
import json
from typing import Any, NamedTuple

import pytest

from caps import Bundle, InvalidToken, Keyring, Proofs, Request, RootKey, Tenant, Token, verify
from caps.verifying import judge
from tests.docs import tokens

VECTORS = json.loads(tokens.VECTORS.read_text())
RING = Keyring([RootKey("k1", "acme", bytes(range(32)))])


def named(case: dict[str, Any]) -> str:
    return str(case.get("name") or case.get("why") or "the one")


def each(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", VECTORS[kind], ids=named)


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def in_base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Plain(NamedTuple):
    """Binary format 2, read by hand."""

    identifier: bytes
    caveats: list[dict[int, bytes]]
    signature: bytes


def fields(raw: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """A section: fields of type, length and content, up to a zero."""
    found = {}
    while raw[at]:
        kind, length, at = raw[at], raw[at + 1], at + 2
        if length > 127:
            length, at = (length & 127) | raw[at] << 7, at + 1
        found[kind], at = raw[at : at + length], at + length
    return found, at + 1


def plain(text: str) -> Plain:
    raw = unbase64(text)
    assert raw[0] == 2
    head, at = fields(raw, 1)
    caveats = []
    while raw[at]:
        caveat, at = fields(raw, at)
        caveats.append(caveat)
    assert raw[at + 1 : at + 3] == b"\x06\x20"
    assert len(raw) == at + 3 + 32
    return Plain(head[2], caveats, raw[at + 3 :])


def extended(signature: bytes, caveat: dict[int, bytes]) -> bytes:
    if 4 in caveat:
        return mac(signature, mac(signature, caveat[4]) + mac(signature, caveat[2]))
    return mac(signature, caveat[2])


def signed(derived: bytes, macaroon: Plain) -> list[bytes]:
    signatures = [mac(derived, macaroon.identifier)]
    for caveat in macaroon.caveats:
        signatures.append(extended(signatures[-1], caveat))
    return signatures


def derived(key: str) -> bytes:
    return mac(b"macaroons-key-generator", bytes.fromhex(key))


def test_they_are_current() -> None:
    assert tokens.VECTORS.read_text() == tokens.written(), "run: python -m tests.docs.pages"


@each("tokens")
def test_tokens_by_hand(case: dict[str, Any]) -> None:
    read = plain(case["v2"].removeprefix("stasis1_"))
    assert read.identifier.decode() == case["identifier"]
    written = [
        {"predicate": caveat[2].decode()}
        if 4 not in caveat
        else {
            "location": caveat[1].decode(),
            "ticket": caveat[2].decode(),
            "vid": caveat[4].hex(),
        }
        for caveat in read.caveats
    ]
    assert written == case["caveats"]
    signatures = signed(derived(case["root_key"]), read)
    assert [each.hex() for each in signatures] == case["signatures"]
    assert signatures[-1] == read.signature


@each("tokens")
def test_tokens_by_our_code(case: dict[str, Any]) -> None:
    token = Token.decode(case["v2"])
    assert Token.decode(case["v1"]).encode() == case["v2"]
    assert token.caveats[0] == Tenant("acme")
    assert judge(Bundle(token), RING).signature == token.macaroon.signature


@each("discharges")
def test_discharges_by_hand(case: dict[str, Any]) -> None:
    root, discharge = map(plain, case["bundle"].removeprefix("stasis1_").split("."))
    unbound = plain(case["discharge"].removeprefix("stasis1d_"))
    assert unbound.identifier.decode() == case["ticket"]
    assert signed(derived(case["discharge_key"]), unbound)[-1] == unbound.signature
    zeros = bytes(32)
    bound = mac(zeros, mac(zeros, root.signature) + mac(zeros, unbound.signature))
    assert discharge == unbound._replace(signature=bound)


@each("discharges")
def test_discharges_by_our_code(case: dict[str, Any]) -> None:
    assert verify(case["bundle"], RING, tokens.NOW).expires == tokens.NOW + 600


def unsigned(case: dict[str, Any], scheme: str) -> tuple[dict[str, str], bytes]:
    """The parts of a header, and the key of the proof; the token is shown but for its end."""
    shown = case.get("authorization") or case["answer"]
    parts = dict(part.split("=", 1) for part in shown.removeprefix(f"{scheme} ").split(", "))
    raw = unbase64(case["token"].removeprefix("stasis1_"))
    assert parts["token"] == in_base64(raw[:-34])
    return parts, mac(b"stasis-proof-key", raw[-32:])


@each("proofs")
def test_proofs_by_hand(case: dict[str, Any]) -> None:
    parts, key = unsigned(case, "Stasis-Proof")
    assert parts["time"] == str(int(case["now"] * 1000))
    body = hashlib.sha256(case["body"].encode()).hexdigest()
    lines = ["stasis-proof-1", case["method"], case["target"], body]
    message = "\n".join([*lines, parts["time"], parts["nonce"], parts["token"]])
    assert parts["proof"] == in_base64(mac(key, message.encode()))


@each("proofs")
def test_proofs_by_our_code(case: dict[str, Any]) -> None:
    request = Request.of(case["method"], case["target"], case["body"].encode())
    Proofs(RING, case["now"] - 1).verify(case["authorization"], request, case["now"])


@each("answers")
def test_answers_by_hand(case: dict[str, Any]) -> None:
    parts, key = unsigned(case, "Stasis-Answer")
    message = "\n".join(["stasis-challenge-1", case["target"], case["challenge"], parts["token"]])
    assert parts["proof"] == in_base64(mac(key, message.encode()))


@each("answers")
def test_answers_by_our_code(case: dict[str, Any]) -> None:
    proofs = Proofs(RING, 0.0)
    proofs.verify_answer(case["answer"], case["challenge"], case["target"], tokens.NOW)


@each("refused")
def test_what_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken) as caught:
        verify(case["token"], RING, tokens.NOW)
    assert type(caught.value) is InvalidToken
