"""What the SIP technology is told: where it listens, how it behaves, and whom it knows."""

import msgspec


class SipSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One user agent. Expiries are in seconds.

    ``advertised_address`` stands in Contact and Via, ``media_address`` in SDP; where they are
    None the address of the interface that leads to the peer does.
    """

    host: str = "0.0.0.0"  # noqa: S104 - phones are elsewhere, and authenticate
    port: int = 5060
    udp: bool = True
    tcp: bool = True
    advertised_address: str | None = None
    media_address: str | None = None
    realm: str = "stasisd"
    algorithms: tuple[str, ...] = ("MD5",)
    min_expires: int = 60
    default_expires: int = 3600
    max_expires: int = 7200


class SipAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint of a tenant. Without a password its requests are taken at their word.

    ``username`` is what the phone authenticates as; None means the endpoint's name. Whom it talks
    to is told by P-Asserted-Identity (``send_pai``) and Remote-Party-ID (``send_rpid``), and anew
    when that changes in the call where it is told at all (``send_connected_line``).
    ``moh_suggest`` is the music that others hear while it holds them.
    """

    tenant: str
    name: str
    password: str | None
    username: str | None = None
    context: str = "default"
    codecs: tuple[str, ...] = ("ulaw", "alaw")
    max_contacts: int = 5
    caller_name: str = ""
    caller_number: str
    send_pai: bool = False
    send_rpid: bool = False
    send_connected_line: bool = True
    moh_suggest: str = "default"

    @property
    def key(self) -> str:
        """What the user agent calls it."""
        return key(self.tenant, self.name)

    def __repr__(self) -> str:
        return f"SipAccount({self.tenant!r}, {self.name!r})"


def key(tenant: str, name: str) -> str:
    """The name, for all tenants, of what has this name in one; a tenant's name has no slash."""
    return f"{tenant}/{name}"
