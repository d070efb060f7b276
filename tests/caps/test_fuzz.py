"""Everything that is shown, disturbed: nothing is gained, and only the one refusal is raised.

Ten thousand mutations in each run, a million in the slow one; a seed makes each of them again.
"""

import random
from collections.abc import Callable, Sequence

import pytest

from caps import (
    READ_ONLY,
    Bundle,
    Challenge,
    Expires,
    Grant,
    InvalidToken,
    Keyring,
    NeedsDischarge,
    Objects,
    Proofs,
    Request,
    RootKey,
    Ticket,
    answer,
    base64url,
    mint,
    prove,
    verify,
)
from caps.token import PREFIX

SEED = 4
KEY = RootKey("k1", "acme", bytes(range(32)))
NOW = 1_764_000_000.0
ASKED = Request.of("POST", "/ari/channels/c1/answer", b"{}")
TICKET = Ticket.seal(bytes(32), "user=anne", random=bytes)
LIMITS = (READ_ONLY, Objects(("channel:c*",)), Expires(NOW + 60))
TOKEN = mint(KEY, *LIMITS, user="zoë", issued=NOW, random=bytes)
BUNDLE = Bundle.bind(
    TOKEN.with_third_party("login", TICKET.key, TICKET.text, bytes(24)),
    [TICKET.discharge(Expires(NOW + 30))],
)

Chance = random.Random
Case = tuple[Callable[[Chance], str], Callable[[str], Grant], frozenset[object]]


def disturbed(raw: bytes, chance: Chance) -> bytes:
    at, length = chance.randrange(len(raw) + 1), chance.randrange(1, 9)
    start, end = raw[:at], raw[at:]
    match chance.randrange(6):
        case 0:
            return start + bytes([chance.randrange(256)]) + end[1:]
        case 1:
            return start
        case 2:
            return start + chance.randbytes(length) + end
        case 3:
            return start + end[length:]
        case 4:
            return start + end[:length] + end
        case _:
            return start[::-1][:length] + start + end


def texts(text: str) -> Callable[[Chance], str]:
    """The characters of a text, once or several times disturbed."""

    def make(chance: Chance) -> str:
        raw = text.encode()
        for _ in range(chance.choice((1, 1, 3))):
            raw = disturbed(raw, chance)
        return raw.decode(errors="surrogateescape")

    return make


def macaroons(text: str) -> Callable[[Chance], str]:
    """The bytes of a macaroon of a bundle disturbed, and written well again."""
    parts = [base64url.decode(part) or b"" for part in text.removeprefix(PREFIX).split(".")]

    def make(chance: Chance) -> str:
        which = chance.randrange(len(parts))
        changed = [disturbed(raw, chance) if i == which else raw for i, raw in enumerate(parts)]
        return PREFIX + ".".join(map(base64url.encode, changed))

    return make


def bearer(text: str) -> Grant:
    return verify(text, Keyring([KEY]), NOW)


def proof(text: str) -> Grant:
    return Proofs(Keyring([KEY]), NOW - 1).verify(text, ASKED, NOW)


def answered(text: str) -> Grant:
    challenge = Challenge("/ari/events", NOW, random=bytes)
    return challenge.verify(Proofs(Keyring([KEY]), NOW - 1), text, NOW)


def cases() -> Sequence[Case]:
    shown = [TOKEN.encode(), TOKEN.encode(1), BUNDLE.encode(), BUNDLE.encode(1)]
    made: list[Case] = [
        (make(text), bearer, frozenset(bearer(text).caveats))
        for text in shown
        for make in (texts, macaroons)
    ]
    header = prove(BUNDLE, ASKED, NOW, random=bytes)
    said = answer(BUNDLE, Challenge("/ari/events", NOW, random=bytes).text, "/ari/events")
    made.append((texts(header), proof, frozenset(proof(header).caveats)))
    made.append((texts(said), answered, frozenset(answered(said).caveats)))
    return made


def disturb(rounds: int) -> int:
    """How many were accepted: those where nothing was changed that is signed."""
    chance, accepted = Chance(SEED), 0
    every = cases()
    refusals: set[tuple[type[InvalidToken], BaseException | None]] = set()
    for number in range(rounds):
        make, judge, limits = every[number % len(every)]
        text = make(chance)
        try:
            grant = judge(text)
        except InvalidToken as error:
            refusals.add((type(error), error.__context__))
        else:
            assert frozenset(grant.caveats) == limits, text
            accepted += 1
    # A bundle that was cut where its first discharge begins is a genuine token.
    assert refusals <= {(InvalidToken, None), (NeedsDischarge, None)}
    return accepted


def test_ten_thousand_mutations_gain_nothing() -> None:
    accepted = disturb(10_000)
    assert 0 < accepted < 2000


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_million_mutations_gain_nothing() -> None:
    disturb(1_000_000)
