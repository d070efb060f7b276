"""What the issuer writes into a token to find its key again, and whose it is. Public, and signed.

    KEYID:TOKENID
    KEYID:TOKENID:ISSUED:USER

`ISSUED` is in whole milliseconds since 1970; `USER` is percent-encoded UTF-8. They stand here and
not in a caveat, since anybody may add a caveat: only who has the key says for whom a token is.
"""

import re
import urllib.parse
from typing import Self

import msgspec

_FORM = re.compile(
    r"(?P<key>[A-Za-z0-9._-]{1,64}):(?P<token>[A-Za-z0-9_-]{1,64})"
    r"(:(?P<issued>[0-9]{1,15}):(?P<user>[A-Za-z0-9._~%-]{1,255}))?",
)


class Identifier(msgspec.Struct, frozen=True):
    """The key that signed, the token's own id, and for whom it was minted when, if for a user."""

    key_id: str
    token_id: str
    user: str | None = None
    issued: float = 0.0

    @classmethod
    def parse(cls, raw: bytes) -> Self | None:
        """Reads an identifier; None for anything else."""
        try:
            match = _FORM.fullmatch(raw.decode("ascii"))
            if match is None:
                return None
            if match["user"] is None:
                return cls(match["key"], match["token"])
            user = urllib.parse.unquote(match["user"], errors="strict")
        except UnicodeDecodeError:
            return None
        return cls(match["key"], match["token"], user, int(match["issued"]) / 1000)

    def encode(self) -> str:
        """The identifier as text. Raises ValueError for one that could not be read again."""
        text = f"{self.key_id}:{self.token_id}"
        if self.user is not None:
            text += f":{_milliseconds(self.issued)}:{urllib.parse.quote(self.user, safe='')}"
        if _FORM.fullmatch(text) is None:
            raise ValueError(f"{self.key_id!r} can't be a key id, or {self.user!r} a user")
        return text


def _milliseconds(seconds: float) -> int:
    """Rounded up as the float reads: what is made while a user is revoked is not made before."""
    rounded = int(seconds * 1000)
    return rounded if rounded / 1000 >= seconds else rounded + 1
