"""Variables as ARI's bodies hold them: text, or text and whether events shall show it."""

from collections.abc import Mapping
from typing import Any

from stasisd.core.assignment import Assignment

from .errors import InvalidParameter


def assignments(given: Mapping[str, Any] | None) -> tuple[Assignment, ...]:
    """What the variables of a JSON body ask to be set.

    Each value is text, or an object of ``value`` and ``report_events``. Raises
    :class:`InvalidParameter` where one is neither.
    """
    return tuple(_assignment(name.strip(), value) for name, value in (given or {}).items())


def _assignment(name: str, given: Any) -> Assignment:
    if _is_text(given):
        return Assignment(name, str(given))
    if not isinstance(given, dict) or not given.keys() <= {"value", "report_events"}:
        raise InvalidParameter(
            "Each value in 'variables' must be a string or an object with 'value' and optional "
            "'report_events'",
            detail=f"variable {name}",
        )
    value, reported = given.get("value"), given.get("report_events", False)
    if not _is_text(value):
        raise InvalidParameter(
            "Each object value in 'variables' must include string field 'value'",
            detail=f"variable {name}",
        )
    if not isinstance(reported, bool):
        raise InvalidParameter(
            "Field 'report_events' in 'variables' entries must be boolean",
            detail=f"variable {name}",
        )
    return Assignment(name, str(value), reported)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
