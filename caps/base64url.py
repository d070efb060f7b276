"""base64url (RFC 4648, section 5) as tokens use it: without padding, which is read all the same."""

import base64
import binascii
import re

_FORM = re.compile(r"[A-Za-z0-9_-]+={0,2}")


def encode(raw: bytes) -> str:
    """The text of some bytes."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes | None:
    """The bytes of a text; None for anything else, and for no text at all."""
    if _FORM.fullmatch(text) is None:
        return None
    bare = text.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:  # one character too many
        return None
