"""An application's argument string, split the way Asterisk splits it."""

import re

_SPECIAL = re.compile(r'[()\[\]",\\]')
_CLOSES = {")": "(", "]": "["}


def split_arguments(text: str, limit: int | None = None) -> tuple[str, ...]:
    r"""Split at the commas that are not inside `"..."`, `(...)` or `[...]`, nor after a `\`.

    Quotes and backslashes are taken out; blanks stay. No text is no argument. With `limit` the
    last argument is all that is left, as written. Unbalanced quotes or brackets raise nothing:
    they reach to the end.
    """
    if not text:
        return ()
    arguments: list[str] = []
    part: list[str] = []
    open_ = {"(": 0, "[": 0}
    quoted = False
    at = 0
    while limit is None or len(arguments) < limit - 1:
        found = _SPECIAL.search(text, at)
        if found is None:
            break
        part.append(text[at : found.start()])
        character, at = found[0], found.end()
        if character == '"':
            quoted = not quoted
        elif character == "\\":
            part.append(text[at : at + 1])
            at += 1
        elif character == "," and not (quoted or any(open_.values())):
            arguments.append("".join(part))
            part.clear()
        else:
            part.append(character)
            _count(open_, character)
    return (*arguments, "".join(part) + text[at:])


def _count(open_: dict[str, int], character: str) -> None:
    """Track how many brackets of each kind are open; a closing one too many counts for nothing."""
    if character in open_:
        open_[character] += 1
    elif character in _CLOSES:
        opener = _CLOSES[character]
        open_[opener] = max(open_[opener] - 1, 0)
