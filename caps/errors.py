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
    """Genuine, but its id was revoked."""

    def __init__(self) -> None:
        super().__init__("the token was revoked")


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
