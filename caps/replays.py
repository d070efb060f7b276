"""Whether a proof was shown before, in bounded memory.

A proof says when it was made, and is good within `skew` of that. So it is remembered for twice the
skew at least, from its coming on, and what is older needs no memory. Two generations do it: the
present one takes what comes, the one before is still asked, and the third is forgotten. What was
forgotten, and what was made before the window began (a restart forgets, too), stays refused by the
time of the last proof in it, even where the clock is set back.
"""

import math
from collections import Counter

from caps.errors import StaleProof, TooManyProofs

# What two generations of so many hold at most is some 30 MiB.
CAPACITY = 2**17
# For one token and all that were made of it: no holder can lock the others out.
SHARE = 2**15


class _Generation:
    def __init__(self, began: float) -> None:
        self.began = began
        self.latest = -math.inf
        self.seen: set[bytes] = set()
        self.by_holder: Counter[str] = Counter()


class ReplayWindow:
    """Lets each proof in once. Times are seconds since 1970."""

    def __init__(
        self, began: float, *, skew: float, capacity: int = CAPACITY, share: int = SHARE
    ) -> None:
        self._skew = skew
        self._capacity = capacity
        self._share = share
        self._present, self._before = _Generation(began), _Generation(began)
        # Nothing that was made up to then is let in.
        self._forgotten = began

    def admit(self, proof: bytes, holder: str, made: float, now: float) -> None:
        """Lets a genuine proof in that its holder made then.

        Raises StaleProof for one out of its time or seen before, and TooManyProofs where so many
        came that no further one could be remembered.
        """
        self._age(now)
        present, before = self._present, self._before
        if abs(now - made) > self._skew or made <= self._forgotten:
            raise StaleProof
        if proof in present.seen or proof in before.seen:
            raise StaleProof
        if len(present.seen) >= self._capacity or present.by_holder[holder] >= self._share:
            raise TooManyProofs
        present.seen.add(proof)
        present.by_holder[holder] += 1
        present.latest = max(present.latest, made)

    def _age(self, now: float) -> None:
        if now - self._present.began >= 2 * self._skew:
            self._forgotten = max(self._forgotten, self._before.latest)
            self._before, self._present = self._present, _Generation(now)
