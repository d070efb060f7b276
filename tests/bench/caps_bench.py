"""What tokens cost: `python -m tests.bench.caps_bench`.

Verifying a token for the first time and again, clearing an access, proving and attenuating.
Microseconds of CPU, the best of several rounds.
"""

from collections.abc import Callable
from functools import partial

from caps import (
    READ_ONLY,
    Access,
    Applications,
    Bundle,
    Caveat,
    Endpoint,
    Endpoints,
    Events,
    Expires,
    Grant,
    Keyring,
    NotBefore,
    Objects,
    Operations,
    Proofs,
    Request,
    Right,
    Ticket,
    generate_key,
    mint,
    prove,
    verify,
)
from caps.replays import ReplayWindow
from tests.bench.core_bench import best, show

NOW = 1_764_000_000.0
KEY = generate_key("k1", "acme")
RING = Keyring([KEY])
ASKED = Request.of("GET", "/ari/channels/c1")

USUAL: tuple[Caveat, ...] = (
    READ_ONLY,
    Operations(("bridges.get", "channels.*")),
    Applications(("ivr",)),
    Expires(NOW + 3600),
)
OBJECTS: tuple[Caveat, ...] = (
    Objects(("channel:c*",)),
    Endpoints(("PJSIP/2*", "@support")),
    Events(("ChannelCreated",)),
)
ACCESS = Access(
    right=Right.READ,
    operation="channels.get",
    tenant="acme",
    now=NOW,
    kind="channel",
    object_id="c1",
    application="ivr",
    endpoints=(Endpoint("PJSIP/100", frozenset({"support"})),),
    contexts=(),
    events=(),
)


def cold(*caveats: Caveat) -> Callable[[], object]:
    """Verifying by a keyring that has not seen the token."""
    text = mint(KEY, *caveats).encode()
    return lambda: verify(text, Keyring([KEY]), NOW)


def discharged() -> Callable[[], object]:
    ticket = Ticket.seal(bytes(32), "user=anne")
    token = mint(KEY, *USUAL).with_third_party("login", ticket.key, ticket.text, bytes(24))
    text = Bundle.bind(token, [ticket.discharge(Expires(NOW + 60))]).encode()
    return lambda: verify(text, Keyring([KEY]), NOW)


def verifying() -> None:
    for count in (0, 3, 8, 20):
        limits = (USUAL * 5)[:count]
        show(f"verify, first time, {count} caveats more", best(cold(*limits), 300))
    show("the same, 5 caveats and a discharge", best(discharged(), 300))
    show("of these, the keyring made for it", best(lambda: Keyring([KEY]), 300))
    text = mint(KEY, *USUAL).encode()
    show("verify again", best(lambda: verify(text, RING, NOW), 20_000))
    grant = verify(text, RING, NOW)
    show("is it still valid (open socket)", best(lambda: RING.require_valid(grant, NOW), 20_000))


def clearing() -> None:
    many = (*USUAL, *OBJECTS, NotBefore(NOW - 1), *(USUAL * 3)[:11])
    for caveats in (USUAL, (*USUAL[:2], *OBJECTS[:2]), many):
        grant = verify(mint(KEY, *caveats).encode(), RING, NOW)
        what = f"{len(grant.caveats)} caveats, {len(grant._varying)} of them of objects"
        show(f"clear {what}", best(partial(grant.check, ACCESS), 20_000))
    text = mint(KEY, *USUAL).encode()
    show("verify again and clear 5", best(lambda: verify(text, RING, NOW).check(ACCESS), 20_000))
    denying = verify(mint(KEY, *USUAL, Objects(())).encode(), RING, NOW)
    show("refuse, by the sixth caveat", best(lambda: denying.prohibits(ACCESS), 20_000))


def proving() -> None:
    token = mint(KEY, *USUAL)
    show("make a proof", best(lambda: prove(token, ASKED, NOW), 300))
    proofs = Proofs(RING, NOW - 100)
    headers = iter([prove(token, ASKED, NOW) for _ in range(8 * 1000)])
    show("verify a proof", best(lambda: proofs.verify(next(headers), ASKED, NOW), 1000))
    window, number = ReplayWindow(0.0, skew=30.0), iter(range(10**9))

    def admit() -> None:
        window.admit(next(number).to_bytes(16, "big"), "holder", 10.0, 10.0)

    show("of these, whether it was shown before", best(admit, 4000))


def making() -> None:
    token = mint(KEY, *USUAL)
    show("mint with 4 caveats more", best(lambda: mint(KEY, *USUAL), 300))
    show("attenuate", best(lambda: token.attenuate(READ_ONLY), 300))
    full = Keyring([KEY])
    for number in range(4096):
        full.remember(str(number), grant_of(number))
    show("revoke, with 4096 tokens verified", best(lambda: full.revoke("acme", "none"), 20))


def grant_of(number: int) -> Grant:
    return Grant(tenant="acme", key_id=KEY.id, token_id=str(number), caveats=USUAL)


if __name__ == "__main__":
    verifying()
    clearing()
    proving()
    making()
