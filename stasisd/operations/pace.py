"""What is asked for faster than its tenant may ask."""

from math import ceil

from stasisd.core.limits import Rate, TooSoon

from .errors import TooManyRequests


def not_too_soon(rate: Rate, message: str) -> None:
    """Have one of a rate. Raises :class:`TooManyRequests`."""
    try:
        rate.take()
    except TooSoon as soon:
        raise TooManyRequests(message, ceil(soon.wait)) from None
