"""What is to be set on an object: the variables that a request or a new channel comes with."""

import msgspec


class Assignment(msgspec.Struct, frozen=True):
    """A variable or function to set; ``reported`` shows it in all events from then on."""

    name: str
    value: str
    reported: bool = False
