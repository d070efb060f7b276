"""What can go wrong with a token, by whose fault it is.

No message repeats anything of a token: errors end in logs and in answers to strangers.
"""


class CapabilityError(Exception):
    """Base of every error this library raises."""


class InvalidToken(CapabilityError):
    """Garbage, forged, signed by a key we do not hold, or without a tenant: deliberately one."""

    def __init__(self, reason: str = "the token is not valid here") -> None:
        super().__init__(reason)


class ExpiredToken(InvalidToken):
    """Genuine, but used before or after its time."""

    def __init__(self) -> None:
        super().__init__("the token is outside its time of validity")


class RevokedToken(InvalidToken):
    """Genuine, but it was revoked: by its id, its user or its key."""

    def __init__(self) -> None:
        super().__init__("the token was revoked")


class NeedsDischarge(InvalidToken):
    """Genuine, but a third party has not said yet that it may be used."""

    def __init__(self) -> None:
        super().__init__("the token needs a discharge that is not there")


class NeedsProof(InvalidToken):
    """Genuine, but only of use with a proof of possession."""

    def __init__(self) -> None:
        super().__init__("the token may not be shown as it is: prove that you have it")


class StaleProof(InvalidToken):
    """Genuine, but made at another time than now, or shown before."""

    def __init__(self) -> None:
        super().__init__("the proof is for another time, or was used: make a new one")


class TooManyProofs(CapabilityError):
    """Genuine, but more came in a short time than can be remembered: try again later."""

    def __init__(self) -> None:
        super().__init__("too many proofs in too short a time")


class TokenTooLarge(CapabilityError):
    """Attenuated beyond the size or the number of caveats that a verifier accepts."""


class Denied(CapabilityError):
    """A caveat prohibits the access.

    `reason` is a sentence for the caller; `caveat` is the one that prohibits, for the audit and
    for bindings that word some refusals their own way.
    """

    def __init__(self, reason: str, caveat: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.caveat = caveat
