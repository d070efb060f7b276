"""What a verified token permits."""

import math
from collections.abc import Iterable

import msgspec

from caps.access import Access
from caps.caveats import OTHER_NETWORKS, Caveat, Expires, Networks, NotBefore
from caps.errors import Denied


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The caveats of a verified token. It permits whatever none of them prohibits.

    `token_id` may be logged; it is what revocation names. The token is valid from `not_before`
    until `expires` (seconds since 1970): a holder of an open socket closes it then.
    """

    tenant: str
    key_id: str
    token_id: str
    caveats: tuple[Caveat, ...]
    not_before: float = -math.inf
    expires: float = math.inf

    def prohibits(self, access: Access) -> Denied | None:
        """The refusal that `check` would raise, or None. For filters of lists and events."""
        for caveat in self.caveats:
            reason = caveat.prohibits(access)
            if reason is not None:
                return Denied(reason, caveat)
        return None

    def check(self, access: Access) -> None:
        """Decides the access with all that is known of the object; raises Denied."""
        denied = self.prohibits(access)
        if denied is not None:
            raise denied

    def check_names(self, access: Access) -> None:
        """Decides what the operation and the names alone can decide; raises Denied.

        Comes before the object is looked for, so that its refusal says nothing about what
        exists. Passing it permits nothing: `check` must follow with the object.
        """
        for caveat in self.caveats:
            if caveat.decidable(access):
                reason = caveat.prohibits(access)
                if reason is not None:
                    raise Denied(reason, caveat)

    def admit(self, address: str | None) -> "Grant":
        """The grant as a client of this address may use it, None being the server itself.

        Raises Denied where a caveat lets no such address in.
        """
        networks = [caveat for caveat in self.caveats if isinstance(caveat, Networks)]
        if not networks:
            return self
        for caveat in networks:
            if address is not None and not caveat.lets_in(address):
                raise Denied(OTHER_NETWORKS, caveat)
        rest = tuple(caveat for caveat in self.caveats if not isinstance(caveat, Networks))
        return msgspec.structs.replace(self, caveats=rest)

    def narrow(self, *caveats: Caveat) -> "Grant":
        """The same grant with more taken away; the time of validity follows the caveats."""
        not_before, expires = validity(caveats)
        return msgspec.structs.replace(
            self,
            caveats=self.caveats + caveats,
            not_before=max(self.not_before, not_before),
            expires=min(self.expires, expires),
        )


def validity(caveats: Iterable[Caveat]) -> tuple[float, float]:
    """(first moment, end), infinite where no caveat limits it."""
    not_before, expires = -math.inf, math.inf
    for caveat in caveats:
        if isinstance(caveat, NotBefore):
            not_before = max(not_before, caveat.at)
        elif isinstance(caveat, Expires):
            expires = min(expires, caveat.at)
    return not_before, expires
