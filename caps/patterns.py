"""Names, and the starts of names, by which caveats say what they leave."""

from collections.abc import Sequence


class Patterns:
    """Matches a name exactly, or by its start where a pattern ends in `*`.

    A start has to reach beyond the divider: a part of a kind would name kinds to come. A name that
    itself ends in `*` can't be meant alone.
    """

    __slots__ = ("_exact", "_starts")

    def __init__(self, texts: Sequence[str], divider: str) -> None:
        starts = {text for text in texts if text.endswith("*") and divider in text}
        self._starts = tuple(text[:-1] for text in starts)
        self._exact = frozenset(texts) - starts

    def match(self, name: str) -> bool:
        """Whether one of the patterns names this."""
        return name in self._exact or name.startswith(self._starts)
