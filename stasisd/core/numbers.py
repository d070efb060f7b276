"""Which prompts say a number, in English."""

SCALES = ((1_000_000, "digits/million"), (1_000, "digits/thousand"), (100, "digits/hundred"))
GREATEST = 999_999_999

SIGNS = {"*": "digits/star", "#": "digits/pound", "-": "digits/minus"}
LETTERS = {
    "*": "letters/asterisk",
    "@": "letters/at",
    "-": "letters/dash",
    "$": "letters/dollar",
    ".": "letters/dot",
    "=": "letters/equals",
    "!": "letters/exclaimationpoint",
    "+": "letters/plus",
    "/": "letters/slash",
    " ": "letters/space",
}


def number(value: int) -> list[str]:
    """The prompts of a whole number of at most nine digits, e.g. 21 is twenty, one.

    Raises ValueError where it is out of range.
    """
    if abs(value) > GREATEST:
        raise ValueError(f"{value} is too large to be said")
    if value < 0:
        return ["digits/minus", *number(-value)]
    for scale, name in SCALES:
        if value >= scale:
            more, rest = divmod(value, scale)
            return [*number(more), name, *(number(rest) if rest else [])]
    if value <= 20:
        return [f"digits/{value}"]
    tens, ones = divmod(value, 10)
    return [f"digits/{tens * 10}", *([f"digits/{ones}"] if ones else [])]


def digits(text: str) -> list[str]:
    """The prompts of each digit, star, pound and minus; other characters are passed over."""
    return [SIGNS.get(c, f"digits/{c}") for c in text if c in "0123456789" or c in SIGNS]


def characters(text: str) -> list[str]:
    """The prompts that spell a text; what has no name is passed over."""
    said = []
    for c in text.lower():
        if c.isascii() and c.isdigit():
            said.append(f"digits/{c}")
        elif c.isascii() and c.isalpha():
            said.append(f"letters/{c}")
        elif c in LETTERS:
            said.append(LETTERS[c])
    return said
