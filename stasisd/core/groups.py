"""Groups of endpoints: names that tokens can be limited to, whoever belongs to them by now."""

from collections.abc import Mapping
from functools import lru_cache

# Names of endpoints whose groups are kept; a local call has one for each extension.
REMEMBERED = 4096


class Groups:
    """Which groups an endpoint is in, such as ``PJSIP/100``."""

    def __init__(self, members: Mapping[str, tuple[str, ...]]) -> None:
        """``members`` are endpoints by group, or all that begin so: ``PJSIP/1*``."""
        self._members = members
        self.of = lru_cache(REMEMBERED)(self._of)

    def _of(self, endpoint: str) -> frozenset[str]:
        return frozenset(
            group
            for group, members in self._members.items()
            if any(_names(member, endpoint) for member in members)
        )


def _names(member: str, endpoint: str) -> bool:
    return endpoint.startswith(member[:-1]) if member.endswith("*") else endpoint == member
