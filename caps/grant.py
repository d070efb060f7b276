"""What a verified token permits."""

import dataclasses
import math
from collections.abc import Iterable
from functools import cached_property

from caps.access import Access, Right
from caps.caveats import (
    OTHER_NETWORKS,
    Applications,
    Caveat,
    Contexts,
    Endpoints,
    Events,
    Expires,
    Networks,
    NotBefore,
)
from caps.errors import Denied

# More operations than a server has; a bound for those who would ask for invented ones.
REMEMBERED = 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grant:
    """The caveats of a verified token. It permits whatever none of them prohibits.

    `tenant` is None for an operator whose token no caveat limits to one. `token_id` may be logged;
    it is what revocation names, beside `key_id` and `user`, for whom the token was minted at
    `issued`. The token is valid from `not_before` until `expires` (all seconds since 1970): a
    holder of an open socket closes it then.
    """

    tenant: str | None
    key_id: str
    token_id: str
    caveats: tuple[Caveat, ...]
    not_before: float = -math.inf
    expires: float = math.inf
    user: str | None = None
    issued: float = 0.0

    def __post_init__(self) -> None:
        for caveat in self.caveats:
            if isinstance(caveat, NotBefore):
                object.__setattr__(self, "not_before", max(self.not_before, caveat.at))
            elif isinstance(caveat, Expires):
                object.__setattr__(self, "expires", min(self.expires, caveat.at))

    @property
    def sole_application(self) -> str | None:
        """The application that the caveats leave, where they leave just one."""
        limits = [set(each.names) for each in self.caveats if isinstance(each, Applications)]
        left = set.intersection(*limits) if limits else set()
        return left.pop() if len(left) == 1 else None

    def prohibits(self, access: Access) -> Denied | None:
        """The refusal that `check` would raise, or None. For filters of lists and events."""
        if self._passes(access):
            for caveat in self._varying:
                if caveat.prohibits(access) is not None:
                    break
            else:
                return None
        return _first_denial((*self.caveats, *self._times), access)

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
        if self._passes(access):
            for caveat in self._varying:
                if caveat.decidable(access) and caveat.prohibits(access) is not None:
                    break
            else:
                return
        decidable = (caveat for caveat in self.caveats if caveat.decidable(access))
        denied = _first_denial((*decidable, *self._times), access)
        if denied is not None:
            raise denied

    def admit(self, address: str | None) -> "Grant":
        """The grant as a client of this address may use it, None being the server itself.

        Raises Denied where a caveat lets no such address in.
        """
        for caveat in self._networks:
            if address is not None and not caveat.lets_in(address):
                raise Denied(OTHER_NETWORKS, caveat)
        return self._inside

    def narrow(self, *caveats: Caveat) -> "Grant":
        """The same grant with more taken away; the time of validity follows the caveats."""
        return dataclasses.replace(self, caveats=self.caveats + caveats)

    def without(self, settled: type[Caveat]) -> "Grant":
        """The grant without the caveats of a kind, for who has seen to it that they are met."""
        rest = tuple(caveat for caveat in self.caveats if not isinstance(caveat, settled))
        return dataclasses.replace(self, caveats=rest)

    def _passes(self, access: Access) -> bool:
        """Whether the time is right and no steady caveat objects, which is asked only once.

        A shortcut for the usual case: what does not pass is decided again, caveat by caveat.
        """
        if not self.not_before <= access.now < self.expires:
            return False
        key = (access.operation, access.right, access.tenant)
        if key in self._passed:
            return True
        if _first_denial(self._steady, access) is not None:
            return False
        if len(self._passed) >= REMEMBERED:
            self._passed.clear()
        self._passed.add(key)
        return True

    @cached_property
    def is_particular(self) -> bool:
        """Whether a caveat asks for endpoints, contexts or events, which cost to find out."""
        return any(isinstance(caveat, Endpoints | Contexts | Events) for caveat in self.caveats)

    @cached_property
    def _passed(self) -> set[tuple[str, Right, str | None]]:
        """What the steady caveats had no objection to."""
        return set()

    @cached_property
    def _steady(self) -> tuple[Caveat, ...]:
        return tuple(caveat for caveat in self.caveats if caveat.steady)

    @cached_property
    def _varying(self) -> tuple[Caveat, ...]:
        """What has to be asked each time, but for the times, which stand in the grant."""
        return tuple(
            caveat
            for caveat in self.caveats
            if not caveat.steady and not isinstance(caveat, NotBefore | Expires)
        )

    @cached_property
    def _times(self) -> tuple[Caveat, ...]:
        return NotBefore(self.not_before), Expires(self.expires)

    @cached_property
    def _networks(self) -> tuple[Networks, ...]:
        return tuple(caveat for caveat in self.caveats if isinstance(caveat, Networks))

    @cached_property
    def _inside(self) -> "Grant":
        """The grant of a client whose address was looked at."""
        if not self._networks:
            return self
        return self.without(Networks)


def _first_denial(caveats: Iterable[Caveat], access: Access) -> Denied | None:
    for caveat in caveats:
        reason = caveat.prohibits(access)
        if reason is not None:
            return Denied(reason, caveat)
    return None
