"""Our chain of HMACs against pymacaroons, which others also take for their measure."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymacaroons import Macaroon as Chain
from pymacaroons import Verifier
from pymacaroons.caveat import Caveat as ChainLink

from caps.macaroon import Macaroon, derive, expected

KEY = b"a root key of any length"
NONCE = bytes(24)


def agrees(root: Chain, discharges: list[Chain], key: bytes) -> bool:
    """What pymacaroons says, once ours was found to say the same."""
    verifier = Verifier()
    verifier.satisfy_general(lambda _: True)
    try:
        theirs = verifier.verify(root, key, discharge_macaroons=discharges)
    except Exception:  # noqa: BLE001 - it raises nearly anything
        theirs = False
    ours = Macaroon(root)
    signature, discharged = expected(ours, derive(key), map(Macaroon, discharges))
    assert (discharged and signature == ours.signature) == theirs
    return bool(theirs)


def made(steps: list[tuple[str, bool]]) -> tuple[Chain, list[Chain]]:
    """A macaroon with caveats, some of third parties, and the discharges of those."""
    root = Chain(location="x", identifier="id", key=KEY, version=2)
    discharges = []
    for number, (text, third_party) in enumerate(steps):
        if third_party:
            ticket = f"{number} {text}"
            root.add_third_party_caveat("there", f"key {text}", ticket, nonce=NONCE)
            discharge = Chain("there", ticket, f"key {text}", version=2)
            discharge.add_first_party_caveat(text)
            discharges.append(discharge)
        else:
            root.add_first_party_caveat(text)
    return root, [root.prepare_for_request(discharge) for discharge in discharges]


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(st.tuples(texts, st.booleans()), max_size=5))
def test_what_pymacaroons_makes_verifies(steps: list[tuple[str, bool]]) -> None:
    root, discharges = made(steps)
    assert agrees(root, discharges, KEY)
    assert not agrees(root, discharges, b"another key")


@given(st.lists(st.tuples(texts, st.booleans()), min_size=1, max_size=4), st.data(), st.booleans())
def test_both_refuse_what_was_changed(
    steps: list[tuple[str, bool]], data: st.DataObject, in_discharge: bool
) -> None:
    root, discharges = made(steps)
    target = data.draw(st.sampled_from(discharges)) if in_discharge and discharges else root
    change = data.draw(st.sampled_from(["signature", "drop", "repeat"]))
    if change == "signature":
        target.signature = "00" * 32
    elif change == "drop":
        target.caveats.pop()
    else:
        target.caveats.append(target.caveats[0])
    assert not agrees(root, discharges, KEY)


def test_a_discharge_is_bound_to_one_macaroon() -> None:
    root, discharges = made([("a", True)])
    weaker = root.copy()
    weaker.add_first_party_caveat("b")
    assert not agrees(weaker, discharges, KEY)
    unbound = Chain("there", "0 a", "key a", version=2)
    unbound.add_first_party_caveat("a")
    assert not agrees(root, [unbound], KEY)


def test_what_was_sealed_with_nothing_is_discharged_by_nothing() -> None:
    """Whoever adds a caveat knows the signature before it, and may try that for the key."""
    root = Chain(location="x", identifier="id", key=KEY, version=2)
    before = bytes.fromhex(root.signature)
    root.caveats.append(ChainLink(b"ticket", b"no box" * 12, "there", version=2))
    root.signature = Macaroon(root).signatures(derive(KEY))[-1].hex()
    discharge = Chain("there", "ticket", "any", version=2)
    discharge.signature = hmac.digest(before, b"ticket", "sha256").hex()
    assert not agrees(root, [root.prepare_for_request(discharge)], KEY)


def test_we_make_what_pymacaroons_makes() -> None:
    chain = Chain(location="stasisd", identifier="id", key=KEY, version=2)
    chain.add_first_party_caveat("a")
    chain.add_third_party_caveat("there", "their key", "ticket", nonce=NONCE)
    ours = Macaroon.create(KEY, "id").with_predicate(b"a")
    ours = ours.with_third_party("there", b"their key", "ticket", NONCE)
    assert ours.signature.hex() == chain.signature
    assert ours.signature == ours.signatures(derive(KEY))[-1]


@pytest.mark.parametrize("version", [1, 2])
def test_both_formats_keep_all_caveats(version: int) -> None:
    root, _ = made([("a", True), ("b", False)])
    ours = Macaroon(root)
    read = Macaroon.from_bytes(ours.to_bytes(version))  # type: ignore[arg-type] # 1 or 2
    assert read is not None
    assert (read.links, read.signature) == (ours.links, ours.signature)


def test_without_its_signature_a_macaroon_is_none() -> None:
    ours = Macaroon(made([("a", False)])[0])
    raw = ours.to_unsigned()
    assert ours.signature not in raw
    assert Macaroon.from_bytes(raw) is None
    assert Macaroon.from_unsigned(ours.to_bytes()) is None
    read = Macaroon.from_unsigned(raw)
    assert read is not None
    assert (read.links, read.identifier, read.signature) == (ours.links, b"id", bytes(32))
