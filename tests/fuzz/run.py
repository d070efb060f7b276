"""Disturb examples by hypothesis, give them to a reader, and count what comes of it."""

import random
import time
from collections import Counter
from collections.abc import Sequence

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .readers import Reader

# Inputs that come of what hypothesis draws at a time, whose own cost is that of ten of them.
TOGETHER = 20


class Outcome(msgspec.Struct, frozen=True):
    """So many inputs were read, and so many refused, each by the error named."""

    reader: str
    read: int
    refused: dict[str, int]
    seconds: float

    @property
    def inputs(self) -> int:
        """All of them; there are no others, since what escapes ends the run."""
        return self.read + sum(self.refused.values())


def run(reader: Reader, inputs: int, *, derandomize: bool = False) -> Outcome:
    """Give a reader so many inputs. Whatever it does not declare is raised, with the input."""
    counts: Counter[str] = Counter()

    @settings(
        max_examples=-(-inputs // TOGETHER),
        deadline=None,
        database=None,
        derandomize=derandomize,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(reader.examples), st.integers(0, 2**64))
    def once(example: bytes, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(TOGETHER):
            counts[_give(reader, disturbed(example, reader.tokens, chance))] += 1

    begun = time.monotonic()
    once()
    read = counts.pop("", 0)
    return Outcome(reader.name, read, dict(counts), time.monotonic() - begun)


def _give(reader: Reader, data: bytes) -> str:
    """Give it one input; the name of the error by which it refuses it, or nothing."""
    try:
        reader.read(data)
    except reader.refuses as error:
        return type(error).__name__
    except Exception as error:  # no barrier: it goes on, with its input
        error.add_note(f"{reader.name} was given {data!r}")
        raise
    return ""


def disturbed(example: bytes, tokens: Sequence[bytes], chance: random.Random) -> bytes:
    """An example with up to eight changes, as long as a datagram at most."""
    data = bytearray(example)
    for _ in range(chance.randrange(9)):
        _disturb(data, tokens, chance)
    return bytes(data[:1500])


def _disturb(data: bytearray, tokens: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randint(0, len(data))
    kind = chance.randrange(5)
    if kind == 0:
        data[at:at] = chance.choice(tokens)
    elif kind == 1:
        del data[at : at + chance.randint(1, 30)]
    elif kind == 2 and at < len(data):
        data[at] = chance.randrange(256)
    elif kind == 3:
        data[at:at] = data[at : at + chance.randint(1, 200)]
    elif kind == 4 and chance.random() < 0.2:
        del data[at:]
