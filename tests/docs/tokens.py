"""The reference of tokens: the caveats, and vectors to try another implementation with."""

from pathlib import Path
from typing import Any

import msgspec

from caps import (
    READ_ONLY,
    Applications,
    Bundle,
    Caveat,
    Challenge,
    Contexts,
    Endpoints,
    Events,
    Expires,
    Networks,
    NotBefore,
    Objects,
    Operations,
    ProofRequired,
    Request,
    RootKey,
    Tenant,
    ThirdParty,
    Ticket,
    Token,
    answer,
    mint,
    prove,
    require_discharge,
)
from caps.caveats import Known, encode
from caps.macaroon import derive
from tests.docs.tables import code, first_line, table

VECTORS = Path(__file__).parent.parent.parent / "docs" / "reference" / "token-vectors.json"

KEY = RootKey("k1", "acme", bytes(range(32)))
SHARED = bytes(range(32, 64))
LOGIN = "https://login.example"
NOW = 1_764_000_000.0

EXAMPLES: tuple[Caveat, ...] = (
    Tenant("acme"),
    READ_ONLY,
    Operations(("channels.*", "bridges.get")),
    Applications(("ivr",)),
    Objects(("channel:1764000000.7", "recording:public/*")),
    Endpoints(("PJSIP/100", "PJSIP/2*", "@support")),
    Contexts(("from-inside",)),
    Events(("ChannelCreated", "ChannelDestroyed")),
    NotBefore(NOW),
    Expires(NOW + 3600),
    Networks(("192.0.2.0/24",), ()),
    ProofRequired(),
)


def caveats() -> str:
    """Each caveat of the registry: how it is written, what it leaves, what it prohibits."""
    assert {type(caveat) for caveat in EXAMPLES} == set(Known.__args__)
    rows = [
        (
            code(encode(caveat).decode()),
            first_line(type(caveat).__doc__),
            first_line(type(caveat).prohibits.__doc__),
        )
        for caveat in EXAMPLES
    ]
    return table(("caveat", "what it leaves", "what it prohibits"), rows)


def written() -> str:
    """The vectors as the code makes them now."""
    made = {"tokens": _tokens(), "discharges": [_discharge()], "proofs": [_proof()]}
    made |= {"answers": [_answer()], "refused": _refused()}
    return msgspec.json.format(msgspec.json.encode(made), indent=1).decode() + "\n"


def _counting(count: int) -> bytes:
    """In place of chance."""
    return bytes(range(count))


def _minted(*limits: Caveat, user: str | None = None) -> Token:
    return mint(KEY, *limits, user=user, issued=NOW, random=_counting)


def _needing() -> Token:
    return require_discharge(_minted(), LOGIN, SHARED, "user=anne", random=_counting)


def _tokens() -> list[dict[str, Any]]:
    made = {
        "without a limit": _minted(),
        "of a user": _minted(user="zoë / sales"),
        "to read for an hour": _minted(READ_ONLY, Expires(NOW + 3600)),
        "each caveat": _minted(*EXAMPLES[1:]),
        "a caveat of more than 127 bytes": _minted(Operations(("channels.get",) * 12)),
        "a caveat of a third party": _needing().attenuate(READ_ONLY),
    }
    return [{"name": name, **_token(token)} for name, token in made.items()]


def _token(token: Token) -> dict[str, Any]:
    macaroon = token.macaroon
    return {
        "root_key": KEY.secret.hex(),
        "identifier": macaroon.identifier.decode(),
        "caveats": [
            {"predicate": link.id.decode()}
            if link.sealed is None
            else {"location": link.location, "ticket": link.id.decode(), "vid": link.sealed.hex()}
            for link in macaroon.links
        ],
        "signatures": [each.hex() for each in macaroon.signatures(derive(KEY.secret))],
        "v2": token.encode(),
        "v1": token.encode(version=1),
    }


def _discharge() -> dict[str, Any]:
    token = _needing()
    (sealed,) = [caveat.ticket for caveat in token.caveats if isinstance(caveat, ThirdParty)]
    ticket = Ticket.open(sealed, SHARED)
    discharge = ticket.discharge(Expires(NOW + 600))
    return {
        "root_key": KEY.secret.hex(),
        "token": token.encode(),
        "shared_key": SHARED.hex(),
        "ticket": sealed,
        "conditions": list(ticket.conditions),
        "discharge_key": ticket.key.hex(),
        "discharge": discharge.encode(),
        "bundle": Bundle.bind(token, [discharge]).encode(),
    }


def _proof() -> dict[str, Any]:
    token, body = _minted(READ_ONLY, ProofRequired()), '{"media":"sound:hello-world"}'
    request = Request.of("POST", "/ari/channels/c1/play?lang=en", body.encode())
    return {
        "root_key": KEY.secret.hex(),
        "token": token.encode(),
        "method": request.method,
        "target": request.target,
        "body": body,
        "now": NOW,
        "authorization": prove(token, request, NOW, random=_counting),
    }


def _answer() -> dict[str, Any]:
    token, target = _minted(READ_ONLY, ProofRequired()), "/ari/events?app=ivr"
    challenge = Challenge(target, NOW, random=_counting)
    return {
        "root_key": KEY.secret.hex(),
        "token": token.encode(),
        "target": target,
        "challenge": challenge.text,
        "answer": answer(token, challenge.text, target),
    }


def _refused() -> list[dict[str, str]]:
    token, needing = _minted(READ_ONLY, Expires(NOW + 3600)), _needing()
    text, key = token.encode(), KEY.secret.hex()
    (sealed,) = [caveat.ticket for caveat in needing.caveats if isinstance(caveat, ThirdParty)]
    discharge = Ticket.open(sealed, SHARED).discharge()
    bound = Bundle.bind(needing, [discharge])
    made = {
        "another root key": mint(RootKey("k1", "acme", SHARED), random=_counting).encode(),
        "a caveat taken off": Token(_cut(token)).encode(),
        "cut off": text[:-3],
        "a discharge that is not bound": Bundle(needing, (discharge.macaroon,)).encode(),
        "a discharge bound to a stronger token": Bundle(
            needing.attenuate(READ_ONLY), bound.discharges
        ).encode(),
        "a discharge twice": Bundle(needing, bound.discharges * 2).encode(),
        "a discharge that no caveat asks for": Bundle.bind(token, [discharge]).encode(),
    }
    return [{"why": why, "root_key": key, "token": refused} for why, refused in made.items()]


def _cut(token: Token) -> Any:
    """The macaroon without its last caveat, and with the signature that it had."""
    chain = token.macaroon._chain.copy()
    chain.caveats.pop()
    return type(token.macaroon)(chain)


def write() -> bool:
    """Write the vectors if they are not current; says whether they were not."""
    now = written()
    if VECTORS.exists() and VECTORS.read_text() == now:
        return False
    VECTORS.write_text(now)
    return True
