"""Capability tokens: macaroons with typed caveats. Knows neither telephony nor Trio.

A token says what its holder may do. Whoever holds one can weaken it without asking anybody, and
nobody can strengthen it; verifying needs the root key that minted it, and nothing else.

    key = generate_key("k1", "acme")
    token = mint(key, READ_ONLY, Expires(friday)).encode()          # stasis1_AgEH...
    weaker = Token.decode(token).attenuate(Operations(("channels.*",))).encode()

    grant = verify(weaker, Keyring([key]), now)                      # who is it?
    grant.check(Access(right=Right.READ, operation="channels.get", tenant="acme", now=now,
                       kind="channel", object_id="17.2"))            # may they? raises Denied

Verifying (is it genuine, in its time, not revoked?) is apart from clearing (does any caveat
prohibit this access?): the first is cached, the second is asked for each object of each
operation.

- `access`, `caveats`, `grant`: what is asked, and what prohibits it. `caveats` says how to add one
- `token`, `identifier`, `macaroon`, `base64url`: the format
- `keyring`: root keys, their rotation, revocation by token, user and key
- `verifying`: from the text of a token to a grant
- `third_party`, `bundle`: caveats that somebody else discharges
- `proof`, `replays`: using a token without showing it
- `errors`: what may be wrong, by whose fault

Nothing here reads a clock, a file or a socket. Chance comes from `secrets`, or as an argument.
"""

from caps.access import Access, Endpoint, Right
from caps.bundle import Bundle
from caps.caveats import (
    READ_ONLY,
    Applications,
    Caveat,
    Contexts,
    Endpoints,
    Events,
    Expires,
    Networks,
    NotBefore,
    Objects,
    Operations,
    ProofRequired,
    Rights,
    Tenant,
    ThirdParty,
    Unknown,
)
from caps.errors import (
    CapabilityError,
    Denied,
    ExpiredToken,
    InvalidToken,
    NeedsDischarge,
    NeedsProof,
    RevokedToken,
    StaleProof,
    TokenTooLarge,
    TooManyProofs,
)
from caps.grant import Grant
from caps.keyring import Keyring, RootKey
from caps.proof import Challenge, Proofs, Request, answer, prove
from caps.third_party import Discharge, Ticket, require_discharge
from caps.token import PREFIX, Token, generate_key, mint
from caps.verifying import verify

__all__ = [
    "PREFIX",
    "READ_ONLY",
    "Access",
    "Applications",
    "Bundle",
    "CapabilityError",
    "Caveat",
    "Challenge",
    "Contexts",
    "Denied",
    "Discharge",
    "Endpoint",
    "Endpoints",
    "Events",
    "ExpiredToken",
    "Expires",
    "Grant",
    "InvalidToken",
    "Keyring",
    "NeedsDischarge",
    "NeedsProof",
    "Networks",
    "NotBefore",
    "Objects",
    "Operations",
    "ProofRequired",
    "Proofs",
    "Request",
    "RevokedToken",
    "Right",
    "Rights",
    "RootKey",
    "StaleProof",
    "Tenant",
    "ThirdParty",
    "Ticket",
    "Token",
    "TokenTooLarge",
    "TooManyProofs",
    "Unknown",
    "answer",
    "generate_key",
    "mint",
    "prove",
    "require_discharge",
    "verify",
]
